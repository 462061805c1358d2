//! Operations: what people and programs ask of Keyward, whichever way they come, and the answers as values.
//!
//! What there is has a room each: `keys`, `people` (accounts, users, invitations), `sessions` (and their tokens), `signing_keys`, `budgets` and `limits`,
//! `decisions` (and figures of them), `audit`, `portal`. `sign_in` is how somebody proves who they are, and how often they may try; `import` takes what others
//! kept. Doors: `own` and `oauth` are the own endpoints on the data plane, `command` what commands ask for through the socket, `admin` health on the control plane; the
//! admin API calls the same operations from a crate of its own. All work with a `service`, fail with a `failure`, read `fields` and write `view`s.

pub mod actor;
pub mod admin;
pub mod audit;
pub mod backup;
pub mod budgets;
pub mod command;
pub mod decisions;
pub mod explain;
pub mod failure;
pub mod fields;
pub mod hex;
pub mod import;
pub mod in_force;
pub mod keys;
pub mod limits;
pub mod listing;
pub mod metrics;
pub mod nodes;
pub mod oauth;
pub mod origin;
pub mod own;
pub mod people;
pub mod portal;
pub mod pulse;
pub mod refusal;
pub mod service;
pub mod sessions;
pub mod sign_in;
pub mod signing_keys;
mod told;
pub mod view;
