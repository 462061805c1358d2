//! One core's connections to one upstream: HTTP/1.1 by hyper, kept while idle, replaced when they turn out stale.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http::uri::Authority;
use http::{HeaderValue, Request, Response};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use keyward_http::answer::UpstreamFault;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::body::{Upload, Wire};
use crate::watch::Ticks;

/// How many connections are kept while nobody uses them.
const IDLE: usize = 64;
/// How long.
const IDLE_FOR: Duration = Duration::from_secs(30);

/// The connections.
pub(crate) struct Pool {
    authority: Authority,
    host: HeaderValue,
    connect: Duration,
    ticks: Ticks,
    idle_ticks: u64,
    idle: RefCell<Vec<Idle>>,
}

struct Idle {
    sender: SendRequest<Upload>,
    since: u64,
}

/// A connection in use, to be given back once its answer has been read to the end.
pub(crate) struct Lease {
    sender: SendRequest<Upload>,
    pool: Rc<Pool>,
}

impl Lease {
    /// Keeps the connection for the next request.
    pub(crate) fn give_back(self) {
        let mut idle = self.pool.idle.borrow_mut();
        if idle.len() < IDLE && !self.sender.is_closed() {
            idle.push(Idle { sender: self.sender, since: self.pool.ticks.now() });
        }
    }
}

impl Pool {
    /// A pool without connections. `tick` is how long one of `ticks` lasts.
    pub(crate) fn new(authority: &Authority, connect: Duration, ticks: Ticks, tick: Duration) -> Self {
        let text = authority.as_str();
        Self {
            // Copies, so that cores share no reference count. What was an authority once is one again.
            authority: text.parse().unwrap_or_else(|_| authority.clone()),
            host: HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("upstream")),
            connect,
            ticks,
            idle_ticks: u64::try_from(IDLE_FOR.as_nanos().div_ceil(tick.as_nanos().max(1))).unwrap_or(u64::MAX),
            idle: RefCell::new(Vec::with_capacity(IDLE)),
        }
    }

    /// Whether its connections go there.
    pub(crate) fn leads_to(&self, authority: &Authority) -> bool {
        self.authority == *authority
    }

    /// The upstream's own `Host`.
    pub(crate) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// A kept connection may have been closed by the upstream a moment ago. The request then goes once more over a new
    /// one, if nothing of it was sent, or if it is idempotent and empty (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
    pub(crate) async fn send(
        self: &Rc<Self>,
        mut request: Request<Upload>,
    ) -> Result<(Response<Wire>, Lease), UpstreamFault> {
        if let Some(mut sender) = self.kept() {
            let spare = spare(&request);
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, self.lease(sender))),
                Err(mut error) => {
                    let unsent = error.take_message();
                    let fault = fault(&error.into_error());
                    let spare = spare.filter(|_| fault == UpstreamFault::Unreachable);
                    request = unsent.or(spare).ok_or(fault)?;
                }
            }
        }
        let mut sender = self.connect().await?;
        match sender.send_request(request).await {
            Ok(response) => Ok((response, self.lease(sender))),
            Err(error) => Err(fault(&error)),
        }
    }

    /// Lets go of connections that were idle for too long, or that the upstream closed.
    pub(crate) fn prune(&self) {
        let now = self.ticks.now();
        self.idle.borrow_mut().retain(|one| !one.sender.is_closed() && now - one.since <= self.idle_ticks);
    }

    fn lease(self: &Rc<Self>, sender: SendRequest<Upload>) -> Lease {
        Lease { sender, pool: Rc::clone(self) }
    }

    /// The connection used last, so that the others can grow old. One that is not ready is closed or still busy with
    /// the rest of an upload that nobody waits for; it is let go.
    fn kept(&self) -> Option<SendRequest<Upload>> {
        let mut idle = self.idle.borrow_mut();
        std::iter::from_fn(|| idle.pop()).map(|one| one.sender).find(SendRequest::is_ready)
    }

    async fn connect(&self) -> Result<SendRequest<Upload>, UpstreamFault> {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = self.authority.port_u16().unwrap_or(80);
        let socket = tokio::time::timeout(self.connect, TcpStream::connect((host, port)))
            .await
            .map_err(|_| UpstreamFault::Timeout)?
            .map_err(|_| UpstreamFault::Unreachable)?;
        // Both are wishes: a connection works without.
        let _ = socket.set_nodelay(true);
        let _ = SockRef::from(&socket).set_keepalive(true);
        let (sender, connection) = handshake(TokioIo::new(socket)).await.map_err(|error| fault(&error))?;
        tokio::task::spawn_local(async move {
            // How it ended is told to whoever waits for an answer on it.
            let _ = connection.await;
        });
        Ok(sender)
    }
}

/// The same request once more, if it may be sent twice.
fn spare(request: &Request<Upload>) -> Option<Request<Upload>> {
    if !request.method().is_idempotent() {
        return None;
    }
    let mut again = Request::new(request.body().empty_again()?);
    request.method().clone_into(again.method_mut());
    request.uri().clone_into(again.uri_mut());
    request.headers().clone_into(again.headers_mut());
    Some(again)
}

fn fault(error: &hyper::Error) -> UpstreamFault {
    if error.is_parse() { UpstreamFault::Garbage } else { UpstreamFault::Unreachable }
}
