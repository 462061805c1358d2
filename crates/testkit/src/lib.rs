//! For tests: a real server in one line, an upstream that records, a client that sends raw bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

pub mod authenticator;
pub mod browser;
pub mod certificates;
pub mod client;
pub mod curl;
pub mod decided;
pub mod elsewhere;
pub mod issued;
pub mod issuer;
pub mod oauth;
pub mod operators;
pub mod people;
pub mod ports;
pub mod ps;
pub mod upstream;
mod upstream_h2;
pub mod world;

/// How many rounds a test of many runs: `KEYWARD_ROUNDS`, which `make torture` sets, or fewer in `make test`.
#[expect(clippy::disallowed_methods, reason = "a test is told by its environment")]
pub fn rounds(otherwise: usize) -> usize {
    std::env::var("KEYWARD_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
