//! Overlaps of keys that were replaced: which end once the key is quiet, and who still uses it.

use std::collections::BTreeSet;
use std::time::Duration;

use keyward_core::time::Timestamp;
use keyward_engine::ports::{Overlap, StoreError, Use};
use keyward_engine::sightings::{KEPT, Seen, Sighting};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::many::Many;
use super::rows::{column, time, unreadable};
use super::transaction::{Statement, Transaction};

/// The overlap of a key ends once it is quiet.
pub(super) fn begin(id: &str, since: Timestamp, quiet: Duration) -> Statement {
    let quiet = i64::try_from(quiet.as_millis()).unwrap_or(i64::MAX);
    query("INSERT INTO key_overlaps (api_key, since, quiet) VALUES (?1, ?2, ?3)")
        .bind(id)
        .bind(since.as_millis())
        .bind(quiet)
}

/// How long a key must be quiet, in one row for each of who used it, or in one alone.
pub(super) fn select(id: &str) -> Statement {
    let select = "SELECT o.quiet, s.client, s.agent, s.route, s.last_at FROM (SELECT ?1 AS id) one \
         LEFT JOIN key_overlaps o ON o.api_key = one.id LEFT JOIN key_sightings s ON s.api_key = one.id \
         ORDER BY s.last_at DESC, s.client, s.agent, s.route";
    query(select).bind(id)
}

/// Reads what [`select`] found.
pub(super) fn read(rows: &[SqliteRow]) -> Result<Overlap, StoreError> {
    let mut overlap = Overlap::default();
    for row in rows {
        let quiet = column::<Option<i64>>(row, "quiet")?;
        overlap.quiet = quiet.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or_default()));
        if let Some(client) = column::<Option<Box<str>>>(row, "client")? {
            overlap.seen.push(Sighting {
                client,
                agent: column(row, "agent")?,
                route: column(row, "route")?,
                last_at: time(row, "last_at")?.ok_or_else(|| unreadable("last_at"))?,
            });
        }
    }
    Ok(overlap)
}

/// Keys that were quiet for long enough at a time.
pub(super) fn select_quiet(at: Timestamp) -> Statement {
    let select = "SELECT k.id FROM key_overlaps o JOIN api_keys k ON k.id = o.api_key \
         WHERE k.revoked_at IS NULL AND k.overlap_ends_at > ?1 AND max(coalesce(k.last_used_at, o.since), o.since) + o.quiet <= ?1 \
         LIMIT 1000";
    query(select).bind(at.as_millis())
}

/// Notes by whom keys were used, and lets go of those seen longest ago where they are too many.
pub(super) async fn note(transaction: &mut Transaction, uses: &[Use]) -> Result<(), StoreError> {
    let seen: Vec<(&Use, &Seen)> = uses.iter().filter_map(|used| Some((used, used.by.as_deref()?))).collect();
    if seen.is_empty() {
        return Ok(());
    }
    NOTE.run(transaction, &seen, |note, (used, seen)| {
        note.bind(&*used.id)
            .bind(seen.client.to_string())
            .bind(&*seen.agent)
            .bind(&*seen.route)
            .bind(used.at.as_millis())
    })
    .await?;
    let keys: BTreeSet<&str> = seen.iter().map(|(used, _)| &*used.id).collect();
    for key in keys {
        let forget = "DELETE FROM key_sightings WHERE api_key = ?1 AND (client, agent, route) NOT IN \
             (SELECT client, agent, route FROM key_sightings WHERE api_key = ?1 ORDER BY last_at DESC, client, agent, route LIMIT ?2)";
        transaction.run(query(forget).bind(key).bind(KEPT)).await?;
    }
    Ok(())
}

const NOTE: Many = Many {
    before: "INSERT INTO key_sightings (api_key, client, agent, route, last_at)",
    columns: 5,
    after: " ON CONFLICT (api_key, client, agent, route) DO UPDATE SET last_at = max(last_at, excluded.last_at)",
};
