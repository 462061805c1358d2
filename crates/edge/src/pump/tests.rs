//! What is kept of a body is what was sent of it.

use std::task::Waker;

use super::*;
use crate::h2::pipe::{Pipe, pair};
use crate::watch::Ticks;

/// A body from its sender to whoever takes it.
struct Way {
    wire: Vec<u8>,
    at: usize,
    source: Pipe,
    from: Io,
    input: Buffer,
}

impl Way {
    fn of(wire: &[u8]) -> Self {
        let (source, near) = pair();
        Self { wire: wire.to_vec(), at: 0, source, from: Io::Pipe(near), input: Buffer::default() }
    }

    /// Sends small pieces, but for the last, until nothing moves any more. What comes out is taken up to a bound, and what is
    /// left when all waits, if it `drains`.
    fn go(&mut self, pump: &mut Pump, most: usize, drains: bool) -> Vec<u8> {
        let (near, mut out) = pair();
        let (mut to, mut got, mut most) = (Io::Pipe(near), Vec::new(), most);
        let mut cx = Context::from_waker(Waker::noop());
        let (watch, buffers) = (Watch::new(&Ticks::default()), Buffers::default());
        loop {
            let left = &self.wire[self.at..];
            let piece = if left.len() > 10_000 { &left[..3000] } else { left };
            let fed = match self.source.poll_write(&cx, piece, &[]) {
                Poll::Ready(Ok(count)) => count,
                _ => 0,
            };
            self.at += fed;
            let _ = pump.poll(&mut cx, (&mut self.from, &mut self.input), &mut to, (&watch, &buffers));
            let mut piece = vec![0; 100_000.min(most - got.len())];
            let taken = match out.poll_read(&cx, &mut piece) {
                Poll::Ready(count) => count,
                Poll::Pending => 0,
            };
            got.extend_from_slice(&piece[..taken]);
            if fed + taken == 0 {
                if !drains || most == usize::MAX {
                    return got;
                }
                most = usize::MAX;
            }
        }
    }
}

/// What a body becomes behind another head after so many bytes went behind a first one; `None` where they are gone.
fn again((wire, framing): (&[u8], Framing), taken: usize, drains: bool) -> Option<Vec<u8>> {
    let mut way = Way::of(wire);
    let mut pump = Pump::new(Vec::new(), framing, framing, None);
    pump.begin_with(b"head".to_vec(), true);
    way.go(&mut pump, taken, drains);
    pump.is_whole().then(|| {
        pump.rewind(b"another head".to_vec(), false);
        let got = way.go(&mut pump, usize::MAX, false);
        assert!(pump.is_done());
        got
    })
}

/// What is in the chunks: they may be cut otherwise.
fn read((mut wire, framing): (&[u8], Framing)) -> Vec<u8> {
    if framing != Framing::Chunked {
        return wire.to_vec();
    }
    let (mut chunks, mut body) = (Chunks::default(), Vec::new());
    loop {
        let (Piece::Data(count) | Piece::Framing(count) | Piece::Trailer(count) | Piece::End(count)) =
            match chunks.take(wire).unwrap() {
                Piece::Data(count) => {
                    body.extend_from_slice(&wire[..count]);
                    Piece::Data(count)
                }
                Piece::End(count) if count == wire.len() => return body,
                other => other,
            };
        wire = &wire[count..];
    }
}

#[test]
fn what_is_at_hand_is_sent_again_as_it_was() {
    let body: Vec<u8> = (0..3 * KEPT).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let lengths = [1, 4096, 4097, 60_000, KEPT - 1, KEPT, KEPT + 1, KEPT + 5000, 3 * KEPT];
    let plain = lengths.map(|length| (body[..length].to_vec(), Framing::Length(length as u64)));
    // Small pieces are gathered, and a large one stands behind them.
    let chunked = [0, 1, 20, 30, 33, 34, 35, 40].map(|small| {
        let mut wire = Vec::new();
        for piece in std::iter::repeat_n(&body[..4000], small).chain([&body[..10_000]]) {
            write::chunk_size(&mut wire, piece.len());
            wire.extend_from_slice(piece);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n\r\n");
        (wire, Framing::Chunked)
    });
    for (wire, framing) in plain.into_iter().chain(chunked) {
        let bounds = [0, 1, 10, 5000, 60_000, KEPT / 2, KEPT, 2 * KEPT, usize::MAX];
        for (taken, drains) in bounds.into_iter().flat_map(|taken| [(taken, false), (taken, true)]) {
            match again((&wire, framing), taken, drains) {
                Some(got) => {
                    let behind = got.strip_prefix(b"another head").unwrap();
                    let is_same = read((behind, framing)) == read((&wire, framing));
                    assert!(is_same, "{} bytes, {taken} taken", wire.len());
                }
                None => assert!(wire.len() > KEPT, "{} bytes, {taken} taken", wire.len()),
            }
        }
    }
}
