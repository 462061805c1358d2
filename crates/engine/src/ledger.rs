//! What one core keeps of its decisions until it is taken to the store: each on its own up to a rate, folded above it.
//!
//! Folding (`folds.rs`) happens on the core, so that a flood costs a look-up per request and no queue can lose a count of it.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use keyward_core::decision::DecisionId;
use keyward_core::route::Routes;
use keyward_core::time::Timestamp;
use slab::Slab;
use tokio::sync::mpsc;

use crate::counts::{Count, Counts};
use crate::figures::Minute;
use crate::folds::{Fold, Folds};
use crate::mark::{Mark, Marker, Verdict};
use crate::pending::Pending;
use crate::record::{Journal, Record};

/// How many batches of all cores may wait for the store.
const WAITING: usize = 64;
/// How many single records a core keeps while the store takes none.
const MOST_RECORDS: usize = 4096;

/// What a core hands over at once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Single decisions.
    pub records: Vec<Record>,
    /// Counted ones.
    pub folds: Vec<Fold>,
    /// All of them by the hour and by whose they are.
    pub counts: Vec<Count>,
    /// All of them by the minute, and how long they took.
    pub figures: Vec<Minute>,
    /// Those that are in neither of the first two: the store took nothing for too long.
    pub lost: Option<Lost>,
}

/// Decisions of which nothing but their number is known, beside what the counts say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub count: u64,
    /// When the first of them was made.
    pub at: Timestamp,
}

impl Batch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.folds.is_empty()
            && self.counts.is_empty()
            && self.figures.is_empty()
            && self.lost.is_none()
    }

    /// How many decisions it tells of.
    pub fn total(&self) -> u64 {
        let singles = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        singles + self.lost.map_or(0, |lost| lost.count) + self.folds.iter().map(Fold::count).sum::<u64>()
    }
}

/// What to do with decisions; each core makes its own [`Ledger`] of it.
#[derive(Clone)]
pub struct Recording {
    batches: Option<mpsc::Sender<Batch>>,
    pending: Arc<Pending>,
    singles: u32,
    log: Journal,
}

impl Recording {
    /// Nothing is kept.
    pub fn none() -> Self {
        Self { batches: None, pending: Arc::default(), singles: 0, log: Journal::none() }
    }

    /// Decisions are kept: on each core up to `singles` per second on their own.
    pub fn kept(singles: u32) -> (Self, mpsc::Receiver<Batch>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { batches: Some(sender), pending: Arc::default(), singles, log: Journal::none() }, receiver)
    }

    /// What the store cannot tell of yet.
    pub fn pending(&self) -> Arc<Pending> {
        Arc::clone(&self.pending)
    }

    /// How many batches wait for the store, asked by somebody who keeps the channel from nothing; 0 where nothing is kept.
    pub fn depth(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let queue = self.batches.as_ref().map(mpsc::Sender::downgrade);
        move || {
            let queue = queue.as_ref().and_then(mpsc::WeakSender::upgrade);
            queue.map_or(0, |queue| queue.max_capacity() - queue.capacity())
        }
    }

    /// Every decision goes to this log, too.
    #[must_use]
    pub fn logged(self, log: Journal) -> Self {
        Self { log, ..self }
    }
}

/// One decision that has come to its end.
pub struct Closed<'a> {
    /// Its id.
    pub id: DecisionId,
    /// When it was decided.
    pub at: Timestamp,
    /// What was decided.
    pub verdict: &'a Verdict,
    /// Where the route's name is.
    pub routes: &'a Routes,
    /// The version of the configuration that these routes are of.
    pub version: u64,
    /// The client's address.
    pub client: IpAddr,
    /// What became of it in the end.
    pub outcome: &'static str,
    /// The status that was answered.
    pub status: u16,
    /// From head to head.
    pub took: Duration,
}

/// What is to be kept of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    single: bool,
    logged: bool,
}

impl Wanted {
    /// Whether a whole record must be made.
    pub const fn record(self) -> bool {
        self.single || self.logged
    }
}

/// One core's decisions that are not with the store yet.
pub struct Ledger {
    recording: Recording,
    marker: Marker,
    second: Cell<i64>,
    left: Cell<u32>,
    open: RefCell<Open>,
    running: RefCell<Slab<DecisionId>>,
    shown: Arc<Mutex<Vec<DecisionId>>>,
}

/// Where a ledger remembers a request that was let pass, until it is closed.
#[derive(Debug)]
pub struct Running(usize);

#[derive(Default)]
struct Open {
    records: Vec<Record>,
    folds: Folds,
    counts: Counts,
    lost: Option<Lost>,
}

/// How much of what was counted is handed over; single records always are.
#[derive(Clone, Copy)]
enum Share {
    /// Not what is many and may grow: each is a row, however often it was counted.
    Grown,
    /// All of it.
    All,
}

impl Ledger {
    /// An empty one.
    pub fn new(recording: Recording) -> Self {
        let (second, left) = (Cell::new(i64::MIN), Cell::new(0));
        let marker = if recording.batches.is_some() { Marker::new() } else { Marker::default() };
        let shown = recording.pending.place();
        Self { recording, marker, second, left, open: RefCell::default(), running: RefCell::default(), shown }
    }

    /// What is to be kept of a request that comes now. Takes the place of a single record, where one is left in this
    /// second.
    pub fn want(&self, now: Timestamp) -> Wanted {
        let logged = self.recording.log.is_read();
        if self.recording.batches.is_none() {
            return Wanted { single: false, logged };
        }
        let second = now.as_millis().div_euclid(1000);
        if self.second.replace(second) != second {
            self.left.set(self.recording.singles);
        }
        let left = self.left.get();
        let single = left > 0 && self.open.borrow().records.len() < MOST_RECORDS;
        self.left.set(left.saturating_sub(1));
        Wanted { single, logged }
    }

    /// What a decision's id says of it; nothing where nothing is kept.
    pub fn mark(&self, verdict: &Verdict, client: IpAddr) -> Mark {
        self.marker.mark(verdict, client)
    }

    /// What makes these marks, for whoever names a decision elsewhere.
    pub fn marker(&self) -> Marker {
        self.marker.clone()
    }

    /// Remembers that a request was let pass: until it is answered, nothing else tells of it.
    pub fn begin(&self, id: DecisionId) -> Option<Running> {
        self.recording.batches.as_ref()?;
        Some(Running(self.running.borrow_mut().insert(id)))
    }

    /// It was answered, or nobody waits for that any more.
    pub fn end(&self, running: &Running) {
        self.running.borrow_mut().try_remove(running.0);
    }

    /// Keeps a decision: as the record that was made for it, or counted.
    pub fn close(&self, wanted: Wanted, record: Option<Record>, closed: &Closed<'_>) {
        if self.recording.batches.is_some() {
            self.open.borrow_mut().counts.add(closed);
        }
        match (wanted, record) {
            (Wanted { single: true, logged }, Some(record)) => {
                if logged {
                    self.recording.log.note(|| record.clone());
                }
                self.open.borrow_mut().records.push(record);
                return;
            }
            (Wanted { logged: true, .. }, Some(record)) => self.recording.log.note(|| record),
            _ => {}
        }
        if self.recording.batches.is_some() {
            self.open.borrow_mut().fold(closed);
        }
    }

    /// Hands over what is there. Where too much waits for the store already, it stays here and goes on counting.
    pub fn flush(&self) {
        self.hand_over(Share::Grown);
    }

    fn hand_over(&self, share: Share) {
        let Some(sender) = &self.recording.batches else { return };
        if let Ok(place) = sender.try_reserve()
            && let Some(batch) = self.take(share)
        {
            place.send(batch);
        }
        // Whoever looks at this moment sees what was shown before: it holds up nobody.
        let mut shown = match self.shown.try_lock() {
            Ok(shown) => shown,
            Err(TryLockError::Poisoned(shown)) => shown.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        shown.clear();
        shown.extend(self.running.borrow().iter().map(|(_, id)| *id));
    }

    /// As [`Ledger::flush`], waiting for a place: for the end.
    pub async fn finish(&self) {
        let Some(sender) = &self.recording.batches else { return };
        if let Some(batch) = self.take(Share::All) {
            // Closed: nobody keeps records any more.
            let _ = sender.send(batch).await;
        }
    }

    fn take(&self, share: Share) -> Option<Batch> {
        let mut open = self.open.borrow_mut();
        let Open { records, folds, counts, lost } = &mut *open;
        // Figures go by places that are given anew once the counts are taken.
        let figures = counts.take_figures();
        let (folds, counts) = match share {
            Share::Grown => (folds.take_some(), counts.take_some()),
            Share::All => (folds.take(), counts.take()),
        };
        let batch = Batch { records: std::mem::take(records), folds, counts, figures, lost: lost.take() };
        Some(batch).filter(|batch| !batch.is_empty())
    }
}

impl Drop for Ledger {
    /// What is still under way when a core ends is closed after its last batch.
    fn drop(&mut self) {
        self.hand_over(Share::All);
    }
}

impl Open {
    fn fold(&mut self, closed: &Closed<'_>) {
        if !self.folds.add(closed) {
            let lost = self.lost.get_or_insert(Lost { count: 0, at: closed.at });
            lost.count += 1;
            lost.at = lost.at.min(closed.at);
        }
    }
}

impl<'a> Closed<'a> {
    pub(crate) fn route(&self) -> Option<&'a str> {
        self.verdict.route.and_then(|id| self.routes.get(id)).map(|route| &*route.name)
    }
}
