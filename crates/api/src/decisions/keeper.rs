//! The keeper of decisions: takes them from the cores to the store, again and again where the store fails, and lets the old
//! ones go by time.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::time::{Monotonic, Timestamp};
use keyward_engine::decisions::{Decisions, Retention};
use keyward_engine::ledger::Batch;
use keyward_engine::pending::Pending;
use keyward_engine::ports::{Clock, StoreError};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// How many batches are written at once, and so how many are held where that fails. No more are taken meanwhile: they wait in
/// a queue as long as this, and then on their cores, which fold more coarsely the longer it takes.
const BATCHES: usize = 64;
/// How long to wait before what failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How often the last ones are tried, when nothing more can come.
const LAST_TRIES: usize = 4;
/// How often old decisions are looked for, unless they are kept for less.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How often it is noted what came lately.
const NOTE_EVERY: Duration = Duration::from_secs(5);
/// However short they are kept.
const PRUNE_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Usage is kept for at least this long: thirteen months, so that a month can be compared with that of a year ago.
const USAGE_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// Figures by the minute are kept for so long.
const MINUTES_KEPT: Duration = Duration::from_secs(48 * 3600);

/// How long decisions stay, and how large they may grow.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// How long.
    pub keep: Duration,
    /// How large, in bytes.
    pub max_bytes: u64,
}

impl Keeping {
    fn retention(self, now: Timestamp) -> Retention {
        let back = |span: Duration| {
            let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(now.as_millis().saturating_sub(millis))
        };
        Retention {
            since: back(self.keep),
            minutes_since: back(MINUTES_KEPT),
            usage_since: back(self.keep.max(USAGE_KEPT)),
            max_bytes: self.max_bytes,
        }
    }
}

/// What becomes of writing.
#[derive(Debug)]
pub enum Told<'a> {
    /// It fails, and is tried again.
    Failing(&'a StoreError),
    /// All that waited was written.
    Recovered,
    /// So many were not written before the end.
    Lost(u64),
}

/// Whoever takes decisions to the store.
pub struct Keeper {
    /// Where to.
    pub decisions: Arc<dyn Decisions>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What may stay.
    pub keeping: Keeping,
    /// Where it says that the store does not take them.
    pub pending: Arc<Pending>,
}

impl Keeper {
    /// Keeps until every core has ended. No request waits for it.
    pub async fn run(self, mut batches: mpsc::Receiver<Batch>, tell: impl Fn(Told<'_>)) {
        let mut held = Vec::with_capacity(BATCHES);
        let mut prune_at = self.clock.now().monotonic;
        // Nothing is to be noted where nothing came.
        let mut note_at = Some(prune_at);
        let mut last_tries = LAST_TRIES;
        loop {
            // What could not be written comes first, and nothing else is taken before it.
            let idle = note_at.map_or(prune_at, |at| at.min(prune_at)).since(self.clock.now().monotonic);
            if held.is_empty() && timeout(idle, batches.recv_many(&mut held, BATCHES)).await == Ok(0) {
                return;
            }
            let some = !held.is_empty();
            if some {
                note_at = note_at.or_else(|| Some(self.clock.now().monotonic.after(NOTE_EVERY)));
            }
            if some && !self.write(&mut held, &tell).await {
                if batches.is_closed() {
                    last_tries -= 1;
                }
                if last_tries == 0 {
                    held.extend(std::iter::from_fn(|| batches.try_recv().ok()));
                    return tell(Told::Lost(held.iter().map(Batch::total).sum()));
                }
                sleep(AGAIN_AFTER).await;
            }
            if self.clock.now().monotonic >= prune_at {
                prune_at = self.prune().await;
            }
            if note_at.is_some_and(|at| self.clock.now().monotonic >= at) {
                note_at = self.note().await;
            }
        }
    }

    /// Writes what is held, all of it or nothing; whether it could.
    async fn write(&self, held: &mut Vec<Batch>, tell: &impl Fn(Told<'_>)) -> bool {
        let written = self.decisions.keep(held).await;
        let was_stuck = self.pending.is_stuck();
        self.pending.set_stuck(written.is_err());
        match written {
            Ok(()) => {
                held.clear();
                if was_stuck {
                    tell(Told::Recovered);
                }
                true
            }
            Err(error) => {
                if !was_stuck {
                    tell(Told::Failing(&error));
                }
                false
            }
        }
    }

    /// Likewise, of what lists need; when there is more.
    async fn note(&self) -> Option<Monotonic> {
        let more = self.decisions.note().await.unwrap_or(false);
        more.then(|| self.clock.now().monotonic)
    }

    /// One step, so that batches go on in between; when the next is due. What fails is tried again.
    async fn prune(&self) -> Monotonic {
        let now = self.clock.now();
        let retention = self.keeping.retention(now.wall);
        let more = self.decisions.prune(retention).await.unwrap_or(false);
        let every = self.keeping.keep.clamp(PRUNE_AT_MOST_EVERY, PRUNE_EVERY);
        now.monotonic.after(if more { Duration::ZERO } else { every })
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
