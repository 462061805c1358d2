//! Operations on keys, Keyward's own endpoints, and the control plane that commands and health checks talk to.

pub mod admin;
pub mod audit;
pub mod command;
pub mod explain;
pub mod failure;
pub mod fields;
pub mod keys;
pub mod own;
pub mod pulse;
pub mod service;
mod told;
pub mod view;
