//! Where a server of an upstream is.

use std::fmt;

use http::uri::Authority;

/// Where a server is, and what carries bytes to it. Its URL was checked by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host and port, in the clear.
    Http(Authority),
}

impl Address {
    /// The server's own `Host`.
    pub(crate) fn host(&self) -> &str {
        let Self::Http(authority) = self;
        authority.as_str()
    }

    /// A copy, so that cores share no reference count on the way of a request.
    pub(crate) fn unshared(&self) -> Self {
        let Self::Http(authority) = self;
        // What was an authority once is one again.
        Self::Http(authority.as_str().parse().unwrap_or_else(|_| authority.clone()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.host())
    }
}
