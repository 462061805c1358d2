//! The two bodies of an exchange: what a client sends up, and what it gets down.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::pool::Lease;
use crate::watch::{Uploaded, Watch};

/// A body as it comes off the wire. The codec's type has this one name, so that another codec can take its place.
pub(crate) type Wire = hyper::body::Incoming;

/// Why a body ends before its end; the codec closes the connection then.
pub(crate) type Broken = Box<dyn std::error::Error + Send + Sync>;

/// A request's body on its way up: counted against its limit, never buffered.
pub(crate) struct Upload {
    body: Option<Wire>,
    left: u64,
    watch: Rc<Watch>,
}

impl Upload {
    /// Takes at most `limit` bytes.
    pub(crate) fn new(body: Wire, limit: Option<u64>, watch: Rc<Watch>) -> Self {
        let body = (!body.is_end_stream()).then_some(body);
        Self { body, left: limit.unwrap_or(u64::MAX), watch }
    }

    /// Another body as empty as this one; `None` where there are bytes to be sent, which can be sent only once.
    pub(crate) fn empty_again(&self) -> Option<Self> {
        self.body.is_none().then(|| Self { body: None, left: 0, watch: Rc::clone(&self.watch) })
    }

    fn count(&mut self, frame: &Frame<Bytes>) -> Result<(), Broken> {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.watch.set_uploaded(Uploaded::Outgrown);
                Err("the body is larger than it may be".into())
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
            this.watch.set_uploaded(Uploaded::Awaited);
            return Poll::Pending;
        };
        this.watch.progress();
        this.watch.set_uploaded(match &frame {
            Some(Err(_)) => Uploaded::Broken,
            Some(Ok(_)) if !body.is_end_stream() => Uploaded::Partly,
            _ => Uploaded::Whole,
        });
        Poll::Ready(frame.map(|frame| {
            let frame = frame?;
            this.count(&frame)?;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// An answer's body on its way down. While it lives, the exchange does.
pub(crate) struct Download {
    source: Source,
    watch: Rc<Watch>,
}

enum Source {
    /// Of our own making.
    Own(Bytes),
    /// From an upstream, with the connection it comes by.
    Upstream { body: Wire, ended: bool, lease: Option<Lease> },
}

impl Download {
    /// A whole body of our own.
    pub(crate) fn own(body: Bytes, watch: &Rc<Watch>) -> Self {
        Self { source: Source::Own(body), watch: Rc::clone(watch) }
    }

    /// The body of an upstream's answer. Its connection goes back to the pool at the body's end, and only then.
    pub(crate) fn upstream(body: Wire, lease: Lease, watch: &Rc<Watch>) -> Self {
        Self { source: Source::Upstream { body, ended: false, lease: Some(lease) }, watch: Rc::clone(watch) }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        match &mut this.source {
            Source::Own(body) if body.is_empty() => Poll::Ready(None),
            Source::Own(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Source::Upstream { .. } if this.watch.is_late() => {
                Poll::Ready(Some(Err("the upstream fell silent".into())))
            }
            Source::Upstream { body, ended, .. } => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                this.watch.progress();
                *ended = frame.is_none();
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(body) => body.is_empty(),
            Source::Upstream { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(body) => SizeHint::with_exact(body.len() as u64),
            Source::Upstream { body, .. } => body.size_hint(),
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if let Source::Upstream { body, ended, lease } = &mut self.source
            && (*ended || body.is_end_stream())
            && let Some(lease) = lease.take()
        {
            lease.give_back();
        }
        self.watch.rest();
    }
}
