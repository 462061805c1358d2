//! One cell: its name in the table, what it holds, and how far a quota that outlives a crash was written ahead.

use std::hash::{Hash as _, Hasher as _};
use std::hint::black_box;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_core::limit::{Cell, Demand, Limit, Subject};
use keyward_core::time::{Monotonic, Now};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::reserve::Ask;
use crate::ports::{Known, Reserved, Unused};

/// For how long a full cell is kept: a request that waited for the store is charged by the time at which it came.
const GRACE: Duration = Duration::from_secs(10);

/// What a cell is known by: a digest of its limit and its subject, so wide that no two ever share one. That of a key is at
/// hand with the key (SHA-256); for others it is made by a key of the process, because strangers choose them. It stands in the
/// table itself, where the names that it is made of would be one more place in memory to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    low: u64,
    high: u64,
}

impl Name {
    pub(super) fn of(demand: &Demand<'_>, keyed: &SipHasher13) -> Self {
        if let Subject::Key(key) = demand.subject {
            let [low, high] = key.digest();
            return Self { low: low ^ demand.limit.identity(), high };
        }
        let mut hasher = *keyed;
        hasher.write_u64(demand.limit.identity());
        demand.subject.hash(&mut hasher);
        let digest = hasher.finish128();
        Self { low: digest.h1, high: digest.h2 }
    }

    /// Where it stands in its shard.
    pub(super) const fn hash(self) -> u64 {
        self.low
    }

    /// Its shard among so many.
    pub(super) fn shard(self, shards: usize) -> usize {
        usize::try_from(self.high).unwrap_or_default() % shards
    }
}

/// An entry and its lock, together one line of the processor's cache: it is another core's as often as not, and each line of
/// it would be fetched from there.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Line(Mutex<Entry>);

const _: () = assert!(size_of::<Line>() == 64, "an entry and its lock are one line");

impl Line {
    /// Held for the few loads and stores of one request.
    pub(super) fn open(&self) -> MutexGuard<'_, Entry> {
        // A panic elsewhere leaves an entry whole: nothing that may panic stands between two changes to it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a little of it, so that the processor fetches it while it waits for something else.
    pub(super) fn fetch(&self) {
        black_box(self.0.is_poisoned());
    }
}

/// What is known of one subject of one limit.
#[derive(Debug)]
pub(super) struct Entry {
    /// Nothing was charged to it yet.
    pub(super) cell: Option<Cell>,
    full_at: Monotonic,
    /// Of a quota that outlives a crash.
    kept: Option<Box<Kept>>,
}

/// What was written ahead of a quota that outlives a crash, and as what.
#[derive(Debug)]
struct Kept {
    limit: u64,
    /// As a store keeps it.
    subject: Box<str>,
    ahead: Reserved,
    /// More was asked for already.
    asked: bool,
}

impl Default for Entry {
    /// Of a subject that nothing was charged to.
    fn default() -> Self {
        Self { cell: None, full_at: Monotonic::from_nanos(0), kept: None }
    }
}

impl Entry {
    /// Learns what was written ahead: more of the window that runs, or another window. Of what nothing was known of, whatever was
    /// written ahead before may have been used.
    pub(super) fn learn(&mut self, ask: &Ask, ahead: Reserved, now: Now) {
        if self.kept.as_ref().is_none_or(|kept| kept.ahead.ends_at != ahead.ends_at) {
            let (cell, full_at) = begun(ahead, ask.window, now);
            (self.cell, self.full_at) = (Some(cell), full_at);
        }
        match &mut self.kept {
            Some(kept) => (kept.ahead, kept.asked) = (ahead, false),
            kept @ None => {
                let (limit, subject) = (ask.limit, ask.subject.clone());
                *kept = Some(Box::new(Kept { limit, subject, ahead, asked: false }));
            }
        }
    }

    /// It may be asked for again.
    pub(super) fn learn_nothing(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.asked = false;
        }
    }

    pub(super) fn set(&mut self, limit: &Limit, cell: Cell) {
        (self.cell, self.full_at) = (Some(cell), limit.full_at(cell));
    }

    /// Whether what a charge makes of the cell was written ahead.
    pub(super) fn is_ahead_of(&self, after: Cell) -> bool {
        match (&self.kept, after) {
            (Some(kept), Cell::Window { ends, used }) => ends == self.full_at && used <= kept.ahead.upto,
            _ => false,
        }
    }

    /// What is known of what was written ahead, by a clock that nobody sets.
    pub(super) fn known(&self, now: Monotonic) -> Known {
        match self.kept.as_ref().map(|kept| kept.ahead) {
            None => Known::Nothing,
            Some(ahead) if now < self.full_at => Known::Running { ends_at: ahead.ends_at, upto: ahead.upto },
            Some(ahead) => Known::Over { ended_at: ahead.ends_at },
        }
    }

    /// What is known, when no more than half of a portion is left and nobody asked for more yet.
    pub(super) fn wants_more(&mut self, limit: &Limit) -> Option<Known> {
        let (Some(kept), Some(Cell::Window { used, .. })) = (&mut self.kept, self.cell) else { return None };
        let Reserved { ends_at, upto, .. } = kept.ahead;
        let most = limit.requests();
        let is_low = upto.saturating_sub(used) <= limit.portion() / 2;
        if kept.asked || !is_low || upto >= most {
            return None;
        }
        kept.asked = true;
        Some(Known::Running { ends_at, upto })
    }

    /// Whether it says no more than that nothing is used up, for a while already.
    pub(super) fn says_nothing(&self, now: Monotonic) -> bool {
        self.cell.is_none() || self.full_at.after(GRACE) <= now
    }

    /// What of a kept quota was not used, as long as its window runs.
    pub(super) fn unused(&self, now: Monotonic) -> Option<Unused> {
        let (Some(kept), Some(Cell::Window { used, .. })) = (&self.kept, self.cell) else { return None };
        let Reserved { ends_at, upto, .. } = kept.ahead;
        let is_some = used < upto && now < self.full_at;
        is_some.then(|| Unused { limit: kept.limit, subject: kept.subject.clone(), ends_at, used })
    }
}

/// A window as this process sees it: its end on its own clock. It is never longer than a window, whatever the other clock
/// says.
fn begun(reserved: Reserved, window: Duration, now: Now) -> (Cell, Monotonic) {
    let left = reserved.ends_at.as_millis().saturating_sub(now.wall.as_millis());
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default()).min(window + Duration::from_millis(1));
    let ends = now.monotonic.after(left);
    (Cell::Window { ends, used: reserved.before }, ends)
}
