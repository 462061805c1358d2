//! A restart without loss: one process hands its listening sockets and then its data directory to the next.
//!
//! Both speak over a connection of `keyward.sock` that is upgraded to [`PROTOCOL`]: one byte at a time, some with a file
//! descriptor. Until [`Word::Agreed`] nothing has happened on either side, and each may break off; from then on the old process ends.
//!
//! | who | says | with |
//! |---|---|---|
//! | new | `Send` | |
//! | old | `Data`, for each | a listening socket |
//! | old | `Admin`, `Control` | a listening socket |
//! | old | `All` | |
//! | new | `Agreed`: it goes on where the old one listens; or `Moved`: it listens elsewhere | |
//! | old | `Lock`, once it has ended all else | the locked data directory |

mod give;
mod take;
mod word;

pub use give::{Agreed, Handing, Offer, Wished, routes};
pub use take::{Offered, ask};

use std::time::Duration;

/// What both processes must be able to speak.
const PROTOCOL: &str = "keyward-handover/1";
/// Where it is asked for.
const PATH: &str = "/hand-over";
/// How long the other process may take for what it has at hand.
const AT_HAND: Duration = Duration::from_secs(10);
/// The most that running requests have to end, whatever `server.limits.drain` says: who connects meanwhile waits.
pub const DRAIN: Duration = Duration::from_secs(5);
/// How long the old process may take to end all else.
const ENDING: Duration = Duration::from_secs(60);
