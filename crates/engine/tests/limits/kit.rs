//! Workers that share their cells, a clock that is moved by hand, and a store of reserves that fails on demand.

#![allow(unreachable_pub, dead_code, clippy::unwrap_used, clippy::panic, reason = "for tests")]

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method};
use keyward_core::decision::{Decision, Fault, Reason};
use keyward_core::digest::MacKey;
use keyward_core::limit::{Limit, LimitId, Per};
use keyward_core::machine::RequestFacts;
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::route::{Access, Pattern, Route, RouteId, Routes};
use keyward_core::rules::Rules;
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::fetcher;
use keyward_engine::limits::{self, Cells, Limiter};
use keyward_engine::node::Node;
use keyward_engine::ports::{Answer, Clock, FeedHead, Reserve, Reserved, Reserves, StoreError, Unused};
use keyward_engine::worker::{Parts, Worker};
use tokio::task::JoinHandle;

use super::world;

/// In seconds.
pub const HOUR: u64 = 3600;

pub fn limit(name: &str, per: Per, requests: u32, window: Duration, burst: Option<u32>) -> Limit {
    let number = |number| NonZeroU32::new(number).unwrap();
    Limit::new(name, per, number(requests), window, burst.map(number))
}

pub fn quota(name: &str, per: Per, requests: u32, seconds: u64) -> Limit {
    limit(name, per, requests, Duration::from_secs(seconds), None)
}

pub fn rate(name: &str, per: Per, requests: u32, seconds: u64, burst: u32) -> Limit {
    limit(name, per, requests, Duration::from_secs(seconds), Some(burst))
}

/// Both clocks, moved by hand.
pub struct Hands {
    nanos: AtomicU64,
    wall: AtomicI64,
}

impl Hands {
    pub fn pass(&self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap();
        self.nanos.fetch_add(nanos, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall_by(&self, millis: i64) {
        self.wall.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn monotonic(&self) -> Monotonic {
        self.now().monotonic
    }
}

impl Clock for Hands {
    fn now(&self) -> Now {
        let nanos = self.nanos.load(Ordering::SeqCst);
        let wall = self.wall.load(Ordering::SeqCst) + i64::try_from(nanos / 1_000_000).unwrap();
        Now { wall: Timestamp::from_millis(wall), monotonic: Monotonic::from_nanos(nanos) }
    }
}

type Rows = HashMap<(u64, Box<str>), (Timestamp, u32)>;

/// Reserves in memory, which outlive a process.
#[derive(Default)]
pub struct Kept {
    rows: Mutex<Rows>,
    failing: AtomicBool,
    hanging: AtomicBool,
    writes: AtomicUsize,
}

impl Kept {
    pub fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    pub fn hang(&self, hanging: bool) {
        self.hanging.store(hanging, Ordering::SeqCst);
    }

    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }
}

impl Reserves for Kept {
    fn reserve<'a>(&'a self, reserves: &'a [Reserve]) -> Answer<'a, Vec<Reserved>> {
        Box::pin(async move {
            if self.hanging.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if self.failing.load(Ordering::SeqCst) {
                return Err(StoreError::Locked);
            }
            self.writes.fetch_add(1, Ordering::SeqCst);
            let mut rows = self.rows.lock().unwrap();
            let mut one = |reserve: &Reserve| {
                let place = (reserve.limit, reserve.subject.clone());
                let reserved = reserve.after(rows.get(&place).copied());
                rows.insert(place, (reserved.ends_at, reserved.upto));
                reserved
            };
            Ok(reserves.iter().map(&mut one).collect())
        })
    }

    fn reserved<'a>(&'a self, of: &'a [(u64, Box<str>)]) -> Answer<'a, Vec<Option<(Timestamp, u32)>>> {
        Box::pin(async move {
            let rows = self.rows.lock().unwrap();
            Ok(of.iter().map(|place| rows.get(place).copied()).collect())
        })
    }

    fn give_back<'a>(&'a self, unused: &'a [Unused]) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut rows = self.rows.lock().unwrap();
            for one in unused {
                let row = rows.get_mut(&(one.limit, one.subject.clone())).filter(|row| row.0 == one.ends_at);
                if let Some(row) = row {
                    row.1 = row.1.min(one.used);
                }
            }
            Ok(())
        })
    }
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub passed: bool,
    /// What each limit has left.
    pub left: Vec<u32>,
    pub wait: Option<Duration>,
}

/// A process and all that outlives it.
pub struct Bed {
    pub clock: Arc<Hands>,
    pub store: Arc<Kept>,
    rules: Arc<Rules>,
    room: usize,
    cores: usize,
    process: Mutex<Process>,
}

struct Process {
    cells: Arc<Cells>,
    workers: Vec<Worker>,
    asks: Option<limits::Asks>,
}

/// Whoever writes ahead for a process.
pub struct Running(JoinHandle<()>);

impl Running {
    /// The process is gone, in the middle of whatever it did.
    pub fn crash(self) {
        self.0.abort();
    }
}

impl Bed {
    /// Every route has all of these limits.
    pub fn new(all: Vec<Limit>, cores: usize) -> Self {
        Self::make(all, cores, 2048)
    }

    /// With one cell in each shard.
    pub fn with_room(all: Vec<Limit>, room: usize) -> Self {
        Self::make(all, 1, room)
    }

    fn make(all: Vec<Limit>, cores: usize, room: usize) -> Self {
        let wall = AtomicI64::new(1_700_000_000_000);
        let clock = Arc::new(Hands { nanos: AtomicU64::new(5_000_000_000), wall });
        let rules = Arc::new(rules(all));
        let process = Mutex::new(Process::new(&rules, &clock, cores, room));
        Self { clock, store: Arc::default(), rules, room, cores, process }
    }

    /// Begins to write ahead; after a crash or an end, as a new process that knows nothing.
    pub fn run(&self) -> Running {
        let mut process = self.process.lock().unwrap();
        if process.asks.is_none() {
            *process = Process::new(&self.rules, &self.clock, self.cores, self.room);
        }
        let asks = process.asks.take().unwrap();
        let cells = Arc::clone(&process.cells);
        Running(tokio::spawn(limits::run(self.store.clone(), self.clock.clone(), cells, asks)))
    }

    /// As [`Bed::run`], where no runtime is.
    pub fn write_ahead_on_a_thread(&self) -> std::thread::JoinHandle<()> {
        let mut process = self.process.lock().unwrap();
        let (store, clock, cells) = (self.store.clone(), self.clock.clone(), Arc::clone(&process.cells));
        let asks = process.asks.take().unwrap();
        std::thread::spawn(move || block_on(limits::run(store, clock, cells, asks)))
    }

    /// An orderly end.
    pub async fn end(&self, running: Running) {
        let unused = self.cells().unused(self.clock.monotonic());
        self.store.give_back(&unused).await.unwrap();
        running.crash();
    }

    pub fn cells(&self) -> Arc<Cells> {
        Arc::clone(&self.process.lock().unwrap().cells)
    }

    pub fn take_workers(&self) -> Vec<Worker> {
        std::mem::take(&mut self.process.lock().unwrap().workers)
    }

    /// One request that costs 1 to 4.
    pub async fn ask(&self, place: &str, cost: u32) -> Result<Said, Fault> {
        let worker = self.process.lock().unwrap().workers.pop().unwrap();
        let said = ask(&worker, place, cost).await;
        self.process.lock().unwrap().workers.push(worker);
        said
    }
}

impl Process {
    fn new(rules: &Arc<Rules>, clock: &Arc<Hands>, cores: usize, room: usize) -> Self {
        let (reserver, asks) = limits::channel();
        let cells = Arc::new(Cells::with_room(room));
        let limiter = Limiter::new(Arc::clone(&cells), reserver);
        let head = FeedHead { epoch: 1, position: 1 };
        let (node, mailboxes) = Node::new(head, cores);
        let parts = |(core, mailbox)| Parts {
            node: 1,
            core: u8::try_from(core).unwrap(),
            rules: Arc::clone(rules),
            version: 1,
            tag_key: MacKey::from_bytes([9; 32]),
            signing_keys: Arc::default(),
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            shared: node.shared(),
            mailbox,
            asker: fetcher::channel().0,
            limiter: limiter.clone(),
            throttle: Arc::default(),
            head,
            capacity: 1,
            tally: keyward_engine::tally::Tally::default(),
        };
        let workers = mailboxes.into_iter().enumerate().map(parts).map(Worker::new).collect();
        Self { cells, workers, asks: Some(asks) }
    }
}

/// One request that costs 1 to 4, on one core.
pub async fn ask(worker: &Worker, place: &str, cost: u32) -> Result<Said, Fault> {
    let snapshot = worker.snapshot();
    let target = format!("/{cost}");
    let target = Target::parse(&target);
    let headers = HeaderMap::new();
    let client = place.parse().unwrap();
    let facts =
        RequestFacts { plane: Plane::Data, client, method: &Method::GET, target: &target, headers: (&headers).into() };
    let left = |standings: &keyward_core::limit::Standings| standings.iter().map(|one| one.remaining).collect();
    Ok(match worker.decide(&snapshot, facts).await? {
        Decision::Allow(permit) => Said { passed: true, left: left(permit.standings()), wait: None },
        Decision::Deny(denial) => {
            let Reason::Limited(over) = denial.reason else { panic!("not refused by a limit: {denial:?}") };
            Said { passed: false, left: left(&denial.standings.unwrap()), wait: Some(over.retry_after) }
        }
    })
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Public routes `/1` to `/4` that cost as much and share every limit; they are one route by their name.
fn rules(all: Vec<Limit>) -> Rules {
    let plain = world::rules();
    let route = plain.routes.get(RouteId(0)).unwrap();
    let ids: Vec<LimitId> = (0..all.len()).map(LimitId).collect();
    let routes = (1..=4_u32).map(|cost| Route {
        pattern: Pattern::parse(&format!("/{cost}")).unwrap(),
        access: Access::Public,
        limits: ids.clone(),
        cost: NonZeroU32::new(cost).unwrap(),
        ..route.clone()
    });
    Rules { routes: Routes::new(Vec::new(), routes.collect()), limits: all, ..plain }
}
