//! A restart without loss: one process hands its listening sockets and then its data directory to the next.
//!
//! Both speak over a connection of `keyward.sock` that is upgraded to [`PROTOCOL`]: one byte at a time, some with a file
//! descriptor. Until `Agreed` nothing has happened on either side, and each may break off. From then on the old process ends all that
//! it does, but for the process itself: until it hears `Serving` it keeps the sockets and the lock, and should the new one be gone it
//! goes on in its place.
//!
//! | who | says | with |
//! |---|---|---|
//! | new | `Send` | |
//! | old | `Data`, for each | a listening socket |
//! | old | `Admin`, `Control` | a listening socket |
//! | old | `All` | |
//! | new | `Agreed`: it goes on where the old one listens; or `Moved`: it listens elsewhere | |
//! | old | `Lock`, once it has ended all else | the locked data directory |
//! | new | `Serving`; the end of the connection before it is the end of the new process | |

mod give;
mod take;
mod word;

pub use give::{Agreed, Given, Handing, Wished, routes};
pub use take::{Standby, Taken, ask};

use std::os::fd::OwnedFd;
use std::time::Duration;

/// The sockets that a process goes on with.
#[derive(Debug, Default)]
pub struct Sockets {
    /// Of the data port.
    pub data: Vec<OwnedFd>,
    /// Of the admin port.
    pub admin: Option<OwnedFd>,
    /// Of commands.
    pub control: Option<OwnedFd>,
}

/// What both processes must be able to speak.
const PROTOCOL: &str = "keyward-handover/2";
/// Where it is asked for.
const PATH: &str = "/hand-over";
/// How long the other process may take for what it has at hand.
const AT_HAND: Duration = Duration::from_secs(10);
/// The most that running requests have to end, whatever `server.limits.drain` says: who connects meanwhile waits.
pub const DRAIN: Duration = Duration::from_secs(5);
/// How long the old process may take to end all else, and the new one until it serves.
const ENDING: Duration = Duration::from_secs(60);
