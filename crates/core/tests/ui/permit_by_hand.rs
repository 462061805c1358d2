//! Invariant 2: nothing outside `conclude` makes a `Permit`.

use keyward_core::decision::{Decision, Permit};
use keyward_core::route::RouteId;

fn main() {
    let permit = Permit { route: RouteId(0), caller: None };
    let _ = Decision::Allow(permit);
}
