//! Invariant 4: a snapshot comes from the worker, whole; nobody pairs other rules with another time.

use keyward_core::rules::Rules;
use keyward_core::time::Now;
use keyward_engine::worker::Snapshot;
use std::sync::Arc;

fn pair(rules: Arc<Rules>, now: Now) -> Snapshot {
    Snapshot { rules, now }
}

fn main() {}
