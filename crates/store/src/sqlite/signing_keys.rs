//! Signing keys: kept with their private halves sealed.

use keyward_core::algorithm::Algorithm;
use keyward_core::time::Timestamp;
use keyward_engine::audit::AuditEvent;
use keyward_engine::people::Changed;
use keyward_engine::ports::{FeedHead, StoreError};
use keyward_engine::signing::SigningKeyRecord;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, query};

use super::audit;
use super::feed::{SIGNING_KEY, stand, tell};
use super::rows::{column, time, unreadable};
use super::transaction::{Statement, Transaction};

/// Every key of an algorithm that this version knows, oldest first.
pub(super) fn select_all() -> Statement {
    let select = "SELECT * FROM signing_keys WHERE algorithm IN (?1, ?2, ?3, ?4) ORDER BY created_at, id";
    Algorithm::ALL.iter().fold(query(select), |select, algorithm| select.bind(algorithm.name()))
}

/// The key in a row of [`select_all`].
pub(super) fn record(row: &SqliteRow) -> Result<SigningKeyRecord, StoreError> {
    let created_at = time(row, "created_at")?.ok_or_else(|| unreadable("created_at"))?;
    // A backup may be of a version that knew no such time.
    let has_active = row.columns().iter().any(|column| column.name() == "active_at");
    Ok(SigningKeyRecord {
        id: column(row, "id")?,
        algorithm: Algorithm::parse(column(row, "algorithm")?).ok_or_else(|| unreadable("algorithm"))?,
        public: column::<Option<&[u8]>>(row, "public")?.map(Into::into),
        sealed: column::<&[u8]>(row, "sealed")?.into(),
        created_at,
        active_at: if has_active { time(row, "active_at")?.unwrap_or(created_at) } else { created_at },
        retired_at: time(row, "retired_at")?,
    })
}

/// Keeps a key and tells the feed.
pub(super) async fn insert(
    transaction: &mut Transaction,
    key: &SigningKeyRecord,
    event: &AuditEvent,
) -> Result<FeedHead, StoreError> {
    let insert = "INSERT INTO signing_keys (id, algorithm, public, sealed, created_at, retired_at, active_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let insert = query(insert)
        .bind(&*key.id)
        .bind(key.algorithm.name())
        .bind(key.public.as_deref())
        .bind(&*key.sealed)
        .bind(key.created_at.as_millis())
        .bind(key.retired_at.map(Timestamp::as_millis))
        .bind(key.active_at.as_millis());
    transaction.run(insert).await?;
    audit::insert(transaction, event).await?;
    tell(transaction, SIGNING_KEY, &[&key.id]).await
}

/// Takes a key out of those that count, and tells the feed.
pub(super) async fn retire(
    transaction: &mut Transaction,
    id: &str,
    at: Timestamp,
    event: &AuditEvent,
) -> Result<Changed<SigningKeyRecord>, StoreError> {
    let rows = transaction.run(select_all()).await?;
    let kept = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    let Some(mut key) = kept.into_iter().find(|key| *key.id == *id) else { return Ok(Changed::NotFound) };
    if key.retired_at.is_some() {
        return Ok(Changed::Done(stand(transaction).await?, key));
    }
    key.retired_at = Some(at);
    let update = query("UPDATE signing_keys SET retired_at = ?2 WHERE id = ?1");
    transaction.run(update.bind(id).bind(at.as_millis())).await?;
    audit::insert(transaction, event).await?;
    Ok(Changed::Done(tell(transaction, SIGNING_KEY, &[id]).await?, key))
}
