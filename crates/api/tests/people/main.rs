//! What users do to their own way in, and what operators do to it: each operation on a real store, with time in hand.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests fail by panicking"
)]

mod invitations;
mod planes;
mod portal;
mod second_factor;
mod world;
