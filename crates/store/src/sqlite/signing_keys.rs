//! Signing keys: kept with their private halves sealed.

use keyward_core::algorithm::Algorithm;
use keyward_engine::audit::AuditEvent;
use keyward_engine::ports::{FeedHead, StoreError};
use keyward_engine::signing::SigningKeyRecord;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::audit;
use super::feed::{SIGNING_KEY, tell};
use super::rows::{column, time, unreadable};
use super::transaction::{Statement, Transaction};

/// Every key of an algorithm that this version knows, oldest first.
pub(super) fn select_all() -> Statement {
    let select = "SELECT id, algorithm, public, sealed, created_at, retired_at FROM signing_keys \
         WHERE algorithm IN (?1, ?2, ?3, ?4) ORDER BY created_at, id";
    Algorithm::ALL.iter().fold(query(select), |select, algorithm| select.bind(algorithm.name()))
}

/// The key in a row of [`select_all`].
pub(super) fn record(row: &SqliteRow) -> Result<SigningKeyRecord, StoreError> {
    Ok(SigningKeyRecord {
        id: column(row, "id")?,
        algorithm: Algorithm::parse(column(row, "algorithm")?).ok_or_else(|| unreadable("algorithm"))?,
        public: column::<Option<&[u8]>>(row, "public")?.map(Into::into),
        sealed: column::<&[u8]>(row, "sealed")?.into(),
        created_at: time(row, "created_at")?.ok_or_else(|| unreadable("created_at"))?,
        retired_at: time(row, "retired_at")?,
    })
}

/// Keeps a key and tells the feed.
pub(super) async fn insert(
    transaction: &mut Transaction,
    key: &SigningKeyRecord,
    event: &AuditEvent,
) -> Result<FeedHead, StoreError> {
    let insert = "INSERT INTO signing_keys (id, algorithm, public, sealed, created_at, retired_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let insert = query(insert)
        .bind(&*key.id)
        .bind(key.algorithm.name())
        .bind(key.public.as_deref())
        .bind(&*key.sealed)
        .bind(key.created_at.as_millis())
        .bind(key.retired_at.map(keyward_core::time::Timestamp::as_millis));
    transaction.run(insert).await?;
    audit::insert(transaction, event).await?;
    tell(transaction, SIGNING_KEY, &[&key.id]).await
}
