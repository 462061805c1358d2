//! What is known of decisions that the store cannot tell of yet: requests that were let pass and are still on their way, and
//! whether the store takes anything at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use keyward_core::decision::DecisionId;

/// The decisions of one core that are still running, as it last showed them.
type Shown = Arc<Mutex<Vec<DecisionId>>>;

/// Of all cores of a process.
#[derive(Debug, Default)]
pub struct Pending {
    cores: Mutex<Vec<Shown>>,
    stuck: AtomicBool,
}

impl Pending {
    /// A place for one more core to show what it runs.
    pub(crate) fn place(&self) -> Shown {
        let shown = Shown::default();
        self.cores.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&shown));
        shown
    }

    /// Whether a request was let pass and not answered yet, as of a quarter of a second ago.
    pub fn is_running(&self, id: DecisionId) -> bool {
        let cores = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        cores.iter().any(|shown| shown.lock().unwrap_or_else(PoisonError::into_inner).contains(&id))
    }

    /// Says whether the store fails to take what was decided.
    pub fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    /// Whether decisions wait in memory because the store does not take them.
    pub fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }
}
