//! Where a server of an upstream is.

use std::fmt;
use std::path::PathBuf;

use http::uri::{Authority, Scheme};

use crate::trust::Trust;

/// Where a server is, and what carries bytes to it. Its URL was checked by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host and port, in the clear.
    Http(Authority),
    /// A host and port that is spoken to in HTTP/2 in the clear, without asking (RFC 9113 §3.3).
    H2c(Authority),
    /// A host and port, over TLS.
    Https(Authority, Trust),
    /// A socket of this machine.
    Unix(PathBuf),
}

impl Address {
    /// The server's own `Host`. A socket has none; any would do.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Http(authority) | Self::H2c(authority) | Self::Https(authority, _) => authority.as_str(),
            Self::Unix(_) => "localhost",
        }
    }

    /// The scheme of what is asked for there.
    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Self::Https(..) => Scheme::HTTPS,
            Self::Http(_) | Self::H2c(_) | Self::Unix(_) => Scheme::HTTP,
        }
    }

    /// A copy, so that cores share no reference count on the way of a request.
    pub(crate) fn unshared(&self) -> Self {
        // What was an authority once is one again.
        let copy = |authority: &Authority| authority.as_str().parse().unwrap_or_else(|_| authority.clone());
        match self {
            Self::Http(authority) => Self::Http(copy(authority)),
            Self::H2c(authority) => Self::H2c(copy(authority)),
            Self::Https(authority, trust) => Self::Https(copy(authority), trust.clone()),
            Self::Unix(path) => Self::Unix(path.clone()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(authority) => write!(f, "http://{authority}"),
            Self::H2c(authority) => write!(f, "h2c://{authority}"),
            Self::Https(authority, _) => write!(f, "https://{authority}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
