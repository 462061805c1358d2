//! What SQLite alone promises: files, locks, versions, a full disk. And the suite that every store passes.

mod batches;
mod blocks;
mod copies;
mod decisions;
mod decisions_file;
mod figures;
mod files;
mod limits;
mod mishaps;
mod used;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use keyward_core::time::Timestamp;
use keyward_engine::ports::{Random, Store};
use tempfile::TempDir;

use super::{OpenError, SqliteStore};
use crate::conformance::Home;
use crate::faults::Faults;

/// Bytes that differ from call to call, and nothing more.
struct Counter;

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        bytes.fill(NEXT.fetch_add(1, Ordering::Relaxed));
    }
}

struct SqliteHome(TempDir);

impl Home for SqliteHome {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self, faults: Arc<Faults>) -> Arc<dyn Store> {
        Arc::new(make(self.0.path()).await.unwrap().with_faults(faults))
    }
}

async fn make(dir: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::create_or_open(dir, &Counter, Timestamp::from_millis(1)).await
}

fn database(dir: &Path) -> PathBuf {
    dir.join("keyward.db")
}

mod conformance {
    //! One test per promise.
    crate::conformance!(super::SqliteHome);
}
