//! Operations on keys, Keyward's own endpoints, and the control plane that commands and health checks talk to.

pub mod accounts;
pub mod actor;
pub mod admin;
pub mod audit;
pub mod backup;
pub mod command;
pub mod explain;
pub mod failure;
pub mod fields;
pub mod hex;
pub mod keys;
pub mod listing;
pub mod origin;
pub mod own;
pub mod passwords;
pub mod people_command;
pub mod pulse;
pub mod sealing;
pub mod service;
pub mod sessions;
pub mod sign_in;
pub mod tokens;
mod told;
pub mod users;
pub mod view;
