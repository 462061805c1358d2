//! Opening: look without touching, refuse what is not ours or too new, then make or migrate in one transaction.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_core::time::Timestamp;
use keyward_engine::ports::{Random, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, query};

use super::SqliteStore;
use super::error::store_error;
use super::file::{DatabaseFile, FILE_NAME};
use super::rows::{column, first};
use super::schema::{APPLICATION_ID, found, migrate, newest};
use super::transaction::Writer;

/// How long SQLite waits for another program's lock.
const BUSY: Duration = Duration::from_secs(2);
/// How long an operation waits for a connection of ours.
const TURN: Duration = Duration::from_secs(10);
/// How many connections read.
const READERS: u32 = 4;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none.
    #[error(
        "there is no Keyward store in {0}; `keyward init` or `keyward serve` makes one, --data-dir names another folder"
    )]
    Missing(PathBuf),
    /// A newer Keyward wrote it.
    #[error(
        "{} is of version {found}, and this Keyward knows versions up to {known}; nothing was changed. Use the Keyward \
         that wrote it, or a newer one",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// It is some other program's database.
    #[error("{} is an SQLite database, but none of Keyward's; nothing was changed", .0.display())]
    Foreign(PathBuf),
    /// The directory, or the file in it, cannot be made, read or written.
    #[error(
        "cannot keep a store in {}: {why}; the folder and the {FILE_NAME} in it must be readable and writable by the user \
         that runs keyward",
        dir.display()
    )]
    Directory {
        /// The data directory.
        dir: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The database says no: locked, full, read-only, damaged.
    #[error("cannot open {}: {error}; {}", file.display(), advice(error))]
    Store {
        /// The database.
        file: PathBuf,
        /// What it says.
        error: StoreError,
    },
}

/// What to do about a store that cannot be opened.
fn advice(error: &StoreError) -> &'static str {
    match error {
        StoreError::Locked => "nothing was changed; end the other program, or try again",
        StoreError::Full => "free some space, or name another folder with --data-dir",
        StoreError::ReadOnly => "it must be writable by the user that runs keyward",
        StoreError::Corrupt(_) => {
            "nothing was changed; put a backup in its place, or name another folder with --data-dir"
        }
        StoreError::Other(_) => "look at the file, or name another folder with --data-dir",
    }
}

impl SqliteStore {
    /// Opens the store in a directory, or makes both. For `serve` and `init`.
    ///
    /// # Errors
    /// [`OpenError`]. What cannot be made whole is not made: an empty file may be left, which counts as no store.
    pub async fn create_or_open(dir: &Path, random: &dyn Random, now: Timestamp) -> Result<Self, OpenError> {
        let file = DatabaseFile::create(dir, FILE_NAME).map_err(|why| OpenError::Directory { dir: dir.into(), why })?;
        let version = look(&file).await?;
        connect(file, version, Some((random, now))).await
    }

    /// Opens the store in a directory. For every other command.
    ///
    /// # Errors
    /// [`OpenError`], of which [`OpenError::Missing`] when there is no store.
    pub async fn open(dir: &Path) -> Result<Self, OpenError> {
        let file = find(dir)?;
        match look(&file).await? {
            Version::None => Err(OpenError::Missing(dir.into())),
            version => connect(file, version, None).await,
        }
    }
}

/// What is in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Nothing yet.
    None,
    /// Ours, of a version that can be migrated.
    Older,
    /// Ours, as we know it.
    Current,
}

/// A version, and whether we can read it.
fn known(file: &DatabaseFile, seen: (i64, Option<i64>)) -> Result<Version, OpenError> {
    match seen {
        (0, None) => Ok(Version::None),
        (APPLICATION_ID, Some(version)) if version == newest() => Ok(Version::Current),
        (APPLICATION_ID, Some(version)) if version < newest() => Ok(Version::Older),
        (APPLICATION_ID, Some(found)) => Err(OpenError::Newer { file: file.path().into(), found, known: newest() }),
        _ => Err(OpenError::Foreign(file.path().into())),
    }
}

/// A connection that can write nothing to a database that we know, and its version.
pub(super) async fn reading(dir: &Path) -> Result<(DatabaseFile, SqliteConnection, i64), OpenError> {
    let file = find(dir)?;
    let failed = |error| OpenError::Store { file: file.path().into(), error };
    let options = options(&file).read_only(true).pragma("trusted_schema", "OFF");
    let mut connection = options.connect().await.map_err(|error| failed(store_error(error)))?;
    let seen = read_version(&mut connection).await.map_err(failed)?;
    match (known(&file, seen)?, seen) {
        (Version::Older | Version::Current, (_, Some(version))) => Ok((file, connection, version)),
        _ => Err(OpenError::Missing(dir.into())),
    }
}

/// The file that a store is in.
fn find(dir: &Path) -> Result<DatabaseFile, OpenError> {
    DatabaseFile::find(dir, FILE_NAME).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => OpenError::Missing(dir.into()),
        _ => OpenError::Directory { dir: dir.into(), why },
    })
}

/// Looks at a database through a connection that can write nothing, not even a checkpoint when it closes.
async fn look(file: &DatabaseFile) -> Result<Version, OpenError> {
    let failed = |error| OpenError::Store { file: file.path().into(), error: store_error(error) };
    let options = options(file).read_only(true);
    let mut connection = options.connect().await.map_err(failed)?;
    let seen = read_version(&mut connection).await;
    connection.close().await.map_err(failed)?;
    known(file, seen.map_err(|error| OpenError::Store { file: file.path().into(), error })?)
}

/// The application id, and the version of a database that is not empty (0 for somebody else's).
async fn read_version(connection: &mut SqliteConnection) -> Result<(i64, Option<i64>), StoreError> {
    let select = "SELECT (SELECT application_id FROM pragma_application_id) AS application, \
         (SELECT count(*) FROM sqlite_schema) AS things";
    let rows = query(select).fetch_all(&mut *connection).await.map_err(store_error)?;
    let row = first(&rows)?;
    let application: i64 = column(row, "application")?;
    let version = match (application, column::<i64>(row, "things")?) {
        (_, 0) => None,
        (APPLICATION_ID, _) => {
            let select = query("SELECT max(version) AS version FROM _sqlx_migrations");
            column(first(&select.fetch_all(connection).await.map_err(store_error)?)?, "version")?
        }
        _ => Some(0),
    };
    Ok((application, version))
}

/// Makes the connections, and what is missing in the file.
async fn connect(
    file: DatabaseFile,
    version: Version,
    founder: Option<(&dyn Random, Timestamp)>,
) -> Result<SqliteStore, OpenError> {
    let failed = |error| OpenError::Store { file: file.path().into(), error };
    file.close_to_others().map_err(|why| OpenError::Directory { dir: file.dir().into(), why })?;
    let options = options(&file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("temp_store", "memory")
        .pragma("trusted_schema", "OFF");
    let pool = pool_of(1).connect_with(options.clone()).await.map_err(|error| failed(store_error(error)))?;
    let writer = Writer { pool, file: file.clone(), faults: None };
    if version != Version::Current {
        let prepared = writer.write(async |transaction| {
            migrate(transaction).await?;
            match founder {
                Some((random, now)) => found(transaction, random, now).await,
                None => Ok(()),
            }
        });
        prepared.await.map_err(failed)?;
    }
    let readers = pool_of(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(SqliteStore { writer, readers, is_new: version == Version::None })
}

pub(super) fn options(file: &DatabaseFile) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file.path()).busy_timeout(BUSY).foreign_keys(true).disable_statement_logging()
}

/// Connections live as long as the store: a file needs no reconnecting.
pub(super) fn pool_of(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .acquire_timeout(TURN)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
