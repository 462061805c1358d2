//! One core's connections to one address: kept while idle, replaced when they turn out stale, counted over all cores.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use keyward_engine::upstreams;
use keyward_http::answer::UpstreamFault;
use keyward_http::h1::lines::Lines;
use keyward_http::h1::request::Request;
use keyward_http::h2::carries;

use crate::buffer::{Buffer, Buffers};
use crate::dial::dial;
use crate::h2::back::Links;
use crate::io::Io;
use crate::origin::Address;
use crate::server::Seat;
use crate::setup::Caps;
use crate::tls::Protocol;
use crate::trust::Offer;
use crate::watch::Ticks;

/// How long connections are kept while nobody uses them, in milliseconds.
const IDLE_FOR: u64 = 30_000;

/// The connections.
pub(crate) struct Pool {
    address: Address,
    shared: Arc<upstreams::Address>,
    caps: Caps,
    ticks: Ticks,
    idle: RefCell<Vec<Idle>>,
    /// The connections whose streams are given out as connections, where the upstream speaks HTTP/2.
    links: Links,
    /// What it chose last where it could choose: that it will do so again is a guess, which each new connection puts right.
    chosen: Cell<Protocol>,
    /// How many idle ones the others were told of.
    told: Cell<i64>,
    /// Requests of this core that are under way there.
    busy: Cell<usize>,
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
    /// It counts for as long as it is open. A stream has none: the connection below it counts.
    _seat: Option<Seat>,
}

impl Pool {
    /// A pool without connections; of `caps`, the idle ones are this core's share.
    pub(crate) fn new((address, shared): &(Address, Arc<upstreams::Address>), caps: Caps, ticks: Ticks) -> Self {
        Self {
            address: address.unshared(),
            shared: Arc::clone(shared),
            caps,
            ticks,
            idle: RefCell::default(),
            links: Links::new(address.scheme()),
            chosen: Cell::new(match address {
                Address::Http(_) | Address::Unix(_) => Protocol::Http1,
                Address::H2c(_) | Address::Https(..) => Protocol::Http2,
            }),
            told: Cell::new(0),
            busy: Cell::new(0),
        }
    }

    /// Whether it counts its connections there.
    pub(crate) fn leads_to(&self, shared: &Arc<upstreams::Address>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    /// The upstream's own `Host`.
    pub(crate) fn host(&self) -> &[u8] {
        self.address.host().as_bytes()
    }

    /// Whether its address is well, as all cores see it.
    pub(crate) fn health(&self) -> &upstreams::Health {
        &self.shared.health
    }

    /// Requests of this core that are under way there.
    pub(crate) fn busy(&self) -> usize {
        self.busy.get()
    }

    /// A connection for a request: the one used last, so that the others can grow old, or a new one.
    pub(crate) async fn take(&self, request: &Request<'_>, within: Duration) -> Result<Connection, UpstreamFault> {
        let offer = self.offer(request);
        if offer == Offer::Http1 || self.chosen.get() == Protocol::Http1 {
            while let Some(mut kept) = self.kept() {
                let is_stale = poll_fn(|cx| Poll::Ready(kept.io.has_come(cx))).await;
                if !is_stale {
                    return Ok(kept);
                }
            }
        }
        self.open(offer, within).await
    }

    /// A connection in place of one that turned out stale.
    pub(crate) async fn renew(&self, request: &Request<'_>, within: Duration) -> Result<Connection, UpstreamFault> {
        let opened = self.open(self.offer(request), within).await;
        opened.map(|connection| Connection { is_used: false, ..connection })
    }

    /// What may carry a request there. Only over TLS there is a choice.
    fn offer(&self, request: &Request<'_>) -> Offer {
        match self.address {
            Address::Https(..) if !carries(request) => Offer::Http1,
            _ => Offer::Any,
        }
    }

    /// Keeps a connection for the next request, if it has no more to say.
    pub(crate) fn give_back(&self, mut connection: Connection, buffers: &Buffers) {
        let mut idle = self.idle.borrow_mut();
        let may_be_kept = connection.input.is_empty() && !connection.io.is_stream();
        if may_be_kept && idle.len() < self.caps.idle {
            connection.input.give_back(buffers);
            connection.is_used = true;
            idle.push(Idle { connection, since: self.ticks.now() });
        }
    }

    /// Lets go of connections that were idle for too long.
    pub(crate) fn prune(&self) {
        let now = self.ticks.now();
        self.idle.borrow_mut().retain(|one| now.saturating_sub(one.since) <= IDLE_FOR);
        self.links.prune(now, IDLE_FOR);
    }

    /// Tells the others how many are idle.
    pub(crate) fn tell(&self) {
        self.tell_of(self.idle.borrow().len() + self.links.idle());
    }

    fn tell_of(&self, idle: usize) {
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        let before = self.told.replace(idle);
        if idle != before {
            self.shared.idle.fetch_add(idle - before, Ordering::Relaxed);
        }
    }

    fn kept(&self) -> Option<Connection> {
        self.idle.borrow_mut().pop().map(|idle| idle.connection)
    }

    /// A new stream of HTTP/2 where a connection has room, which says nothing of new ones; else a new connection.
    async fn open(&self, offer: Offer, within: Duration) -> Result<Connection, UpstreamFault> {
        if offer == Offer::Any
            && let Some((io, is_used)) = self.links.open(self.ticks.now())
        {
            return Ok(Connection::new(io, is_used, None));
        }
        let made = self.connect(offer, within).await;
        match &made {
            // Or whoever asks for a WebSocket could have an address left out that is well and has no HTTP/1.1.
            Err(UpstreamFault::Garbage) if offer == Offer::Http1 => {}
            made => self.learn(made.as_ref().err()),
        }
        made
    }

    /// A new connection, if one more may be open, or the first stream of it.
    async fn connect(&self, offer: Offer, within: Duration) -> Result<Connection, UpstreamFault> {
        let seat = Seat::take(&self.shared.open, self.caps.open).ok_or(UpstreamFault::Busy)?;
        let dialled = tokio::time::timeout(within, dial(&self.address, offer)).await;
        let (dialled, agreed) = dialled.unwrap_or(Err(UpstreamFault::Timeout))?;
        if offer == Offer::Any {
            self.chosen.set(agreed);
        }
        match agreed {
            Protocol::Http1 => Ok(Connection::new(dialled.into(), false, Some(seat))),
            // Boxed, so that connections of HTTP/1.1 have no room for it.
            Protocol::Http2 => {
                let made = (dialled.into(), seat);
                let (io, is_used) = Box::pin(self.links.open_over(made, (within, self.ticks.now()))).await?;
                Ok(Connection::new(io, is_used, None))
            }
        }
    }

    /// Learns for all cores whether a new connection stands.
    fn learn(&self, fault: Option<&UpstreamFault>) {
        let shared = &self.shared;
        let count = match fault {
            None => return shared.health.connected(),
            // The address was not even asked.
            Some(UpstreamFault::Busy) => return,
            Some(UpstreamFault::Timeout) => &shared.late,
            Some(_) => &shared.refused,
        };
        shared.health.failed(self.ticks.now());
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Connection {
    fn new(io: Io, is_used: bool, seat: Option<Seat>) -> Self {
        Self { io, input: Buffer::default(), lines: Lines::default(), is_used, _seat: seat }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.tell_of(0);
    }
}

/// A connection with the pool that it goes back to once its answer was read to the end.
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    pub(crate) pool: Taken,
}

impl Lease {
    pub(crate) fn new(connection: Connection, pool: &Rc<Pool>) -> Self {
        pool.busy.set(pool.busy.get() + 1);
        Self { connection, pool: Taken(Rc::clone(pool)) }
    }
}

/// A pool while one of its connections is in use.
pub(crate) struct Taken(Rc<Pool>);

impl Deref for Taken {
    type Target = Rc<Pool>;

    fn deref(&self) -> &Rc<Pool> {
        &self.0
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.busy.set(self.0.busy.get().saturating_sub(1));
    }
}
