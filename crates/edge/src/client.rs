//! One client's connection as an exchange sees it: what all its requests have in common, and the bytes both ways.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use keyward_core::time::Timestamp;
use keyward_engine::worker::Snapshot;
use keyward_http::caller::Caller;
use keyward_http::cors::Page;
use keyward_http::h1::lines::{LineFault, Lines, Most};
use keyward_http::h1::request::Request;
use keyward_http::h1::write;
use keyward_http::h2::PREFACE_HEAD;
use keyward_http::problem::Answer;

use crate::arrival::Carried;
use crate::buffer::Buffer;
use crate::guard::Asked;
use crate::io::Io;
use crate::per_core::{Core, Ways};
use crate::watch::Watch;

/// What all requests of a connection have in common.
pub(crate) struct Client {
    pub(crate) core: Rc<Core>,
    pub(crate) watch: Rc<Watch>,
    /// Who connected: the caller, or a proxy before us.
    pub(crate) peer: IpAddr,
    /// How its bytes come.
    pub(crate) carried: Carried,
}

/// One request on its way through: what is known of it once its head is taken.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub(crate) client: &'a Client,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) ways: &'a Rc<Ways>,
    pub(crate) caller: &'a Caller,
    pub(crate) request: &'a Request<'a>,
    /// The page behind it, where pages are looked at.
    pub(crate) page: Option<&'a Page>,
}

impl<'a> Visit<'a> {
    /// As it is judged again.
    pub(crate) fn asked(self) -> Asked<'a> {
        Asked { client: self.client, request: self.request, address: self.caller.address }
    }
}

/// The bytes of a connection.
pub(crate) struct Wire {
    pub(crate) io: Io,
    /// What came and was not used yet.
    pub(crate) input: Buffer,
    pub(crate) lines: Lines,
    /// A head is on its way, so that it is waited for though the core closes.
    pub(crate) awaited: bool,
    /// The client was told to go on with its body.
    pub(crate) invited: bool,
}

/// What came instead of a head.
pub(crate) enum NoHead {
    /// The end of the connection, or of the core.
    End,
    /// Bytes that are none.
    Fault(LineFault),
}

/// The client has hung up.
pub(crate) struct Gone;

impl Client {
    /// The same client in one stream of a connection: with a watch of its own.
    pub(crate) fn of_stream(&self) -> Self {
        Self { watch: self.core.watch(), core: Rc::clone(&self.core), peer: self.peer, carried: self.carried }
    }

    /// What a head may use up.
    pub(crate) fn most(&self) -> Most {
        let limits = &self.core.limits;
        Most { bytes: limits.header_bytes, fields: limits.headers }
    }
}

impl Wire {
    pub(crate) fn new(io: Io) -> Self {
        Self { io, input: Buffer::default(), lines: Lines::default(), awaited: false, invited: false }
    }

    /// Reads on until a head is whole: its length. Between two requests, a core that closes ends the connection, but for what came.
    pub(crate) async fn head(&mut self, client: &Client) -> Result<usize, NoHead> {
        self.lines.reset();
        let most = client.most();
        std::future::poll_fn(|cx| {
            loop {
                if !self.input.is_empty() {
                    // Bytes that were there already begin a head, too.
                    client.watch.read();
                    match self.lines.advance(self.input.filled(), most) {
                        Ok(Some(length)) => return Poll::Ready(Ok(length)),
                        Ok(None) => {}
                        Err(fault) => return Poll::Ready(Err(NoHead::Fault(fault))),
                    }
                }
                match self.input.poll_fill(cx, &mut self.io, most.bytes, &client.core.buffers) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(NoHead::End)),
                    Poll::Ready(Ok(_)) => client.watch.read(),
                    Poll::Pending if self.input.is_empty() && client.core.is_closing() && !self.awaited => {
                        return Poll::Ready(Err(NoHead::End));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// Whether the head of this length is none, but the beginning of HTTP/2.
    pub(crate) fn is_preface(&self, length: usize) -> bool {
        length == PREFACE_HEAD.len() && self.input.filled().starts_with(PREFACE_HEAD)
    }

    /// Whether the client hangs up while it waits for its answer. What it sends ahead of time waits, up to a bound.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>, client: &Client) -> Poll<Gone> {
        const AHEAD: usize = 64 * 1024;
        while self.input.filled().len() < AHEAD {
            match ready!(self.input.poll_fill(cx, &mut self.io, AHEAD, &client.core.buffers)) {
                Ok(0) | Err(_) => return Poll::Ready(Gone),
                Ok(_) => {}
            }
        }
        Poll::Pending
    }

    /// Tells a client to go on that waits for that before it sends its body (RFC 9110 §10.1.1), once in an exchange.
    pub(crate) async fn invite(&mut self, client: &Client, request: &Request<'_>) {
        if request.expects_continue && !std::mem::replace(&mut self.invited, true) {
            let _ = self.send(client, b"HTTP/1.1 100 Continue\r\n\r\n").await;
        }
    }

    /// Writes all of these bytes.
    pub(crate) async fn send(&mut self, client: &Client, bytes: &[u8]) -> io::Result<()> {
        let mut at = 0;
        std::future::poll_fn(|cx| {
            while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
                at += ready!(self.io.poll_write(cx, rest, &[]))?;
                client.watch.wrote();
            }
            self.io.poll_settled(cx)
        })
        .await
    }

    /// Writes an answer of our own.
    pub(crate) async fn answer(&mut self, client: &Client, answer: &Answer, manner: Manner) -> io::Result<()> {
        let mut out = client.core.buffers.head();
        write::answer(&mut out, answer);
        client.core.date(manner.now, &mut out);
        write::connection(&mut out, manner.goes_on, manner.is_old);
        out.extend_from_slice(b"\r\n");
        if !manner.bodiless {
            out.extend_from_slice(answer.body());
        }
        let sent = self.send(client, &out).await;
        client.core.buffers.give_back_head(out);
        sent
    }

    /// Closes our side and then, if the client may still be sending, reads on until it stops or the watch cuts it: a
    /// socket closed with unread bytes resets the connection, and the client may lose the answer (RFC 9112 §9.6).
    pub(crate) async fn close(mut self, client: &Client) {
        let closed = std::future::poll_fn(|cx| self.io.poll_shutdown(cx)).await;
        if closed.is_ok() && client.watch.has_unread() {
            client.watch.linger();
            loop {
                self.input.give_back(&client.core.buffers);
                match crate::buffer::fill(&mut self.input, &mut self.io, 0, &client.core.buffers).await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        }
        self.input.give_back(&client.core.buffers);
    }
}

/// How an answer of our own is to be written.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Without its body: to HEAD.
    pub(crate) bodiless: bool,
    /// The client speaks HTTP/1.0.
    pub(crate) is_old: bool,
    /// Another request may follow.
    pub(crate) goes_on: bool,
    /// When it is.
    pub(crate) now: Timestamp,
}
