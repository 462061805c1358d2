//! Where an upstream is.

use http::uri::Authority;

/// One upstream. Its URL was checked by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The built-in demo, which answers what an upstream sees.
    Demo,
    /// An HTTP server at a host and port.
    Http(Authority),
}
