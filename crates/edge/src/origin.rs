//! Where an upstream is.

use http::uri::Authority;

/// One upstream. Its URL was checked by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The built-in demo, which answers what an upstream sees.
    Demo,
    /// An HTTP server at a host and port.
    Http(Authority),
    /// One that is spoken to in HTTP/2 in the clear, without asking (RFC 9113 §3.3).
    H2c(Authority),
}
