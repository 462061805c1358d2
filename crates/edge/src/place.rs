//! Where an edge listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A place to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A socket file, for the user and the group that made it (mode 0660). Who connects there counts as 127.0.0.1: as
    /// anybody else on this machine, and believed about others only where that is a trusted proxy.
    Unix(PathBuf),
}

impl Place {
    /// The address, where it has one.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}
