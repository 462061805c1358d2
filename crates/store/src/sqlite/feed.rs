//! The feed of changes: written with each change, read by every node.

use keyward_engine::audit::AuditEvent;
use keyward_engine::ports::{Change, Changes, FeedHead, StoreError};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::audit;
use super::rows::{column, first, head, joined, joined_columns, joins, json_list, position};
use super::transaction::{Statement, Transaction};

/// How many changes are kept. A node further behind drops its memory, which costs less than reading more of them.
pub(super) const KEPT: i64 = 10_000;

/// Kinds of changes. A version that does not know one drops its memory when it meets it.
pub(super) const API_KEY: &str = "api_key";
pub(super) const USER: &str = "user";
pub(super) const ACCOUNT: &str = "account";
pub(super) const SESSION: &str = "session";
pub(super) const SIGNING_KEY: &str = "signing_key";
pub(super) const IMPORTED_KEY: &str = "imported_key";

/// Appends changes of one kind, and then moves the head: the last statement before the commit.
pub(super) async fn tell(
    transaction: &mut Transaction,
    kind: &'static str,
    ids: &[&str],
) -> Result<FeedHead, StoreError> {
    let append = "INSERT INTO feed (position, kind, subject) \
         SELECT h.position + 1 + each.key, ?2, each.value FROM feed_head h, json_each(?1) each";
    transaction.run(query(append).bind(json_list(ids)).bind(kind)).await?;
    let prune = "DELETE FROM feed WHERE position <= (SELECT max(position) FROM feed) - ?1";
    transaction.run(query(prune).bind(KEPT)).await?;
    let move_head = "UPDATE feed_head SET position = (SELECT max(position) FROM feed) \
         RETURNING epoch, position AS head";
    head(first(&transaction.run(query(move_head)).await?)?)
}

/// Where the feed stands for a transaction that adds nothing.
pub(super) async fn stand(transaction: &mut Transaction) -> Result<FeedHead, StoreError> {
    head(first(&transaction.run(query("SELECT epoch, position AS head FROM feed_head")).await?)?)
}

/// Begins another epoch at the same place: whoever stands in the old one has lost its place.
pub(super) async fn begin_epoch(
    transaction: &mut Transaction,
    epoch: u64,
    event: &AuditEvent,
) -> Result<FeedHead, StoreError> {
    audit::insert(transaction, event).await?;
    let begin = query("UPDATE feed_head SET epoch = ?1 RETURNING epoch, position AS head");
    head(first(&transaction.run(begin.bind(epoch.cast_signed())).await?)?)
}

/// The head, and each change after a place with the record as it is now: one statement, so one snapshot.
pub(super) fn select_changes(after: FeedHead) -> Statement {
    const SELECT: &str = concat!(
        "SELECT h.epoch, h.position AS head, f.position AS place, f.kind, f.subject, ",
        joined_columns!(),
        ", i.lookup IS NULL AND i.hash IS NULL AS proven \
         FROM feed_head h LEFT JOIN feed f ON h.epoch = ?1 AND f.position > ?2 \
         LEFT JOIN api_keys k ON f.kind IN ('api_key', 'imported_key') AND k.id = f.subject \
         LEFT JOIN imported_keys i ON f.kind = 'imported_key' AND i.api_key = f.subject",
        joins!(),
        " ORDER BY f.position"
    );
    let position = i64::try_from(after.position).unwrap_or(i64::MAX);
    query(SELECT).bind(after.epoch.cast_signed()).bind(position)
}

/// Reads what [`select_changes`] found.
pub(super) fn read_changes(after: FeedHead, rows: &[SqliteRow]) -> Result<Changes, StoreError> {
    let head = head(first(rows)?)?;
    let changes = rows.iter().filter_map(|row| change(row).transpose()).collect::<Result<Vec<_>, _>>()?;
    // Positions have no gaps: fewer changes than positions means that some were pruned.
    let missed = head.position.checked_sub(after.position).filter(|_| head.epoch == after.epoch);
    if missed.and_then(|missed| usize::try_from(missed).ok()) == Some(changes.len()) {
        Ok(Changes { head, changes, lost: false })
    } else {
        Ok(Changes { head, changes: Vec::new(), lost: true })
    }
}

fn change(row: &SqliteRow) -> Result<Option<Change>, StoreError> {
    let Some(place) = column(row, "place")? else {
        return Ok(None);
    };
    let place = position(place)?;
    Ok(Some(match (column(row, "kind")?, joined(row)?) {
        (API_KEY, Some(joined)) => Change::ApiKey(place, Box::new(joined)),
        (USER | ACCOUNT | SESSION, _) => Change::Ancestor(place, column(row, "subject")?),
        (IMPORTED_KEY, Some(joined)) => {
            Change::ImportedKey(place, column::<bool>(row, "proven")?.then_some(joined.key.digest))
        }
        (SIGNING_KEY, _) => Change::SigningKeys(place),
        _ => Change::Unknown(place),
    }))
}
