//! Invariant 5: what could not be found out is neither a permit nor a denial.

use keyward_core::decision::{Decision, Fault};

fn main() {
    let _ = Decision::Deny(Fault::Store);
    let _ = Decision::Allow(Fault::Store);
}
