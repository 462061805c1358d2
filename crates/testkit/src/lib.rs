//! Worlds, clocks and fakes for tests: a real server in one line, an upstream that records, a client that sends raw bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

pub mod client;
pub mod upstream;
pub mod world;
