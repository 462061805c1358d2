//! What SQLite says, in the words of the ports. No message of SQLite's holds a value, so none holds a secret.

use keyward_engine::ports::StoreError;
use sqlx::error::DatabaseError;

/// Translates an error of the driver.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) => of_code(&*error),
        sqlx::Error::PoolTimedOut => StoreError::Other("every connection is busy".to_owned()),
        sqlx::Error::PoolClosed => StoreError::Other("it is closed".to_owned()),
        error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_)) => {
            StoreError::Corrupt(error.to_string())
        }
        error => StoreError::Other(error.to_string()),
    }
}

/// <https://www.sqlite.org/rescode.html>: the low byte is the primary code.
fn of_code(error: &dyn DatabaseError) -> StoreError {
    const READONLY_DBMOVED: i32 = 1032;
    /// The file that readers and writers share could not grow: what a full disk says first.
    const IOERR_SHMSIZE: i32 = 4874;
    let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    match code & 0xff {
        // BUSY, LOCKED
        5 | 6 => StoreError::Locked,
        // FULL
        13 => StoreError::Full,
        _ if code == IOERR_SHMSIZE => StoreError::Full,
        8 if code == READONLY_DBMOVED => StoreError::Other("its file was moved or deleted".to_owned()),
        // READONLY
        8 => StoreError::ReadOnly,
        // CORRUPT, NOTADB
        11 | 26 => StoreError::Corrupt(error.message().to_owned()),
        _ => StoreError::Other(format!("{} (SQLite code {code})", error.message())),
    }
}
