//! The operators' port over HTTP: one table of operations, guarded by the engine as the data plane is.
//!
//! `operation` says what an operation is, `table` which there are; from them come the routes that the engine judges by
//! (`rules`), the document that tells programs of them (`openapi`), and what the door calls (`door`). `guard` is the thread
//! that judges, `operations` has what is done.

mod answer;
mod call;
mod door;
mod guard;
mod once;
mod openapi;
mod operation;
mod operations;
mod path;
mod power;
mod rules;
mod table;

pub use door::{Configurations, Control, Peer, TAILS, routes};
pub use guard::{Gate, Guard, GuardParts};
pub use openapi::document;
pub use operations::configuration::{Checked, Mistake};
pub use rules::control;
