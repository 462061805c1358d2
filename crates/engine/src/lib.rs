//! The engine: one handle per core that decides from memory, and the control side that keeps memory true.
//!
//! `worker` is what a door holds, `memory` what a core knows, `node` applies the feed of changes, `fetcher` answers
//! misses, `ledger` keeps decisions until the store takes them, `ports` are the traits that stores and clocks implement.

pub mod audit;
pub mod chain;
mod chance;
pub mod change;
mod checked;
pub mod counts;
pub mod decisions;
pub mod deliveries;
pub mod factors;
pub mod fetcher;
pub mod figures;
mod filters;
pub mod folds;
mod held_session;
pub mod imported;
pub mod issuers;
mod joined;
pub mod ledger;
pub mod limits;
pub mod lineage;
pub mod links;
pub mod mark;
pub mod memory;
pub mod node;
pub mod noting;
pub mod once;
pub mod pending;
pub mod people;
pub mod ports;
pub mod record;
pub mod refresher;
mod reserves;
pub mod sightings;
pub mod signing;
mod snapshot;
pub mod tally;
pub mod throttle;
pub mod upstreams;
mod user_change;
pub mod version;
pub mod worker;
