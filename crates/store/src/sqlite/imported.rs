//! Keys of others: what was kept of them elsewhere, until they are shown for the first time.

use keyward_core::digest::ApiKeyDigest;
use keyward_engine::audit::AuditEvent;
use keyward_engine::people::PasswordHash;
use keyward_engine::ports::{Answer, FeedHead, ForeignHash, HashedKey, Imported, ImportedKey, Imports, StoreError};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::feed::{API_KEY, IMPORTED_KEY, tell};
use super::rows::{bytes, column, json_list};
use super::transaction::{Statement, Transaction};
use super::{SqliteStore, audit, keys};

impl Imports for SqliteStore {
    fn import_api_key<'a>(&'a self, key: &'a ImportedKey, event: &'a AuditEvent) -> Answer<'a, FeedHead> {
        Box::pin(self.writer.write(async move |transaction| insert(transaction, key, event).await))
    }

    fn is_imported<'a>(&'a self, mark: &'a [u8; 32]) -> Answer<'a, bool> {
        Box::pin(async move {
            let select = query("SELECT 1 FROM imported_keys WHERE mark = ?1").bind(mark.as_slice());
            Ok(!self.read(select).await?.is_empty())
        })
    }

    fn imported_by<'a>(&'a self, lookups: &'a [[u8; 32]]) -> Answer<'a, Option<Box<str>>> {
        Box::pin(async move {
            let rows = self.read(select_lookups(lookups)).await?;
            rows.first().map(|row| column(row, "api_key")).transpose()
        })
    }

    fn hashed_keys(&self) -> Answer<'_, Vec<HashedKey>> {
        Box::pin(async move {
            let select = "SELECT api_key, begins, hash FROM imported_keys WHERE hash IS NOT NULL ORDER BY api_key";
            self.read(query(select)).await?.iter().map(hashed).collect()
        })
    }

    fn prove_imported<'a>(&'a self, id: &'a str, digest: &'a ApiKeyDigest, event: &'a AuditEvent) -> Answer<'a, bool> {
        Box::pin(self.writer.write(async move |transaction| prove(transaction, id, digest, event).await))
    }

    fn peppers(&self) -> Answer<'_, Vec<Box<[u8]>>> {
        Box::pin(async move {
            let rows = self.read(query("SELECT sealed FROM imported_peppers ORDER BY id")).await?;
            rows.iter().map(|row| Ok(column::<&[u8]>(row, "sealed")?.into())).collect()
        })
    }

    fn keep_pepper<'a>(&'a self, sealed: &'a [u8], event: &'a AuditEvent) -> Answer<'a, ()> {
        Box::pin(self.writer.write(async move |transaction| {
            transaction.run(query("INSERT INTO imported_peppers (sealed) VALUES (?1)").bind(sealed)).await?;
            audit::insert(transaction, event).await
        }))
    }
}

/// The digests of those that are kept by our own, and how many are not.
pub(super) fn select_all() -> Statement {
    query(
        "SELECT CASE WHEN i.lookup IS NULL AND i.hash IS NULL THEN k.digest END AS digest \
         FROM imported_keys i JOIN api_keys k ON k.id = i.api_key",
    )
}

/// Reads what [`select_all`] found.
pub(super) fn read_all(rows: &[SqliteRow]) -> Result<Imported, StoreError> {
    let mut imported = Imported::default();
    for row in rows {
        match column::<Option<&[u8]>>(row, "digest")? {
            Some(_) => imported.digests.push(ApiKeyDigest::from_bytes(bytes(row, "digest")?)),
            None => imported.unproven += 1,
        }
    }
    Ok(imported)
}

async fn insert(transaction: &mut Transaction, new: &ImportedKey, event: &AuditEvent) -> Result<FeedHead, StoreError> {
    keys::keep(transaction, &new.key).await?;
    let (lookup, hash) = match &new.hash {
        Some(ForeignHash::Lookup(lookup)) => (Some(lookup.as_slice()), None),
        Some(ForeignHash::Slow(hash)) => (None, Some(&*hash.0)),
        None => (None, None),
    };
    let insert = query("INSERT INTO imported_keys (api_key, mark, begins, lookup, hash) VALUES (?1, ?2, ?3, ?4, ?5)");
    transaction
        .run(insert.bind(&*new.key.id).bind(new.mark.as_slice()).bind(&*new.begins).bind(lookup).bind(hash))
        .await?;
    audit::insert(transaction, event).await?;
    tell(transaction, API_KEY, &[&new.key.id]).await?;
    tell(transaction, IMPORTED_KEY, &[&new.key.id]).await
}

async fn prove(
    transaction: &mut Transaction,
    id: &str,
    digest: &ApiKeyDigest,
    event: &AuditEvent,
) -> Result<bool, StoreError> {
    let update = "UPDATE imported_keys SET lookup = NULL, hash = NULL \
         WHERE api_key = ?1 AND (lookup IS NOT NULL OR hash IS NOT NULL) RETURNING api_key";
    if transaction.run(query(update).bind(id)).await?.is_empty() {
        return Ok(false);
    }
    let update = query("UPDATE api_keys SET digest = ?2 WHERE id = ?1");
    transaction.run(update.bind(id).bind(digest.as_bytes().as_slice())).await?;
    audit::insert(transaction, event).await?;
    tell(transaction, API_KEY, &[id]).await?;
    tell(transaction, IMPORTED_KEY, &[id]).await?;
    Ok(true)
}

fn select_lookups(lookups: &[[u8; 32]]) -> Statement {
    let select = "SELECT api_key FROM imported_keys WHERE lookup IN (SELECT unhex(value) FROM json_each(?1)) LIMIT 1";
    query(select).bind(json_list(lookups.iter().map(keys::hex)))
}

fn hashed(row: &SqliteRow) -> Result<HashedKey, StoreError> {
    let hash = PasswordHash(column(row, "hash")?);
    Ok(HashedKey { id: column(row, "api_key")?, begins: column(row, "begins")?, hash })
}
