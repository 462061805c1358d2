//! A body on its way from one connection to the other, behind the head that it belongs to: read as it is framed there, written
//! as it is framed here, never gathered.

use std::task::{Context, Poll, ready};

use keyward_http::h1::chunked::{Chunks, Piece};
use keyward_http::h1::{Framing, write};
use keyward_http::trailers::Section;

use crate::buffer::{Buffer, Buffers};
use crate::io::Io;
use crate::trailing::Trailing;
use crate::watch::Watch;

/// Pieces up to this size are copied behind the head, to go with it in one write.
const SMALL: usize = 4096;
/// How much is gathered like that.
const GATHERED: usize = 16 * 1024;
/// How much of a body is kept for a second time: what a stream of HTTP/2 and its pipe take before anybody looks at it.
const KEPT: usize = 128 * 1024;

/// Why a body did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PumpFault {
    /// Whoever sends it broke off, or sent what is no body.
    From,
    /// Whoever takes it does not any more.
    To,
    /// It is longer than it may be.
    TooLong,
}

/// Where the end of what is read is known by.
enum Source {
    Length(u64),
    Chunked(Chunks),
    UntilClose,
    Ended,
}

/// The way of a body.
pub(crate) struct Pump {
    source: Source,
    chunked: bool,
    /// A chunk was written whose line end is due.
    open: bool,
    /// The last chunk was written.
    closed: bool,
    head: Vec<u8>,
    /// How much of it is the head itself; small pieces of the body may follow, and what is kept of it.
    head_length: usize,
    head_at: usize,
    /// Whether what was written stays there.
    keeps: bool,
    /// Whether all of it did so far.
    whole: bool,
    /// So many bytes at the front of the buffer are to be written as they are.
    ready: usize,
    left: u64,
    /// Whether anything was written.
    began: bool,
    /// What is let through behind the body, and what came of it so far.
    trailing: Option<(Trailing, Section)>,
}

impl Pump {
    /// A body that is framed one way there and another way here, behind a head.
    pub(crate) fn new(head: Vec<u8>, from: Framing, to: Framing, most: Option<u64>) -> Self {
        let source = match from {
            Framing::Empty | Framing::Length(0) => Source::Ended,
            Framing::Length(length) => Source::Length(length),
            Framing::Chunked => Source::Chunked(Chunks::default()),
            Framing::UntilClose => Source::UntilClose,
        };
        let chunked = to == Framing::Chunked;
        Self {
            source,
            chunked,
            open: false,
            closed: !chunked,
            head_length: head.len(),
            head,
            head_at: 0,
            keeps: false,
            whole: true,
            ready: 0,
            left: most.unwrap_or(u64::MAX),
            began: false,
            trailing: None,
        }
    }

    /// Lets a trailer section through, as far as it may pass; without this it is read over.
    pub(crate) fn with_trailer(mut self, trailing: Option<Trailing>) -> Self {
        self.trailing = trailing.map(|trailing| (trailing, Section::default()));
        self
    }

    /// Whether all of it was written.
    pub(crate) fn is_done(&self) -> bool {
        self.is_read() && self.closed && !self.has_more()
    }

    /// Whether all of it was read.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.source, Source::Ended) && self.ready == 0
    }

    /// Whether any byte of the head or the body was written.
    pub(crate) fn has_begun(&self) -> bool {
        self.began
    }

    /// Whether all that was written is still at hand.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Takes the head, before anything is sent; `keeps` says whether what is sent may have to be sent again.
    pub(crate) fn begin_with(&mut self, head: Vec<u8>, keeps: bool) {
        (self.head_length, self.keeps) = (head.len(), keeps);
        self.head = head;
    }

    /// Begins anew on another connection and with its head, where nothing was sent or all of it is at hand.
    pub(crate) fn rewind(&mut self, head: Vec<u8>, keeps: bool) {
        // Pieces of the body may stand behind the first head.
        self.head.splice(..self.head_length.min(self.head.len()), head.iter().copied());
        (self.head_length, self.head_at, self.began, self.keeps) = (head.len(), 0, false, keeps);
    }

    /// Keeps nothing more of what is written.
    pub(crate) fn let_go(&mut self) {
        self.keeps = false;
    }

    /// Gives what the head was put together in.
    pub(crate) fn into_head(self) -> Vec<u8> {
        self.head
    }

    fn has_more(&self) -> bool {
        self.head_at < self.head.len() || self.ready > 0
    }

    /// Goes on until all is written.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        (from, input): (&mut Io, &mut Buffer),
        to: &mut Io,
        (watch, buffers): (&Watch, &Buffers),
    ) -> Poll<Result<(), PumpFault>> {
        loop {
            self.prepare(input)?;
            if self.has_more() {
                let head = self.head.get(self.head_at..).unwrap_or_default();
                let body = input.filled().get(..self.ready).unwrap_or_default();
                let written = ready!(to.poll_write(cx, head, body)).map_err(|_| PumpFault::To)?;
                self.wrote(written, input);
                watch.progress();
                continue;
            }
            if matches!(self.source, Source::Ended) {
                return Poll::Ready(Ok(()));
            }
            let count = ready!(input.poll_fill(cx, from, 0, buffers)).map_err(|_| PumpFault::From)?;
            watch.progress();
            if count == 0 {
                match self.source {
                    Source::UntilClose => self.source = Source::Ended,
                    _ => return Poll::Ready(Err(PumpFault::From)),
                }
            }
        }
    }

    /// Makes ready what is at hand.
    fn prepare(&mut self, input: &mut Buffer) -> Result<(), PumpFault> {
        // A head that nothing follows is kept: it may have to be sent again.
        self.keeps &= self.head.len() <= self.head_length + KEPT;
        if self.head_at == self.head.len() && !self.is_read() && !self.keeps {
            self.whole &= self.head.is_empty();
            self.head.clear();
            self.head_at = 0;
        }
        while self.ready == 0 && !input.is_empty() && self.head.len() - self.head_at < GATHERED {
            let count = match &mut self.source {
                Source::Ended => break,
                Source::UntilClose => input.filled().len(),
                Source::Length(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(input.filled().len());
                    *left -= here as u64;
                    here
                }
                Source::Chunked(chunks) => match chunks.take(input.filled()).map_err(|_| PumpFault::From)? {
                    Piece::Framing(count) => {
                        input.consume(count);
                        continue;
                    }
                    Piece::Trailer(count) => {
                        if let Some(trailing) = &mut self.trailing {
                            let piece = input.filled().get(..count).unwrap_or_default();
                            trailing.1.take(piece).map_err(|_| PumpFault::From)?;
                        }
                        input.consume(count);
                        continue;
                    }
                    Piece::End(count) => {
                        input.consume(count);
                        self.source = Source::Ended;
                        break;
                    }
                    Piece::Data(count) => count,
                },
            };
            self.left = self.left.checked_sub(count as u64).ok_or(PumpFault::TooLong)?;
            if matches!(self.source, Source::Length(0)) {
                self.source = Source::Ended;
            }
            self.announce(count);
            if count <= SMALL {
                self.head.extend_from_slice(input.filled().get(..count).unwrap_or_default());
                input.consume(count);
            } else {
                self.ready = count;
            }
        }
        if matches!(self.source, Source::Ended) && self.ready == 0 && !self.closed {
            self.head.extend_from_slice(if self.open { b"\r\n0\r\n" } else { b"0\r\n" });
            if let Some((trailing, section)) = self.trailing.take() {
                section.write(&mut self.head, |name| trailing.passes(name)).map_err(|_| PumpFault::From)?;
            }
            self.head.extend_from_slice(b"\r\n");
            self.closed = true;
        }
        Ok(())
    }

    fn announce(&mut self, count: usize) {
        if self.chunked {
            if self.open {
                self.head.extend_from_slice(b"\r\n");
            }
            write::chunk_size(&mut self.head, count);
            self.open = true;
        }
    }

    fn wrote(&mut self, count: usize, input: &mut Buffer) {
        self.began = true;
        let of_head = count.min(self.head.len() - self.head_at);
        self.head_at += of_head;
        let of_body = count - of_head;
        if self.keeps {
            self.head.extend_from_slice(input.filled().get(..of_body).unwrap_or_default());
            self.head_at += of_body;
        }
        self.whole &= self.keeps || of_body == 0;
        input.consume(of_body);
        self.ready -= of_body.min(self.ready);
    }
}

#[cfg(test)]
mod tests;
