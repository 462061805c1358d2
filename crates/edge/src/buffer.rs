//! Buffers: taken while bytes are on their way, given back when a connection rests, so that idle connections hold none.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, ready};

use crate::io::Io;

/// What a buffer holds at first: a head, and a small body beside it.
const SIZE: usize = 16 * 1024;
/// What it holds at most, once whole buffers come at once: fewer system calls for large bodies.
const LARGE: usize = 128 * 1024;
/// How many are kept on a core.
const KEPT: usize = 256;

/// The buffers that nobody uses, of one core.
#[derive(Default)]
pub(crate) struct Buffers {
    buffers: RefCell<Vec<Vec<u8>>>,
    heads: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Room for a head to be put together.
    pub(crate) fn head(&self) -> Vec<u8> {
        self.heads.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(1024))
    }

    /// Gives back what a head was put together in.
    pub(crate) fn give_back_head(&self, mut head: Vec<u8>) {
        let mut heads = self.heads.borrow_mut();
        if heads.len() < KEPT && head.capacity() <= SIZE {
            head.clear();
            heads.push(head);
        }
    }
}

/// Bytes that were read and not used yet. Holds no memory when there are none and it was given back.
#[derive(Default)]
pub(crate) struct Buffer {
    /// As long as there is room, all of it written at some time.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// What was read and not used.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How much memory it holds.
    pub(crate) fn room(&self) -> usize {
        self.bytes.len()
    }

    /// How much it may come to hold by the next [`Buffer::poll_fill`].
    pub(crate) fn room_to_fill(&self, most: usize) -> usize {
        let room = self.room().max(SIZE);
        if self.end < self.room() && self.room() >= LARGE { room } else { (room * 2).min(most.max(LARGE)) }
    }

    /// Takes bytes off the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Splits what stands behind the first bytes off, into a buffer of its own.
    pub(crate) fn split(&mut self, at: usize, buffers: &Buffers) -> Self {
        let mut rest = Self::default();
        let behind = self.filled().get(at..).unwrap_or_default();
        if !behind.is_empty() {
            rest.bytes = buffers.take(behind.len());
            if let Some(place) = rest.bytes.get_mut(..behind.len()) {
                place.copy_from_slice(behind);
            }
            rest.end = behind.len();
            self.end = self.start + at;
        }
        rest
    }

    /// Reads more; 0 is the end. With room for `most` bytes at least, or as much as is worth it.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io,
        most: usize,
        buffers: &Buffers,
    ) -> Poll<io::Result<usize>> {
        self.make_room(most, buffers);
        let space = self.bytes.get_mut(self.end..).unwrap_or_default();
        let room = space.len();
        let Poll::Ready(read) = io.poll_read(cx, space) else {
            if self.is_empty() {
                self.give_back(buffers);
            }
            return Poll::Pending;
        };
        let count = read?;
        self.end += count;
        // Whole buffers at once: more would have come at once.
        if count == room && self.bytes.len() < LARGE {
            let larger = (self.bytes.len() * 2).min(LARGE);
            self.bytes.resize(larger, 0);
        }
        Poll::Ready(Ok(count))
    }

    fn make_room(&mut self, most: usize, buffers: &Buffers) {
        if self.bytes.is_empty() {
            self.bytes = buffers.take(SIZE);
        }
        if self.end < self.bytes.len() {
            return;
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        } else {
            let larger = (self.bytes.len() * 2).min(most.max(self.bytes.len() + 1));
            self.bytes.resize(larger, 0);
        }
    }

    /// Gives the memory back. What was read and not used is lost.
    pub(crate) fn give_back(&mut self, buffers: &Buffers) {
        (self.start, self.end) = (0, 0);
        let bytes = std::mem::take(&mut self.bytes);
        let mut kept = buffers.buffers.borrow_mut();
        if bytes.len() == SIZE && kept.len() < KEPT {
            kept.push(bytes);
        }
    }
}

impl Buffers {
    fn take(&self, least: usize) -> Vec<u8> {
        if least <= SIZE
            && let Some(bytes) = self.buffers.borrow_mut().pop()
        {
            return bytes;
        }
        vec![0; least.max(SIZE)]
    }
}

/// Waits until more has come.
pub(crate) async fn fill(buffer: &mut Buffer, io: &mut Io, most: usize, buffers: &Buffers) -> io::Result<usize> {
    std::future::poll_fn(|cx| {
        let count = ready!(buffer.poll_fill(cx, io, most, buffers));
        Poll::Ready(count)
    })
    .await
}
