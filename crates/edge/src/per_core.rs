//! What one thread runs: it accepts connections, sweeps those that are late, reports uses of keys, and drains.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, SystemTime};

use keyward_core::time::Timestamp;
use keyward_engine::ledger::Ledger;
use keyward_engine::ports::Use;
use keyward_engine::sightings::Seen;
use keyward_engine::worker::Worker;
use keyward_http::caller::TrustedProxies;
use keyward_http::cors::Cors;
use keyward_http::h1::write;
use keyward_http::own::OwnSender;
use keyward_http::templates::Responses;
use keyward_http::templates::requests::Requests;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{spawn_local, yield_now};
use tokio::time::{interval, sleep, timeout};

use crate::buffer::Buffers;
use crate::config::{EdgeConfig, Limits};
use crate::held::Bodies;
use crate::io::Io;
use crate::listener::Listener;
use crate::server::{self, Seat};
use crate::setup::Setups;
use crate::tls::TlsDoor;
use crate::upstream::Upstream;
use crate::watch::{Spans, Ticks, Watch};

/// How often uses of keys are reported and idle upstream connections looked through.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How often decisions are handed over: what a crash may lose.
const FLUSH_EVERY: Duration = Duration::from_millis(250);
/// How long the last decisions may wait for a place.
const LAST_DECISIONS: Duration = Duration::from_secs(2);
/// How many of those who wait when the core stops are still accepted: more than can wait.
const LAST_ACCEPTED: usize = 4096;
/// How long to wait when the system has no more file descriptors.
const BREATHER: Duration = Duration::from_millis(50);

/// One core: all that its connections share. Nothing in it is shared with another core but what must be.
pub(crate) struct Core {
    pub(crate) worker: Worker,
    pub(crate) own: OwnSender,
    pub(crate) ledger: Ledger,
    pub(crate) limits: Limits,
    pub(crate) buffers: Buffers,
    /// What bodies hold that wait to be whole, over all cores.
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) tls: Option<Arc<TlsDoor>>,
    date: RefCell<(i64, String)>,
    uses: mpsc::Sender<Vec<Use>>,
    /// Uses of keys that were replaced, since the last report.
    seen: RefCell<Vec<Use>>,
    setups: Arc<Setups>,
    ways: RefCell<Option<Rc<Ways>>>,
    place: (usize, usize),
    /// What connections of clients are timed by.
    ticks: Ticks,
    /// What upstreams are timed by: the same on all cores.
    common: Ticks,
    spans: Spans,
    tick: Cell<Duration>,
    watches: RefCell<Vec<Rc<Watch>>>,
    stopping: Cell<bool>,
    closing: Cell<bool>,
    open: Cell<usize>,
    closed: Notify,
}

/// What requests meet by one version of the configuration beside its rules: who is believed, and where permitted ones go.
pub(crate) struct Ways {
    version: u64,
    pub(crate) proxies: TrustedProxies,
    pub(crate) cors: Option<Cors>,
    pub(crate) responses: Arc<Responses>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) upstreams: Vec<Rc<Upstream>>,
}

/// How an edge ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ending {
    /// How long a connection on which nothing runs may begin one more request.
    pub(crate) linger: Duration,
    /// How long what runs has from then on.
    pub(crate) drain: Duration,
    /// Another process goes on at the same place: whoever waits there waits for it.
    pub(crate) stays: bool,
}

/// How to end; `None` until the edge stops.
pub(crate) type Stop = watch::Receiver<Option<Ending>>;

impl Core {
    /// `place` is which of how many cores it is.
    pub(crate) fn new(config: &EdgeConfig, bodies: Arc<Bodies>, worker: Worker, place: (usize, usize)) -> Self {
        let common = Ticks::default();
        common.set(config.setups.elapsed());
        let spans = Spans::new(&config.limits);
        let tick = Cell::new(spans.tick(std::iter::empty()));
        Self {
            worker,
            own: config.own.clone(),
            ledger: Ledger::new(config.recording.clone()),
            limits: config.limits.clone(),
            buffers: Buffers::default(),
            bodies,
            tls: config.tls.clone(),
            date: RefCell::default(),
            uses: config.uses.clone(),
            seen: RefCell::default(),
            setups: Arc::clone(&config.setups),
            ways: RefCell::default(),
            place,
            ticks: Ticks::default(),
            common,
            spans,
            tick,
            watches: RefCell::default(),
            stopping: Cell::new(false),
            closing: Cell::new(false),
            open: Cell::new(0),
            closed: Notify::new(),
        }
    }

    /// The ways of one version. A core makes them ready once, and keeps its connections to upstreams that stay.
    pub(crate) fn ways(&self, version: u64) -> Option<Rc<Ways>> {
        let known = self.ways.borrow().as_ref().map(Rc::clone);
        if let Some(known) = known.as_ref().filter(|ways| ways.version == version) {
            return Some(Rc::clone(known));
        }
        let setup = self.setups.get(version)?;
        let kept = known.as_ref().map_or(&[][..], |ways| &ways.upstreams);
        let upstream = |upstream| Rc::new(Upstream::new(upstream, self.place, kept, &self.common));
        let upstreams: Vec<_> = setup.upstreams.iter().map(upstream).collect();
        let cors = setup.cors.as_ref().map(Cors::unshared);
        let ways = Rc::new(Ways {
            version,
            proxies: setup.proxies.clone(),
            cors,
            responses: Arc::clone(&setup.responses),
            requests: Arc::clone(&setup.requests),
            upstreams,
        });
        // A request that still goes by an older version must not undo what a newer one made ready.
        if known.is_none_or(|known| known.version < version) {
            self.tick.set(self.spans.tick(ways.upstreams.iter().map(|upstream| upstream.pace)));
            *self.ways.borrow_mut() = Some(Rc::clone(&ways));
        }
        Some(ways)
    }

    /// Writes the `Date` field (RFC 9110 §6.6.1), whose text is made once a second.
    pub(crate) fn date(&self, now: Timestamp, out: &mut Vec<u8>) {
        let second = now.as_millis() / 1000;
        let mut date = self.date.borrow_mut();
        if date.0 != second || date.1.is_empty() {
            let since = Duration::from_secs(u64::try_from(second).unwrap_or_default());
            *date = (second, httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since));
        }
        write::field(out, b"date", date.1.as_bytes());
    }

    /// A watch for a new connection, seen by the sweep from now on.
    pub(crate) fn watch(&self) -> Rc<Watch> {
        let watch = Rc::new(Watch::new(&self.ticks));
        self.watches.borrow_mut().push(Rc::clone(&watch));
        watch
    }

    /// Whether whoever connects from there says before anything else whom it connects for.
    pub(crate) fn is_told_of(&self, peer: IpAddr) -> bool {
        let ways = self.ways(self.worker.snapshot().version());
        ways.is_some_and(|ways| ways.proxies.tell_first(peer))
    }

    /// Whether no connection is kept for another request.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Whether connections on which nothing runs end.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    async fn sweep(&self) {
        let mut heard = self.worker.learned();
        loop {
            let tick = self.tick.get();
            sleep(tick).await;
            let now = self.setups.elapsed();
            self.ticks.pass(now.saturating_sub(self.common.now()), tick);
            self.common.set(now);
            let learned = self.worker.learned();
            // What was let pass by what is no longer known, or no longer proven, is judged again at once.
            let news = learned != heard || !self.worker.is_fresh();
            heard = learned;
            self.watches.borrow_mut().retain(|watch| {
                watch.sweep(&self.spans, tick);
                watch.recall(&self.spans, news);
                // The last reference is ours when the connection is gone.
                Rc::strong_count(watch) > 1
            });
        }
    }

    async fn report(&self) {
        let mut tick = interval(REPORT_EVERY);
        loop {
            tick.tick().await;
            self.report_uses();
            let ways = self.ways.borrow().as_ref().map(Rc::clone);
            let upstreams = ways.iter().flat_map(|ways| &ways.upstreams);
            upstreams.flat_map(|upstream| upstream.pools()).for_each(|pool| pool.prune());
        }
    }

    /// Notes by whom a key is used that was replaced; of very many at once, not all.
    pub(crate) fn saw(&self, id: &str, seen: Seen, at: Timestamp) {
        const AT_ONCE: usize = 128;
        let mut all = self.seen.borrow_mut();
        let same = |used: &Use| *used.id == *id && used.by.as_deref() == Some(&seen);
        let place = all.iter().position(same);
        if let Some(used) = place.and_then(|place| all.get_mut(place)) {
            used.at = used.at.max(at);
        } else if all.len() < AT_ONCE {
            all.push(Use { id: id.into(), at, by: Some(Box::new(seen)) });
        }
    }

    fn report_uses(&self) {
        let mut uses = self.worker.take_uses();
        uses.append(&mut self.seen.borrow_mut());
        if !uses.is_empty() {
            // Full or closed: later uses will be reported, and an exact time was never promised.
            let _ = self.uses.try_send(uses);
        }
    }

    /// Hands decisions over and lays numbers out for as long as the core runs, and reads the mailbox where no request does.
    async fn flush(&self) {
        let mut tick = interval(FLUSH_EVERY);
        loop {
            tick.tick().await;
            self.worker.catch_up();
            self.ledger.flush();
            self.worker.tally().lay_out(self.open.get());
            let ways = self.ways.borrow().as_ref().map(Rc::clone);
            ways.iter().flat_map(|ways| &ways.upstreams).for_each(|upstream| upstream.tell());
        }
    }

    /// Lets connections end after their next answer, for a while; then those on which nothing runs, and what runs for another while.
    async fn drain(&self, ending: Ending) {
        self.stopping.set(true);
        if !ending.linger.is_zero() {
            self.wake_all();
            self.all_closed(ending.linger).await;
        }
        // What has come on a connection is seen in the runtime's next turn.
        yield_now().await;
        self.closing.set(true);
        self.wake_all();
        self.all_closed(ending.drain).await;
    }

    fn wake_all(&self) {
        for watch in self.watches.borrow().iter() {
            watch.wake();
        }
    }

    async fn all_closed(&self, longest: Duration) {
        let _ = timeout(longest, async {
            while self.open.get() > 0 {
                self.closed.notified().await;
            }
        })
        .await;
    }
}

/// Runs a core until it is stopped. What is still open after draining is dropped with the thread's tasks.
pub(crate) async fn run(core: Rc<Core>, listener: Listener, taken: Arc<AtomicUsize>, mut stop: Stop) {
    let sweeping = Rc::clone(&core);
    spawn_local(async move { sweeping.sweep().await });
    let reporting = Rc::clone(&core);
    spawn_local(async move { reporting.report().await });
    let flushing = Rc::clone(&core);
    spawn_local(async move { flushing.flush().await });
    let ending = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => admit(&core, &taken, accepted),
                Err(error) if is_shortage(&error) => sleep(BREATHER).await,
                // The client was gone before it was accepted.
                Err(_) => {}
            },
            // An edge that was dropped without being stopped does not drain.
            ending = asked(&mut stop) => break ending,
        }
    };
    if ending.stays {
        drop(listener);
    } else {
        admit_waiting(&core, &taken, listener);
    }
    core.drain(ending).await;
    core.report_uses();
    let _ = timeout(LAST_DECISIONS, core.ledger.finish()).await;
}

async fn asked(stop: &mut Stop) -> Ending {
    stop.wait_for(Option::is_some).await.ok().and_then(|ending| *ending).unwrap_or_default()
}

/// Begins to serve a connection, if there is a seat for it.
fn admit(core: &Rc<Core>, taken: &Arc<AtomicUsize>, (io, peer): (Io, IpAddr)) {
    match Seat::take(taken, core.limits.connections) {
        Some(seat) => {
            spawn_local(attend(Open::new(core), seat, io, peer));
        }
        None => core.worker.tally().turned_away(),
    }
}

/// Admits those who connected before the end, and closes the listener.
fn admit_waiting(core: &Rc<Core>, taken: &Arc<AtomicUsize>, listener: Listener) {
    let Ok(waiting) = listener.into_waiting() else { return };
    for _ in 0..LAST_ACCEPTED {
        match waiting.next() {
            Ok(accepted) => admit(core, taken, accepted),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock || is_shortage(&error) => break,
            // The client was gone before it was accepted.
            Err(_) => {}
        }
    }
}

async fn attend(open: Open, seat: Seat, io: Io, peer: IpAddr) {
    server::serve(Rc::clone(&open.0), io, peer).await;
    drop((open, seat));
}

/// A connection that draining waits for, until it is dropped, come what may.
struct Open(Rc<Core>);

impl Open {
    fn new(core: &Rc<Core>) -> Self {
        core.open.set(core.open.get() + 1);
        Self(Rc::clone(core))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
        self.0.closed.notify_one();
    }
}

/// `accept` fails for want of something that other connections may give back: EMFILE, ENFILE, ENOBUFS, ENOMEM.
fn is_shortage(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
