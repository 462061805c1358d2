//! A pair of ends in memory that carry bytes both ways within one core: to whoever serves or takes a stream of HTTP/2, its end looks
//! like a connection. What is in a pipe is bounded, so that a side that does not read holds the other up.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, Bytes, BytesMut};

/// What waits in one direction at most.
const MOST: usize = 64 * 1024;
/// What waits while a head is read, which has to be whole to be understood; heads are bounded by whoever reads them.
const MOST_OF_HEAD: usize = 512 * 1024;

/// One direction.
#[derive(Default)]
struct Way {
    bytes: BytesMut,
    most: usize,
    /// Nothing more will come.
    ended: bool,
    /// Nobody reads it any more.
    left: bool,
    /// It ended before anything was done: whoever sent a request may send it again.
    unprocessed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    watcher: Option<Waker>,
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

fn note(place: &mut Option<Waker>, cx: &Context<'_>) {
    if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *place = Some(cx.waker().clone());
    }
}

/// One end.
pub(crate) struct Pipe {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

/// Where an end reads.
pub(crate) struct Reader(Rc<RefCell<Way>>);

/// Where an end writes. Dropped, it is the end of what the other side reads.
pub(crate) struct Writer(Rc<RefCell<Way>>);

/// Nobody reads any more.
#[derive(Debug)]
pub(crate) struct Left;

/// Two ends that belong together.
pub(crate) fn pair() -> (Pipe, Pipe) {
    let way = || Rc::new(RefCell::new(Way { most: MOST, ..Way::default() }));
    let (one, other) = (way(), way());
    (
        Pipe { reader: Reader(Rc::clone(&one)), writer: Writer(Rc::clone(&other)) },
        Pipe { reader: Reader(other), writer: Writer(one) },
    )
}

impl Pipe {
    /// Reads into a buffer; 0 is the end.
    pub(crate) fn poll_read(&mut self, cx: &Context<'_>, into: &mut [u8]) -> Poll<usize> {
        let mut way = self.reader.0.borrow_mut();
        if way.bytes.is_empty() && !way.ended {
            note(&mut way.reader, cx);
            return Poll::Pending;
        }
        let count = into.len().min(way.bytes.len());
        if let Some(into) = into.get_mut(..count) {
            way.bytes.copy_to_slice(into);
        }
        wake(&mut way.writer);
        Poll::Ready(count)
    }

    /// Writes of two parts what fits.
    pub(crate) fn poll_write(&mut self, cx: &Context<'_>, first: &[u8], second: &[u8]) -> Poll<io::Result<usize>> {
        let broken = |_: Left| io::Error::from(io::ErrorKind::BrokenPipe);
        self.writer.poll_write(cx, first, second).map_err(broken)
    }

    /// Says that nothing more will be written.
    pub(crate) fn finish(&mut self) {
        self.writer.finish();
    }

    /// Whether something came, or the other end is gone.
    pub(crate) fn has_come(&self) -> bool {
        let way = self.reader.0.borrow();
        way.ended || !way.bytes.is_empty()
    }

    /// Whether the other end said that nothing was done of what it was sent.
    pub(crate) fn is_unprocessed(&self) -> bool {
        self.reader.0.borrow().unprocessed
    }
}

impl Reader {
    /// Waits until more than `seen` bytes are there, or the end: whether there are.
    pub(crate) fn poll_more(&self, cx: &Context<'_>, seen: usize) -> Poll<bool> {
        let mut way = self.0.borrow_mut();
        if way.bytes.len() > seen {
            return Poll::Ready(true);
        }
        if way.ended {
            return Poll::Ready(false);
        }
        note(&mut way.reader, cx);
        Poll::Pending
    }

    /// Whether a head is being read, which may take more room than a body.
    pub(crate) fn reads_head(&self, is_head: bool) {
        let mut way = self.0.borrow_mut();
        way.most = if is_head { MOST_OF_HEAD } else { MOST };
        wake(&mut way.writer);
    }

    /// Looks at what is there.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.0.borrow().bytes)
    }

    /// Takes bytes off the front.
    pub(crate) fn take(&self, count: usize) -> Bytes {
        let mut way = self.0.borrow_mut();
        let count = count.min(way.bytes.len());
        let taken = way.bytes.split_to(count).freeze();
        wake(&mut way.writer);
        taken
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut way = self.0.borrow_mut();
        way.left = true;
        way.bytes.clear();
        wake(&mut way.writer);
        wake(&mut way.watcher);
    }
}

impl Writer {
    /// Writes of two parts what fits.
    pub(crate) fn poll_write(&self, cx: &Context<'_>, first: &[u8], second: &[u8]) -> Poll<Result<usize, Left>> {
        let mut way = self.0.borrow_mut();
        if way.left || way.ended {
            return Poll::Ready(Err(Left));
        }
        let room = way.most.saturating_sub(way.bytes.len());
        if room == 0 {
            note(&mut way.writer, cx);
            return Poll::Pending;
        }
        let of_first = first.len().min(room);
        let of_second = second.len().min(room - of_first);
        way.bytes.extend_from_slice(first.get(..of_first).unwrap_or_default());
        way.bytes.extend_from_slice(second.get(..of_second).unwrap_or_default());
        wake(&mut way.reader);
        Poll::Ready(Ok(of_first + of_second))
    }

    /// Writes all of it.
    pub(crate) async fn write(&self, mut bytes: &[u8]) -> Result<(), Left> {
        while !bytes.is_empty() {
            let count = std::future::poll_fn(|cx| self.poll_write(cx, bytes, &[])).await?;
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits until nobody reads any more.
    pub(crate) fn poll_left(&self, cx: &Context<'_>) -> Poll<()> {
        let mut way = self.0.borrow_mut();
        if way.left {
            return Poll::Ready(());
        }
        note(&mut way.watcher, cx);
        Poll::Pending
    }

    /// Says that nothing was done of what was read.
    pub(crate) fn unprocessed(&self) {
        self.0.borrow_mut().unprocessed = true;
    }

    fn finish(&self) {
        let mut way = self.0.borrow_mut();
        way.ended = true;
        wake(&mut way.reader);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
    }
}
