//! What is in a database that nobody serves: looked at through a connection that can write nothing.

use std::path::Path;

use keyward_engine::chain::AuditHead;
use keyward_engine::ports::{FeedHead, StoreError};
use keyward_engine::signing::SigningKeyRecord;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, SqliteConnection, query};

use super::error::store_error;
use super::open::{OpenError, reading};
use super::rows::{column, first, head, position};
use super::transaction::Statement;
use super::{audit, signing_keys};

/// The first version with an audit log.
const AUDIT: i64 = 2;
/// The first version with signing keys.
const SIGNING_KEYS: i64 = 3;

/// What a database holds.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The version of its schema.
    pub version: i64,
    /// Where its feed stands.
    pub head: FeedHead,
    /// The last sealed record of its audit log.
    pub audit: Option<AuditHead>,
    /// How many users there are.
    pub users: u64,
    /// How many API keys there are, ended ones included.
    pub keys: u64,
    /// Its signing keys, their private halves sealed.
    pub signing_keys: Vec<SigningKeyRecord>,
}

/// Looks into the database in a directory; `thoroughly`: whether it is whole, too, which reads all of it.
///
/// # Errors
/// [`OpenError`]: there is none, it is too new, it is somebody else's, it is damaged.
pub async fn inspect(dir: &Path, thoroughly: bool) -> Result<Inspection, OpenError> {
    let (file, mut connection, version) = reading(dir).await?;
    let seen = look(&mut connection, version, thoroughly).await;
    let closed = connection.close().await.map_err(store_error);
    seen.and_then(|seen| closed.map(|()| seen)).map_err(|error| OpenError::Store { file: file.path().into(), error })
}

async fn look(connection: &mut SqliteConnection, version: i64, thoroughly: bool) -> Result<Inspection, StoreError> {
    if thoroughly {
        is_whole(connection).await?;
    }
    let select = "SELECT epoch, position AS head, (SELECT count(*) FROM users) AS users, \
         (SELECT count(*) FROM api_keys) AS keys FROM feed_head";
    let rows = read(connection, query(select)).await?;
    let row = first(&rows)?;
    let audit =
        if version < AUDIT { None } else { audit::read_state(&read(connection, audit::select_state()).await?)?.head };
    let signing_keys = if version < SIGNING_KEYS {
        Vec::new()
    } else {
        let rows = read(connection, signing_keys::select_all()).await?;
        rows.iter().map(signing_keys::record).collect::<Result<_, _>>()?
    };
    let count = |name| position(column(row, name)?);
    Ok(Inspection { version, head: head(row)?, audit, users: count("users")?, keys: count("keys")?, signing_keys })
}

/// <https://www.sqlite.org/pragma.html#pragma_integrity_check>: one row that says `ok`, or what is wrong. Foreign keys
/// it leaves out.
async fn is_whole(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let rows = read(connection, query("PRAGMA integrity_check(1)")).await?;
    let said: String = column(first(&rows)?, "integrity_check")?;
    if said != "ok" {
        return Err(StoreError::Corrupt(said));
    }
    match read(connection, query("PRAGMA foreign_key_check")).await?.first() {
        None => Ok(()),
        Some(row) => {
            let table: String = column(row, "table")?;
            Err(StoreError::Corrupt(format!("a row of {table} names a row that is not there")))
        }
    }
}

/// Runs one statement that reads.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    statement: Statement,
) -> Result<Vec<SqliteRow>, StoreError> {
    statement.fetch_all(connection).await.map_err(store_error)
}
