//! API keys: how they are found, listed, kept and changed.

use std::collections::HashMap;
use std::fmt::Write as _;

use keyward_core::api_key::ApiKeyRecord;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::limit::Budget;
use keyward_engine::audit::AuditEvent;
use keyward_engine::change::KeyChange;
use keyward_engine::ports::{FeedHead, Found, Joined, Metadata, Outcome, StoreError, Use};
use keyward_engine::version::Expected;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::feed::{API_KEY, stand, tell};
use super::many::Many;
use super::rows::{bind_key, column, first, head, joined, joined_columns, joins, json_list, kept};
use super::transaction::{Statement, Transaction};
use super::{audit, overlaps};

/// The head, and each key of a list of digests: one statement, so one snapshot; one value, so any number of digests.
pub(super) fn select_digests(digests: &[ApiKeyDigest]) -> Statement {
    const SELECT: &str = concat!(
        "SELECT h.epoch, h.position AS head, ",
        joined_columns!(),
        " FROM feed_head h LEFT JOIN api_keys k ON k.digest IN (SELECT unhex(value) FROM json_each(?1))",
        joins!()
    );
    query(SELECT).bind(json_list(digests.iter().map(|digest| hex(digest.as_bytes()))))
}

/// Reads what [`select_digests`] found, in the order of the digests.
pub(super) fn read_found(digests: &[ApiKeyDigest], rows: &[SqliteRow]) -> Result<Found, StoreError> {
    let head = head(first(rows)?)?;
    let mut known = HashMap::with_capacity(rows.len());
    for row in rows {
        if let Some(joined) = joined(row)? {
            known.insert(joined.key.digest, joined);
        }
    }
    Ok(Found { head, keys: digests.iter().map(|digest| known.get(digest).cloned()).collect() })
}

/// One key, of one owner where given.
pub(super) fn select_id(id: &str, owner: Option<&str>) -> Statement {
    const SELECT: &str = concat!(
        "SELECT ",
        joined_columns!(),
        ", k.metadata FROM api_keys k",
        joins!(),
        " WHERE k.id = ?1 AND (?2 IS NULL OR k.owner = ?2)"
    );
    query(SELECT).bind(id).bind(owner)
}

/// Reads rows that each hold a key with all that is kept.
pub(super) fn read_all(rows: &[SqliteRow]) -> Result<Vec<Joined>, StoreError> {
    rows.iter().filter_map(|row| kept(row).transpose()).collect()
}

/// Keeps a new key, with what operators keep beside it, and tells the feed.
pub(super) async fn insert(
    transaction: &mut Transaction,
    key: &ApiKeyRecord,
    metadata: &Metadata,
    event: &AuditEvent,
) -> Result<FeedHead, StoreError> {
    keep(transaction, key).await?;
    if !metadata.is_empty() {
        transaction.run(set_metadata(&key.id, metadata)?).await?;
    }
    audit::insert(transaction, event).await?;
    tell(transaction, API_KEY, &[&key.id]).await
}

/// Applies a change, if key and state allow it, and tells the feed.
pub(super) async fn change(
    transaction: &mut Transaction,
    (id, owner): (&str, Option<&str>),
    expected: &Expected,
    change: &KeyChange,
    event: &AuditEvent,
) -> Result<Option<Outcome>, StoreError> {
    let Some(mut joined) = load(transaction, id, owner).await? else {
        return Ok(Some(Outcome::NotFound));
    };
    if !expected.holds(joined.version()) {
        return Ok(None);
    }
    let head = match change.apply(&mut joined.key) {
        Err(refusal) => return Ok(Some(Outcome::Refused(refusal))),
        Ok(false) => stand(transaction).await?,
        Ok(true) => {
            if let KeyChange::Budget(budget) = change {
                if joined.budget == *budget {
                    return Ok(Some(Outcome::Done(stand(transaction).await?, Box::new(joined))));
                }
                joined.budget = *budget;
                let head = set_budget(transaction, joined.key.first_in_line(), *budget, event).await?;
                return Ok(Some(Outcome::Done(head, Box::new(joined))));
            }
            if let KeyChange::Metadata(metadata) = change {
                if joined.metadata == *metadata {
                    return Ok(Some(Outcome::Done(stand(transaction).await?, Box::new(joined))));
                }
                transaction.run(set_metadata(id, metadata)?).await?;
                joined.metadata.clone_from(metadata);
            }
            overwrite(transaction, &joined.key).await?;
            audit::insert(transaction, event).await?;
            tell(transaction, API_KEY, &[id]).await?
        }
    };
    Ok(Some(Outcome::Done(head, Box::new(joined))))
}

/// Keeps this beside a key, in place of what was.
fn set_metadata(id: &str, metadata: &Metadata) -> Result<Statement, StoreError> {
    let text = serde_json::to_string(metadata).map_err(|error| StoreError::Other(error.to_string()))?;
    Ok(query("UPDATE api_keys SET metadata = ?2 WHERE id = ?1").bind(id).bind(text))
}

/// Gives a line of keys another budget, and tells of every key in it.
async fn set_budget(
    transaction: &mut Transaction,
    line: &str,
    budget: Option<Budget>,
    event: &AuditEvent,
) -> Result<FeedHead, StoreError> {
    let write = match budget {
        Some(budget) => query(
            "INSERT INTO key_budgets (line, budget) VALUES (?1, ?2) ON CONFLICT (line) DO UPDATE SET budget = excluded.budget",
        )
        .bind(line)
        .bind(budget.to_string()),
        None => query("DELETE FROM key_budgets WHERE line = ?1").bind(line),
    };
    transaction.run(write).await?;
    audit::insert(transaction, event).await?;
    let select = query("SELECT id FROM api_keys WHERE id = ?1 OR line = ?1").bind(line);
    let rows = transaction.run(select).await?;
    let ids = rows.iter().map(|row| column(row, "id")).collect::<Result<Vec<Box<str>>, _>>()?;
    tell(transaction, API_KEY, &ids.iter().map(AsRef::as_ref).collect::<Vec<&str>>()).await
}

/// Keeps a successor and ends the key that it replaces. The answer holds the old key.
pub(super) async fn rotate(
    transaction: &mut Transaction,
    owner: Option<&str>,
    change: &KeyChange,
    successor: &ApiKeyRecord,
    event: &AuditEvent,
) -> Result<Outcome, StoreError> {
    let Some(id) = successor.replaces.as_deref() else {
        return Ok(Outcome::NotFound);
    };
    let Some(mut joined) = load(transaction, id, owner).await? else {
        return Ok(Outcome::NotFound);
    };
    if let Err(refusal) = change.apply(&mut joined.key) {
        return Ok(Outcome::Refused(refusal));
    }
    overwrite(transaction, &joined.key).await?;
    // Its owner may have come to another account since the old key was read.
    let account = joined.key.account.clone();
    keep(transaction, &ApiKeyRecord { account, ..successor.clone() }).await?;
    if !joined.metadata.is_empty() {
        transaction.run(set_metadata(&successor.id, &joined.metadata)?).await?;
    }
    if let KeyChange::Replace { at, quiet: Some(quiet), .. } = change {
        transaction.run(overlaps::begin(id, *at, *quiet)).await?;
    }
    audit::insert(transaction, event).await?;
    let head = tell(transaction, API_KEY, &[id, &successor.id]).await?;
    Ok(Outcome::Done(head, Box::new(joined)))
}

/// Notes when keys were last used.
pub(super) async fn note_uses(transaction: &mut Transaction, uses: &[&Use]) -> Result<(), StoreError> {
    NOTE_USES.run(transaction, uses, |note, used| note.bind(&*used.id).bind(used.at.as_millis())).await
}

const NOTE_USES: Many = Many {
    before: "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, used.at), used.at) \
         FROM (SELECT column1 AS api_key, max(column2) AS at FROM (",
    columns: 2,
    after: ") GROUP BY 1) used WHERE id = used.api_key",
};

async fn load(transaction: &mut Transaction, id: &str, owner: Option<&str>) -> Result<Option<Joined>, StoreError> {
    transaction.run(select_id(id, owner)).await?.first().map_or(Ok(None), kept)
}

pub(super) async fn keep(transaction: &mut Transaction, key: &ApiKeyRecord) -> Result<(), StoreError> {
    let insert = "INSERT INTO api_keys (id, owner, account, name, prefix, digest, mode, scopes, allowed_ips, \
           external_id, created_at, expires_at, last_used_at, disabled_at, revoked_at, revoked_reason, replaces, \
           overlap_ends_at, line, secret) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";
    transaction.run(bind_key(query(insert), key)).await.map(drop)
}

async fn overwrite(transaction: &mut Transaction, key: &ApiKeyRecord) -> Result<(), StoreError> {
    let update = "UPDATE api_keys SET owner = ?2, account = ?3, name = ?4, prefix = ?5, digest = ?6, mode = ?7, \
           scopes = ?8, allowed_ips = ?9, external_id = ?10, created_at = ?11, expires_at = ?12, last_used_at = ?13, \
           disabled_at = ?14, revoked_at = ?15, revoked_reason = ?16, replaces = ?17, overlap_ends_at = ?18, \
           line = ?19, secret = ?20 \
         WHERE id = ?1";
    transaction.run(bind_key(query(update), key)).await.map(drop)
}

/// A digest as text, because JSON holds no bytes.
pub(super) fn hex(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
