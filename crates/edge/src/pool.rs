//! One core's connections to one upstream: kept while idle, replaced when they turn out stale.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use keyward_http::answer::UpstreamFault;
use keyward_http::h1::lines::Lines;

use crate::buffer::{Buffer, Buffers};
use crate::dial::dial;
use crate::h2::back::Links;
use crate::io::Io;
use crate::origin::Address;
use crate::watch::Ticks;

/// How many connections are kept while nobody uses them.
const IDLE: usize = 64;
/// How long.
const IDLE_FOR: Duration = Duration::from_secs(30);

/// The connections.
pub(crate) struct Pool {
    address: Address,
    connect: Duration,
    ticks: Ticks,
    idle_ticks: u64,
    idle: RefCell<Vec<Idle>>,
    /// The connections whose streams are given out as connections, where the upstream speaks HTTP/2.
    links: Option<Links>,
}

struct Idle {
    connection: Connection,
    since: u64,
}

/// A connection to an upstream.
pub(crate) struct Connection {
    pub(crate) io: Io,
    /// What came and was not used yet.
    pub(crate) input: Buffer,
    pub(crate) lines: Lines,
    /// Whether it carried another exchange before: the upstream may have closed it a moment ago.
    pub(crate) is_used: bool,
}

impl Pool {
    /// A pool without connections. `tick` is how long one of `ticks` lasts.
    pub(crate) fn new(address: &Address, connect: Duration, ticks: Ticks, tick: Duration) -> Self {
        Self {
            address: address.unshared(),
            connect,
            ticks,
            idle_ticks: u64::try_from(IDLE_FOR.as_nanos().div_ceil(tick.as_nanos().max(1))).unwrap_or(u64::MAX),
            idle: RefCell::new(Vec::with_capacity(IDLE)),
            links: matches!(address, Address::H2c(_)).then(Links::default),
        }
    }

    /// Whether its connections go there.
    pub(crate) fn leads_to(&self, address: &Address) -> bool {
        self.address == *address
    }

    /// The upstream's own `Host`.
    pub(crate) fn host(&self) -> &[u8] {
        self.address.host().as_bytes()
    }

    /// A connection: the one used last, so that the others can grow old, or a new one.
    pub(crate) async fn take(&self) -> Result<Connection, UpstreamFault> {
        while let Some(mut kept) = self.kept() {
            let is_stale = poll_fn(|cx| Poll::Ready(kept.io.has_come(cx))).await;
            if !is_stale {
                return Ok(kept);
            }
        }
        match &self.links {
            Some(links) => Box::pin(self.stream(links)).await,
            None => self.connect().await,
        }
    }

    /// Keeps a connection for the next request, if it has no more to say.
    pub(crate) fn give_back(&self, mut connection: Connection, buffers: &Buffers) {
        let mut idle = self.idle.borrow_mut();
        // A stream carries one exchange.
        if connection.input.is_empty() && idle.len() < IDLE && self.links.is_none() {
            connection.input.give_back(buffers);
            connection.is_used = true;
            idle.push(Idle { connection, since: self.ticks.now() });
        }
    }

    /// Lets go of connections that were idle for too long.
    pub(crate) fn prune(&self) {
        let now = self.ticks.now();
        self.idle.borrow_mut().retain(|one| now - one.since <= self.idle_ticks);
        if let Some(links) = &self.links {
            links.prune(now, self.idle_ticks);
        }
    }

    fn kept(&self) -> Option<Connection> {
        self.idle.borrow_mut().pop().map(|idle| idle.connection)
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Connection, UpstreamFault> {
        match &self.links {
            Some(links) => Box::pin(self.stream(links)).await.map(|stream| Connection { is_used: false, ..stream }),
            None => Ok(Connection::new(self.dial().await?, false)),
        }
    }

    /// A new stream of HTTP/2, over a connection that may be an old one.
    async fn stream(&self, links: &Links) -> Result<Connection, UpstreamFault> {
        let (io, is_used) = links.open(self.dial(), (self.connect, self.ticks.now())).await?;
        Ok(Connection::new(io, is_used))
    }

    async fn dial(&self) -> Result<Io, UpstreamFault> {
        tokio::time::timeout(self.connect, dial(&self.address)).await.map_err(|_| UpstreamFault::Timeout)?
    }
}

impl Connection {
    fn new(io: Io, is_used: bool) -> Self {
        Self { io, input: Buffer::default(), lines: Lines::default(), is_used }
    }
}

/// A connection with the pool that it goes back to once its answer was read to the end.
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    pub(crate) pool: Rc<Pool>,
}
