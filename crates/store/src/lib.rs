//! Where credentials are kept: SQLite behind the ports of the engine, and the suite that every store passes.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod faults;
pub mod sqlite;

pub use sqlite::{DECISIONS_FILE_NAME, FILE_NAME, OpenError, SqliteDecisions, SqliteStore};
