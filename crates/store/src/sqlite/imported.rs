//! Keys that other programs made: which there are, and by which hash one is known until it is shown.

use keyward_core::digest::ApiKeyDigest;
use keyward_engine::people::PasswordHash;
use keyward_engine::ports::{ImportedKey, StoreError};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::rows::{bytes, column};
use super::transaction::Statement;

/// A key was made by another program.
pub(super) fn note(id: &str, hash: Option<&PasswordHash>) -> Statement {
    query("INSERT INTO imported_keys (api_key, hash) VALUES (?1, ?2)").bind(id).bind(hash.map(|hash| &*hash.0))
}

/// Its digest is known from now on.
pub(super) fn recognise(id: &str) -> Statement {
    query("UPDATE imported_keys SET hash = NULL WHERE api_key = ?1").bind(id)
}

/// All of them that could still be used at all.
pub(super) fn select() -> Statement {
    query(
        "SELECT k.id, k.digest, i.hash FROM imported_keys i JOIN api_keys k ON k.id = i.api_key \
         WHERE k.revoked_at IS NULL OR i.hash IS NULL ORDER BY k.id",
    )
}

/// Reads what [`select`] found.
pub(super) fn read(rows: &[SqliteRow]) -> Result<Vec<ImportedKey>, StoreError> {
    let one = |row: &SqliteRow| {
        let hash = column::<Option<Box<str>>>(row, "hash")?.map(PasswordHash);
        Ok(ImportedKey { id: column(row, "id")?, digest: ApiKeyDigest::from_bytes(bytes(row, "digest")?), hash })
    };
    rows.iter().map(one).collect()
}
