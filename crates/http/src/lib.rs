//! Pure HTTP: what a decision looks like as an answer, which headers change on the way, and how own endpoints are called.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )
)]

pub mod answer;
pub mod edits;
pub mod identity;
pub mod names;
pub mod own;
pub mod problem;
