//! Operations on keys, Keyward's own endpoints, and the control plane that commands and health checks talk to.

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

pub mod admin;
pub mod command;
pub mod explain;
pub mod failure;
pub mod fields;
pub mod keys;
pub mod own;
pub mod service;
pub mod view;
