//! The audit log: each event is written in the transaction of the change that it tells of.

use keyward_core::digest::MacKey;
use keyward_core::time::Timestamp;
use keyward_engine::audit::AuditEvent;
use keyward_engine::chain::{self, AuditHead, AuditRecord, BEGINNING, Seal};
use keyward_engine::ports::{AuditFilter, AuditState, StoreError};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::keys::hex;
use super::rows::{bytes, column, first, position};
use super::transaction::{Statement, Transaction};

/// Writes an event. Whoever changes something calls this before the feed's head moves, in the same transaction.
pub(super) async fn insert(transaction: &mut Transaction, event: &AuditEvent) -> Result<(), StoreError> {
    let insert = "INSERT INTO audit (at, actor, action, subject, client, decision, detail) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let detail = event.detail.iter().map(|(name, value)| ((*name).to_owned(), serde_json::Value::from(&**value)));
    let statement = query(insert)
        .bind(event.at.as_millis())
        .bind(&*event.actor)
        .bind(event.action.as_str())
        .bind(&*event.subject)
        .bind(event.client.map(|client| client.to_canonical().to_string()))
        .bind(event.decision.map(|decision| decision.to_string()))
        .bind(serde_json::Value::Object(detail.collect()).to_string());
    transaction.run(statement).await.map(drop)
}

/// Records, newest first.
pub(super) fn select_page(filter: &AuditFilter) -> Statement {
    query(
        "SELECT * FROM audit WHERE (?1 IS NULL OR actor = ?1) AND (?2 IS NULL OR action = ?2) \
         AND (?3 IS NULL OR subject = ?3) AND (?4 IS NULL OR at >= ?4) AND (?5 IS NULL OR at <= ?5) AND seq < ?6 \
         ORDER BY seq DESC LIMIT ?7",
    )
    .bind(filter.actor.as_deref())
    .bind(filter.action.as_deref())
    .bind(filter.subject.as_deref())
    .bind(filter.since.map(Timestamp::as_millis))
    .bind(filter.until.map(Timestamp::as_millis))
    .bind(filter.before.map_or(i64::MAX, stored))
    .bind(filter.limit)
}

/// Records after a number, in order.
pub(super) fn select_after(seq: u64, limit: u32) -> Statement {
    query("SELECT * FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2").bind(stored(seq)).bind(limit)
}

/// The last record before all that are of a time or later, if it and all before it are sealed.
pub(super) fn select_before(at: Timestamp) -> Statement {
    query(
        "SELECT seq, seal FROM audit WHERE seq < coalesce((SELECT min(seq) FROM audit WHERE at >= ?1), ?2) \
         AND seq < coalesce((SELECT min(seq) FROM audit WHERE seal IS NULL), ?2) ORDER BY seq DESC LIMIT 1",
    )
    .bind(at.as_millis())
    .bind(i64::MAX)
}

/// Number and seal of a sealed record.
pub(super) fn head(row: &SqliteRow) -> Result<AuditHead, StoreError> {
    Ok(AuditHead { seq: number(row, "seq")?, mac: bytes(row, "seal")? })
}

/// Deletes sealed records up to a number, the oldest first.
pub(super) fn forget(up_to: u64, limit: u32) -> Statement {
    query(
        "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE seq <= ?1 AND seal IS NOT NULL ORDER BY seq \
         LIMIT ?2) RETURNING seq",
    )
    .bind(stored(up_to))
    .bind(limit)
}

/// The oldest records without a seal.
pub(super) fn select_unsealed(limit: u32) -> Statement {
    query("SELECT * FROM audit WHERE seal IS NULL ORDER BY seq LIMIT ?1").bind(limit)
}

/// How far the log has come.
pub(super) fn select_state() -> Statement {
    query(
        "SELECT (SELECT coalesce(max(seq), 0) FROM audit) AS last, \
         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0) AS given, \
         s.seq, s.seal FROM (SELECT 1) LEFT JOIN audit s \
         ON s.seq = (SELECT seq FROM audit WHERE seal IS NOT NULL ORDER BY seq DESC LIMIT 1)",
    )
}

/// Reads what [`select_state`] found.
pub(super) fn read_state(rows: &[SqliteRow]) -> Result<AuditState, StoreError> {
    let row = first(rows)?;
    let head = match column::<Option<i64>>(row, "seq")? {
        None => None,
        // A seal of another length is found by the walk over all records.
        Some(seq) => Some(AuditHead { seq: position(seq)?, mac: bytes(row, "seal").unwrap_or_default() }),
    };
    Ok(AuditState { head, last: number(row, "last")?, given: number(row, "given")? })
}

/// Seals records in order, each after the one before it.
pub(super) async fn seal(transaction: &mut Transaction, key: &MacKey, limit: u32) -> Result<u64, StoreError> {
    let rows = transaction.run(select_unsealed(limit)).await?;
    let head = read_state(&transaction.run(select_state()).await?)?.head;
    let mut previous = head.map_or(BEGINNING, |head| head.mac);
    let mut sealed = Vec::with_capacity(rows.len());
    for row in &rows {
        let record = record(row)?;
        let seal = chain::seal(key, &record, previous);
        sealed.push(serde_json::json!([record.seq, seal.key_id, hex(&previous), hex(&seal.mac)]));
        previous = seal.mac;
    }
    let update = "UPDATE audit SET key_id = made.value ->> 1, previous = unhex(made.value ->> 2), \
         seal = unhex(made.value ->> 3) FROM json_each(?1) made WHERE seq = made.value ->> 0";
    let count = u64::try_from(sealed.len()).unwrap_or(u64::MAX);
    transaction.run(query(update).bind(serde_json::Value::Array(sealed).to_string())).await?;
    Ok(count)
}

/// The records in rows, with their numbers; nothing where one cannot be read.
pub(super) fn numbered(rows: &[SqliteRow]) -> Result<Vec<(u64, Option<AuditRecord>)>, StoreError> {
    rows.iter().map(|row| Ok((number(row, "seq")?, record(row).ok()))).collect()
}

/// The record in a row.
fn record(row: &SqliteRow) -> Result<AuditRecord, StoreError> {
    let seal = match column::<Option<&[u8]>>(row, "seal")? {
        None => None,
        Some(_) => {
            let (previous, mac) = (bytes(row, "previous")?, bytes(row, "seal")?);
            Some(Seal { key_id: column(row, "key_id")?, previous, mac })
        }
    };
    Ok(AuditRecord {
        seq: number(row, "seq")?,
        at: Timestamp::from_millis(column(row, "at")?),
        actor: column(row, "actor")?,
        action: column(row, "action")?,
        subject: column(row, "subject")?,
        client: column(row, "client")?,
        decision: column(row, "decision")?,
        detail: column(row, "detail")?,
        seal,
    })
}

/// A number of a record.
fn number(row: &SqliteRow, name: &'static str) -> Result<u64, StoreError> {
    position(column(row, name)?)
}

fn stored(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
