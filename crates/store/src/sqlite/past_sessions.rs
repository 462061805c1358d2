//! What of sessions is past: which refresh tokens and sessions by cookie nobody can carry on any more, and how they are let go.

use keyward_core::time::Timestamp;
use keyward_engine::ports::StoreError;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::rows::{column, json_list};
use super::transaction::{Statement, Transaction};

/// The digests of refresh tokens whose time ended before a moment, in hexadecimal.
pub(super) fn select_tokens(before: Timestamp, limit: u32) -> Statement {
    query("SELECT hex(digest) AS past FROM refresh_tokens WHERE expires_at < ?1 LIMIT ?2")
        .bind(before.as_millis())
        .bind(limit)
}

/// The ids of sessions by cookie that began before a moment.
pub(super) fn select_cookies(before: Timestamp, limit: u32) -> Statement {
    query("SELECT id AS past FROM sessions WHERE cookie IS NOT NULL AND created_at < ?1 LIMIT ?2")
        .bind(before.as_millis())
        .bind(limit)
}

/// What is past in the rows of either.
pub(super) fn read(rows: &[SqliteRow]) -> Result<Vec<Box<str>>, StoreError> {
    rows.iter().map(|row| column(row, "past")).collect()
}

/// Deletes refresh tokens, those of their sessions that have none left, and sessions by cookie.
pub(super) async fn forget(
    transaction: &mut Transaction,
    digests: &[Box<str>],
    cookies: Vec<Box<str>>,
) -> Result<u64, StoreError> {
    let tokens =
        "DELETE FROM refresh_tokens WHERE digest IN (SELECT unhex(value) FROM json_each(?1)) RETURNING session";
    let rows = transaction.run(query(tokens).bind(json_list(digests))).await?;
    let gone = rows.len() + cookies.len();
    let mut over = cookies;
    for row in &rows {
        over.push(column(row, "session")?);
    }
    let sessions = "DELETE FROM sessions WHERE id IN (SELECT value FROM json_each(?1)) \
         AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.session = sessions.id)";
    transaction.run(query(sessions).bind(json_list(&over))).await?;
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}
