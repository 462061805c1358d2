//! An upstream that speaks HTTP/2: one connection for many streams, each of which looks like a connection of
//! HTTP/1.1 to whoever forwards.

use std::cell::{Cell, RefCell};
use std::future::{Future as _, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong, Reason, RecvStream};
use http::uri::Scheme;
use http::{Method, Request, Response};
use keyward_http::answer::UpstreamFault;
use keyward_http::h1::Framing;
use keyward_http::h1::request::Request as Head;
use keyward_http::h2 as translate;
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use super::body::{Broken, Source, receive, send};
use super::carrier::Carrier;
use super::pipe::{Pipe, Writer, pair};
use crate::buffer::Buffer;
use crate::io::Io;
use crate::server::Seat;

/// How many bytes a stream may send ahead of what was taken from it.
const STREAM_WINDOW: u32 = 128 * 1024;
/// All of them together: no bound of its own (RFC 9113 §6.9.1), or a few clients that take nothing would hold up all others.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// How many streams a connection has room for before the upstream says so (RFC 9113 §6.5.2).
const STREAMS: usize = 100;
/// How many bytes of requests wait in one stream for an upstream that takes none.
const WAITING: usize = 64 * 1024;
/// The largest head of an answer, as for HTTP/1.1.
const HEAD: u32 = 256 * 1024;

/// The connections of one core to one address.
pub(crate) struct Links {
    /// What carries them.
    scheme: Scheme,
    all: RefCell<Vec<Rc<Link>>>,
}

/// One connection.
struct Link {
    send: SendRequest<Bytes>,
    scheme: Scheme,
    streams: Cell<usize>,
    /// Whether it carried a stream before: the upstream may have left it a moment ago.
    is_used: Cell<bool>,
    /// When it was last seen with a stream.
    since: Cell<u64>,
    state: Rc<State>,
}

/// What a connection and whoever moves its frames tell each other. The former ends the latter by being dropped.
#[derive(Default)]
struct State {
    /// Whether it takes no more streams.
    is_over: Cell<bool>,
    /// A stream of it was given up unanswered: does anybody still listen?
    doubt: Notify,
}

/// One stream of a connection, counted while it runs.
struct Stream(Rc<Link>);

impl Stream {
    fn of(link: &Rc<Link>) -> Self {
        link.streams.set(link.streams.get() + 1);
        Self(Rc::clone(link))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.set(self.0.streams.get().saturating_sub(1));
    }
}

impl Link {
    /// A stream that looks like a connection, and whether the connection below it carried one before.
    fn open(self: &Rc<Self>, now: u64) -> (Io, bool) {
        self.since.set(now);
        let (ours, theirs) = pair();
        spawn_local(carry(Stream::of(self), ours));
        (Io::Pipe(theirs), self.is_used.replace(true))
    }
}

impl Links {
    /// No connection yet.
    pub(crate) fn new(scheme: Scheme) -> Self {
        Self { scheme, all: RefCell::default() }
    }

    /// A stream that looks like a connection, where a connection has room; and whether that carried one before.
    pub(crate) fn open(&self, now: u64) -> Option<(Io, bool)> {
        self.with_room().map(|link| link.open(now))
    }

    /// A stream over a connection that was just made, which takes no longer than `most`; or over another one that others
    /// made meanwhile.
    pub(crate) async fn open_over(
        &self,
        made: (Io, Seat),
        (most, now): (Duration, u64),
    ) -> Result<(Io, bool), UpstreamFault> {
        let link = match self.with_room() {
            Some(link) => link,
            None => self.link(made, most).await?,
        };
        Ok(link.open(now))
    }

    /// How many connections carry nothing.
    pub(crate) fn idle(&self) -> usize {
        self.all.borrow().iter().filter(|link| link.streams.get() == 0 && !link.state.is_over.get()).count()
    }

    /// Lets go of connections that take nothing more, and of those that carried nothing for so many milliseconds.
    pub(crate) fn prune(&self, now: u64, most: u64) {
        self.all.borrow_mut().retain(|link| {
            if link.streams.get() > 0 {
                link.since.set(now);
            }
            !link.state.is_over.get() && now.saturating_sub(link.since.get()) <= most
        });
    }

    fn with_room(&self) -> Option<Rc<Link>> {
        let mut links = self.all.borrow_mut();
        links.retain(|link| !link.state.is_over.get());
        links.iter().find(|link| link.streams.get() < link.send.current_max_send_streams()).map(Rc::clone)
    }

    async fn link(&self, (io, seat): (Io, Seat), most: Duration) -> Result<Rc<Link>, UpstreamFault> {
        let carrier = Carrier { io, before: Buffer::default() };
        let handshake = builder().handshake::<_, Bytes>(carrier);
        let (send, connection) = timeout(most, handshake)
            .await
            .map_err(|_| UpstreamFault::Timeout)?
            .map_err(|_| UpstreamFault::Unreachable)?;
        let link = Rc::new(Link {
            send,
            scheme: self.scheme.clone(),
            streams: Cell::new(0),
            is_used: Cell::new(false),
            since: Cell::new(0),
            state: Rc::default(),
        });
        self.all.borrow_mut().push(Rc::clone(&link));
        let driven = drive(Rc::clone(&link.state), connection, most);
        spawn_local(async move {
            driven.await;
            // Counted until here: whoever gave the link up leaves the connection open for what still runs on it.
            drop(seat);
        });
        Ok(link)
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_max_send_streams(STREAMS)
        .max_header_list_size(HEAD)
        .max_send_buffer_size(WAITING);
    builder
}

/// Moves a connection's frames until it ends, or does not answer a ping that was sent because a stream of it was not answered.
async fn drive(state: Rc<State>, mut connection: Connection<Carrier, Bytes>, most: Duration) {
    let ping = connection.ping_pong();
    let mut silence = pin!(silence(&state, ping, most));
    let mut connection = pin!(connection);
    poll_fn(|cx| if connection.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { silence.as_mut().poll(cx) })
        .await;
    state.is_over.set(true);
}

/// Ends when a ping stays without an answer.
async fn silence(state: &State, ping: Option<PingPong>, most: Duration) {
    let Some(mut ping) = ping else { return pending().await };
    loop {
        state.doubt.notified().await;
        let answered = async {
            ping.send_ping(Ping::opaque()).ok()?;
            poll_fn(|cx| ping.poll_pong(cx)).await.ok()
        };
        tokio::select! {
            answered = answered => if answered.is_none() { return pending().await },
            () = sleep(most) => return,
        }
    }
}

/// Carries one exchange: a request out of a pipe, its answer back into it. When it ends, so does the pipe, whose other side can tell
/// a whole answer from one that broke off by its framing.
async fn carry(stream: Stream, Pipe { reader, writer }: Pipe) {
    let mut source = Source::new(reader);
    let mut is_answered = false;
    {
        let mut exchange = pin!(exchange(&stream.0, &mut source, &writer, &mut is_answered));
        // Given up by the other side: what is dropped is cancelled.
        poll_fn(|cx| if exchange.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { writer.poll_left(cx) }).await;
    }
    if !is_answered {
        stream.0.state.doubt.notify_one();
    }
}

async fn exchange(link: &Link, source: &mut Source, writer: &Writer, is_answered: &mut bool) -> Option<()> {
    let (request, framing) = head(source, &link.scheme).await.ok()?;
    let method = request.method().clone();
    let mut sender = link.send.clone();
    if let Err(error) = poll_fn(|cx| sender.poll_ready(cx)).await {
        link.state.is_over.set(true);
        note(&error, writer);
        return None;
    }
    let (answer, mut out) = match sender.send_request(request, framing.is_empty()) {
        Ok(sent) => sent,
        Err(error) => {
            link.state.is_over.set(true);
            note(&error, writer);
            return None;
        }
    };
    // Whoever answers early may want the rest no more: then there is only the answer to wait for.
    let mut upload = pin!(async {
        if !framing.is_empty() && source.begin_body(framing).is_ok() && send(source, &mut out).await.is_err() {
            out.send_reset(Reason::CANCEL);
        }
    });
    let mut download = pin!(download(answer, &method, writer, is_answered));
    let mut is_sent = false;
    poll_fn(|cx| {
        is_sent = is_sent || upload.as_mut().poll(cx).is_ready();
        download.as_mut().poll(cx)
    })
    .await
}

/// The head of the request in a pipe.
async fn head(source: &mut Source, scheme: &Scheme) -> Result<(Request<()>, Framing), Broken> {
    poll_fn(|cx| source.poll_head(cx)).await?;
    let lines = &source.lines;
    let read = source.reader.look(|bytes| {
        let request = Head::read(lines, bytes).map_err(|_| Broken)?;
        Ok((translate::upstream_request(&request, scheme.clone()).map_err(|_| Broken)?, request.framing))
    });
    source.drop_head();
    read
}

async fn download(answer: ResponseFuture, method: &Method, writer: &Writer, is_answered: &mut bool) -> Option<()> {
    let answer: Response<RecvStream> = match answer.await {
        Ok(answer) => answer,
        Err(error) => {
            note(&error, writer);
            return None;
        }
    };
    *is_answered = true;
    let (parts, mut body) = answer.into_parts();
    let (head, framing) = translate::upstream_answer(&parts, body.is_end_stream(), method).ok()?;
    writer.write(&head).await.ok()?;
    receive(&mut body, writer, framing).await.ok()
}

/// What the upstream says it did not begin may be sent again (RFC 9113 §8.7).
fn note(error: &h2::Error, writer: &Writer) {
    if error.is_remote() && (error.reason() == Some(Reason::REFUSED_STREAM) || error.is_go_away()) {
        writer.unprocessed();
    }
}
