//! Invariant 2: a `Permit` has no default and no constructor.

use keyward_core::decision::Permit;

fn main() {
    let _: Permit = Default::default();
    let _ = Permit::new();
}
