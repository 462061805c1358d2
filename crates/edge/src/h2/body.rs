//! The message in a pipe as HTTP/1.1 frames it, and the body of a stream of HTTP/2: one carried over into the other, as fast as the
//! slower side takes it.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use http::HeaderMap;
use keyward_http::h1::chunked::{Chunks, Piece};
use keyward_http::h1::lines::{Lines, Most};
use keyward_http::h1::{Framing, write};
use keyward_http::h2 as translate;
use keyward_http::trailers::Section;

use super::pipe::{Left, Reader, Writer};

/// The most that a head in a pipe may use up: what was written there was read by these bounds or tighter ones before.
const HEAD: Most = Most { bytes: 512 * 1024, fields: 1024 };

/// A message broke off, or is none.
#[derive(Debug)]
pub(crate) struct Broken;

/// What is read from a pipe.
pub(crate) struct Source {
    pub(crate) reader: Reader,
    pub(crate) lines: Lines,
    body: Body,
    section: Section,
}

enum Body {
    Length(u64),
    Chunked(Chunks),
    Ended,
}

/// What comes next of a body.
enum Next {
    Data(Bytes),
    /// Its end, perhaps with trailer fields.
    End(HeaderMap),
}

impl Source {
    pub(crate) fn new(reader: Reader) -> Self {
        reader.reads_head(true);
        Self { reader, lines: Lines::default(), body: Body::Ended, section: Section::default() }
    }

    /// Reads on until a head is whole: its length.
    pub(crate) fn poll_head(&mut self, cx: &Context<'_>) -> Poll<Result<usize, Broken>> {
        let mut seen = 0;
        loop {
            if !ready!(self.reader.poll_more(cx, seen)) {
                return Poll::Ready(Err(Broken));
            }
            let lines = &mut self.lines;
            let (advanced, length) = self.reader.look(|bytes| (lines.advance(bytes, HEAD), bytes.len()));
            match advanced.map_err(|_| Broken)? {
                Some(length) => return Poll::Ready(Ok(length)),
                None => seen = length,
            }
        }
    }

    /// Takes the head away that was read.
    pub(crate) fn drop_head(&mut self) {
        drop(self.reader.take(self.lines.length()));
        self.lines.reset();
    }

    /// What follows the head is a body that is framed like this.
    pub(crate) fn begin_body(&mut self, framing: Framing) -> Result<(), Broken> {
        self.body = match framing {
            Framing::Empty | Framing::Length(0) => Body::Ended,
            Framing::Length(length) => Body::Length(length),
            Framing::Chunked => Body::Chunked(Chunks::default()),
            // The end of a pipe is no end of a body: it may have broken off.
            Framing::UntilClose => return Err(Broken),
        };
        self.reader.reads_head(false);
        Ok(())
    }

    fn poll_next(&mut self, cx: &Context<'_>, most: usize) -> Poll<Result<Next, Broken>> {
        loop {
            if matches!(self.body, Body::Ended) {
                return Poll::Ready(Ok(Next::End(HeaderMap::new())));
            }
            if !ready!(self.reader.poll_more(cx, 0)) {
                return Poll::Ready(Err(Broken));
            }
            match &mut self.body {
                Body::Ended => {}
                Body::Length(left) => {
                    let data = self.reader.take(usize::try_from(*left).unwrap_or(usize::MAX).min(most));
                    *left -= data.len() as u64;
                    if *left == 0 {
                        self.body = Body::Ended;
                    }
                    return Poll::Ready(Ok(Next::Data(data)));
                }
                Body::Chunked(chunks) => {
                    let piece = self.reader.look(|bytes| chunks.take(bytes.get(..most.max(1)).unwrap_or(bytes)));
                    match piece.map_err(|_| Broken)? {
                        Piece::Data(count) => return Poll::Ready(Ok(Next::Data(self.reader.take(count)))),
                        Piece::Framing(count) => drop(self.reader.take(count)),
                        Piece::Trailer(count) => self.section.take(&self.reader.take(count)).map_err(|_| Broken)?,
                        Piece::End(count) => {
                            drop(self.reader.take(count));
                            self.body = Body::Ended;
                            let trailers = std::mem::take(&mut self.section).read(translate::trailers);
                            return Poll::Ready(trailers.map_err(|_| Broken)?.map_err(|_| Broken).map(Next::End));
                        }
                    }
                }
            }
        }
    }
}

/// Sends a body from a pipe on as a stream's, to its end. A stream whose body breaks off is left open: whoever called ends it.
pub(crate) async fn send(source: &mut Source, stream: &mut SendStream<Bytes>) -> Result<(), Broken> {
    /// As much as is offered to a stream at once.
    const PIECE: usize = 16 * 1024;
    loop {
        let next = poll_fn(|cx| {
            if stream.poll_reset(cx).is_ready() {
                return Poll::Ready(Err(Broken));
            }
            if matches!(source.body, Body::Ended) {
                return source.poll_next(cx, 0);
            }
            // What waits for room waits in the pipe, and holds its writer up.
            if !ready!(source.reader.poll_more(cx, 0)) {
                return Poll::Ready(Err(Broken));
            }
            let room = ready!(poll_room(cx, stream, source.reader.look(<[u8]>::len).min(PIECE)))?;
            let next = source.poll_next(cx, room);
            if next.is_pending() {
                // Room that is kept for nothing is missing to other streams.
                stream.reserve_capacity(0);
            }
            next
        })
        .await?;
        let sent = match next {
            Next::Data(data) => {
                let is_last = matches!(source.body, Body::Ended);
                stream.send_data(data, is_last).map(|()| is_last)
            }
            Next::End(trailers) if trailers.is_empty() => stream.send_data(Bytes::new(), true).map(|()| true),
            Next::End(trailers) => stream.send_trailers(trailers).map(|()| true),
        };
        if sent.map_err(|_| Broken)? {
            return Ok(());
        }
    }
}

/// Waits until a stream takes some bytes more: how many.
fn poll_room(cx: &mut Context<'_>, stream: &mut SendStream<Bytes>, wanted: usize) -> Poll<Result<usize, Broken>> {
    stream.reserve_capacity(wanted);
    let mut room = stream.capacity();
    while room == 0 {
        match ready!(stream.poll_capacity(cx)) {
            Some(Ok(capacity)) => room = capacity,
            _ => return Poll::Ready(Err(Broken)),
        }
    }
    Poll::Ready(Ok(room))
}

/// Why a stream's body did not get into a pipe.
#[derive(Debug)]
pub(crate) enum NotReceived {
    /// It broke off.
    Broken,
    /// Nobody wants it.
    Unwanted,
}

impl From<Left> for NotReceived {
    fn from(_: Left) -> Self {
        Self::Unwanted
    }
}

/// Writes the body of a stream into a pipe, framed like this. What the pipe took, the stream may send more of.
pub(crate) async fn receive(stream: &mut RecvStream, writer: &Writer, framing: Framing) -> Result<(), NotReceived> {
    if framing.is_empty() {
        return Ok(());
    }
    let is_chunked = framing == Framing::Chunked;
    let mut line = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data.map_err(|_| NotReceived::Broken)?;
        if !data.is_empty() {
            if is_chunked {
                line.clear();
                write::chunk_size(&mut line, data.len());
                writer.write(&line).await?;
            }
            writer.write(&data).await?;
            if is_chunked {
                writer.write(b"\r\n").await?;
            }
        }
        // The library keeps count; it fails only on more than came.
        let _ = stream.flow_control().release_capacity(data.len());
    }
    let trailers = stream.trailers().await.map_err(|_| NotReceived::Broken)?;
    if is_chunked {
        line.clear();
        translate::trailer_section(&mut line, &trailers.unwrap_or_default());
        writer.write(&line).await?;
    }
    Ok(())
}
