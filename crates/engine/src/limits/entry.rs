//! One cell in the table: its name, what it holds, and how far a quota that outlives a crash was written ahead.

use std::hash::{Hash as _, Hasher as _};
use std::time::Duration;

use keyward_core::limit::{Cell, Demand, Limit, Subject};
use keyward_core::time::{Monotonic, Now};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::reserve::Ask;
use crate::ports::{Known, Reserved, Unused};

/// What a cell is known by: a digest of its limit and its subject, so wide that no two ever share one. That of a key is at
/// hand with the key (SHA-256); for others it is made by a key of the process, because strangers choose them. It stands in the
/// cell itself, where the names that it is made of would be one more place in memory to read.
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

/// One line of the processor's cache: it is another core's as often as not, and each line of it would be fetched from there.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) cell: Cell,
    pub(super) full_at: Monotonic,
    /// Of a quota that outlives a crash.
    kept: Option<Box<Kept>>,
}

const _: () = assert!(size_of::<Entry>() == 64, "an entry is one line");

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

impl Entry {
    /// Of a limit that a crash may begin afresh.
    pub(super) fn new(name: Name, limit: &Limit, cell: Cell) -> Self {
        Self { name, cell, full_at: limit.full_at(cell), kept: None }
    }

    /// Of a quota that nothing was known of: whatever was written ahead before may have been used.
    pub(super) fn kept(ask: &Ask, ahead: Reserved, now: Now) -> Self {
        let (cell, full_at) = begun(ahead, ask.window, now);
        let kept = Kept { limit: ask.limit, subject: ask.subject.clone(), ahead, asked: false };
        Self { name: ask.name, cell, full_at, kept: Some(Box::new(kept)) }
    }

    /// Learns what was written ahead: more of the window that runs, or another window.
    pub(super) fn learn(&mut self, reserved: Reserved, window: Duration, now: Now) {
        let Some(kept) = &mut self.kept else { return };
        if kept.ahead.ends_at != reserved.ends_at {
            (self.cell, self.full_at) = begun(reserved, window, now);
        }
        kept.ahead = reserved;
        kept.asked = false;
    }

    /// It may be asked for again.
    pub(super) fn learn_nothing(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.asked = false;
        }
    }

    pub(super) fn set(&mut self, limit: &Limit, cell: Cell) {
        (self.cell, self.full_at) = (cell, limit.full_at(cell));
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
        let (Some(kept), Cell::Window { used, .. }) = (&mut self.kept, self.cell) else { return None };
        let Reserved { ends_at, upto, .. } = kept.ahead;
        let most = limit.requests();
        let is_low = upto.saturating_sub(used) <= limit.portion() / 2;
        if kept.asked || !is_low || upto >= most {
            return None;
        }
        kept.asked = true;
        Some(Known::Running { ends_at, upto })
    }

    /// What of a kept quota was not used, as long as its window runs.
    pub(super) fn unused(&self, now: Monotonic) -> Option<Unused> {
        let (Some(kept), Cell::Window { used, .. }) = (&self.kept, self.cell) else { return None };
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
