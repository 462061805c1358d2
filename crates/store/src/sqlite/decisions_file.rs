//! The file of decisions: opened, made, or set aside when it cannot be read. Its loss costs no credential, so it never
//! stops a server.

use std::io;
use std::path::{Path, PathBuf};

use keyward_core::time::Timestamp;
use keyward_engine::ports::StoreError;
use sqlx::sqlite::{SqliteAutoVacuum, SqliteJournalMode, SqliteSynchronous};
use sqlx::{query, raw_sql};

use super::decisions::SqliteDecisions;
use super::error::store_error;
use super::file::DatabaseFile;
use super::open::{options, pool_of};
use super::rows::{column, first};
use super::transaction::Writer;
use super::usage::Waiting;

/// The file's name in a data directory.
pub const DECISIONS_FILE_NAME: &str = "decisions.db";

/// `PRAGMA application_id`: "KWDC".
const APPLICATION_ID: i64 = 0x4b57_4443;
/// How many connections read.
const READERS: u32 = 2;

const SCHEMA: &str = include_str!("../../migrations/decisions/0001_decisions.sql");
/// What files of earlier versions lack.
const ADDED: [&str; 5] = [
    include_str!("../../migrations/decisions/0002_usage_waiting.sql"),
    include_str!("../../migrations/decisions/0003_figures.sql"),
    include_str!("../../migrations/decisions/0004_blocks.sql"),
    include_str!("../../migrations/decisions/0005_most_used.sql"),
    include_str!("../../migrations/decisions/0006_quarters.sql"),
];

/// What was found in the file's place.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub decisions: SqliteDecisions,
    /// Where a file went that could not be read.
    pub set_aside: Option<PathBuf>,
}

impl SqliteDecisions {
    /// Opens the file in a data directory, or makes it. One that is damaged, or none of ours, is set aside.
    ///
    /// # Errors
    /// The directory or the disk does not allow it.
    pub async fn create_or_open(dir: &Path, now: Timestamp) -> Result<Opened, StoreError> {
        match open(dir).await {
            Ok(decisions) => Ok(Opened { decisions, set_aside: None }),
            Err(StoreError::Corrupt(_)) => {
                let aside = set_aside(dir, now).map_err(io_error)?;
                Ok(Opened { decisions: open(dir).await?, set_aside: Some(aside) })
            }
            Err(error) => Err(error),
        }
    }

    /// Opens the file in a data directory, if there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn find_in(dir: &Path) -> Result<Option<Self>, StoreError> {
        if dir.join(DECISIONS_FILE_NAME).exists() { open(dir).await.map(Some) } else { Ok(None) }
    }
}

async fn open(dir: &Path) -> Result<SqliteDecisions, StoreError> {
    let file = DatabaseFile::create(dir, DECISIONS_FILE_NAME).map_err(io_error)?;
    file.close_to_others().map_err(io_error)?;
    let reading = options(&file).pragma("temp_store", "memory").pragma("trusted_schema", "OFF");
    // What makes a file what it is; who only reads asks for none of it, because SQLite may want to write for it.
    let writing = reading.clone().auto_vacuum(SqliteAutoVacuum::Incremental).journal_mode(SqliteJournalMode::Wal);
    // A power cut may cost the last moments, and never the file.
    let writing = writing.synchronous(SqliteSynchronous::Normal);
    let pool = pool_of(1).connect_with(writing).await.map_err(store_error)?;
    let select = "SELECT (SELECT application_id FROM pragma_application_id) AS application, \
         (SELECT count(*) FROM sqlite_schema) AS things";
    let rows = query(select).fetch_all(&pool).await.map_err(store_error)?;
    let row = first(&rows)?;
    match (column::<i64>(row, "application")?, column::<i64>(row, "things")?) {
        (APPLICATION_ID, 1..) => {}
        (_, 0) => raw_sql(SCHEMA).execute(&pool).await.map(drop).map_err(store_error)?,
        _ => return Err(StoreError::Corrupt("it is none of Keyward's".to_owned())),
    }
    for added in ADDED {
        raw_sql(added).execute(&pool).await.map_err(store_error)?;
    }
    let readers = pool_of(READERS).connect_lazy_with(reading.pragma("query_only", "ON"));
    Ok(SqliteDecisions { writer: Writer { pool, file, faults: None }, readers, waiting: Waiting::default() })
}

/// Gives a file and those beside it other names, so that nothing of it is lost.
fn set_aside(dir: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let aside = dir.join(format!("{DECISIONS_FILE_NAME}.damaged-{}", now.as_millis()));
    for end in ["-wal", "-shm"] {
        match std::fs::rename(dir.join(format!("{DECISIONS_FILE_NAME}{end}")), format!("{}{end}", aside.display())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    std::fs::rename(dir.join(DECISIONS_FILE_NAME), &aside)?;
    Ok(aside)
}

fn io_error(error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::StorageFull { StoreError::Full } else { StoreError::Other(error.to_string()) }
}
