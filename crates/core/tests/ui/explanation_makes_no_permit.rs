//! Invariant 2: what would become of a request is known without a `Permit` to misuse.

use keyward_core::decision::Permit;
use keyward_core::limit::{Spend, Standings};
use keyward_core::machine::{Looking, RequestFacts, would_pass};
use keyward_core::rules::Rules;
use keyward_core::time::Now;
use std::sync::Arc;

fn misuse(rules: &Rules, facts: RequestFacts<'_>, now: Now, entry: Arc<keyward_core::api_key::CredentialEntry>) -> Permit {
    would_pass(rules, facts, now, entry, &mut ()).unwrap()
}

fn misuse_of_limits(looking: Looking<'_>) {
    looking.resume(Spend::Within(Standings::default()), &mut ());
}

fn main() {}
