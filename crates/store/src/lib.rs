//! Where credentials are kept: SQLite behind the ports of the engine, and the suite that every store passes.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod faults;
pub mod sqlite;

pub use sqlite::{
    Comeback, DECISIONS_FILE_NAME, FILE_NAME, Inspection, OpenError, SqliteDecisions, SqliteStore, comeback, inspect,
};
