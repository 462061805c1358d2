//! The cells of all limits, shared by all cores: a request's cells are taken together, all checked, then all written.
//!
//! A table of its own, so that no change or eviction of a credential refills anything. Only full cells are forgotten.
//! Quotas that outlive a crash admit no more than was written ahead for them (`reserve`).

mod cells;
mod entry;
mod limiter;
mod reserve;
mod round;

pub(crate) use cells::fetch;
pub use cells::{Cells, Ready, Unready};
pub use limiter::Limiter;
pub use reserve::{Ask, Asks, Reserver, channel, run};
