//! What quotas that outlive a crash may have admitted: written ahead, given back, let go when a window is over.

use std::collections::HashMap;

use keyward_core::time::Timestamp;
use keyward_engine::ports::{Reserve, Reserved, StoreError, Unused};
use serde_json::{Value, json};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::rows::{column, time, unreadable};
use super::transaction::{Statement, Transaction};

/// How many windows that are over are let go with one write.
const LET_GO: u32 = 256;

/// A limit and a subject of it.
type Place<'a> = (u64, &'a str);

/// What is written of a list, in its order.
pub(super) fn select<'a>(places: impl Iterator<Item = Place<'a>>) -> Statement {
    let select = "SELECT r.ends_at, r.upto FROM json_each(?1) asked \
         LEFT JOIN reserves r ON r.limit_id = asked.value ->> 0 AND r.subject = asked.value ->> 1 \
         ORDER BY asked.key";
    query(select).bind(list(places.map(|(limit, subject)| json!([limit.cast_signed(), subject]))))
}

/// Reads what [`select`] found.
pub(super) fn kept(row: &SqliteRow) -> Result<Option<(Timestamp, u32)>, StoreError> {
    let Some(ends_at) = time(row, "ends_at")? else { return Ok(None) };
    let upto = u32::try_from(column::<i64>(row, "upto")?).map_err(|_| unreadable("upto"))?;
    Ok(Some((ends_at, upto)))
}

/// Writes ahead.
pub(super) async fn write(transaction: &mut Transaction, reserves: &[Reserve]) -> Result<Vec<Reserved>, StoreError> {
    let Some(now) = reserves.iter().map(|reserve| reserve.now).max() else { return Ok(Vec::new()) };
    let rows = transaction.run(select(reserves.iter().map(place))).await?;
    let mut known: HashMap<Place<'_>, (Timestamp, u32)> = HashMap::new();
    let mut answers = Vec::with_capacity(reserves.len());
    for (reserve, row) in reserves.iter().zip(&rows) {
        // The same may be asked for twice.
        let before = known.get(&place(reserve)).copied().map_or_else(|| kept(row), |known| Ok(Some(known)))?;
        let reserved = reserve.after(before);
        known.insert(place(reserve), (reserved.ends_at, reserved.upto));
        answers.push(reserved);
    }
    let write = "INSERT INTO reserves (limit_id, subject, ends_at, upto) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1) WHERE true \
         ON CONFLICT DO UPDATE SET ends_at = excluded.ends_at, upto = excluded.upto";
    let values = known
        .iter()
        .map(|((limit, subject), (ends_at, upto))| json!([limit.cast_signed(), subject, ends_at.as_millis(), upto]));
    transaction.run(query(write).bind(list(values))).await?;
    let over = "DELETE FROM reserves WHERE (limit_id, subject) IN \
         (SELECT limit_id, subject FROM reserves WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2)";
    transaction.run(query(over).bind(now.as_millis()).bind(LET_GO)).await?;
    Ok(answers)
}

/// Gives back what was not used of windows that are still the same.
pub(super) fn give_back(unused: &[Unused]) -> Statement {
    let update = "UPDATE reserves SET upto = used.upto FROM ( \
           SELECT value ->> 0 AS limit_id, value ->> 1 AS subject, value ->> 2 AS ends_at, value ->> 3 AS upto \
           FROM json_each(?1) \
         ) used WHERE reserves.limit_id = used.limit_id AND reserves.subject = used.subject \
           AND reserves.ends_at = used.ends_at AND reserves.upto > used.upto";
    let values =
        unused.iter().map(|one| json!([one.limit.cast_signed(), *one.subject, one.ends_at.as_millis(), one.used]));
    query(update).bind(list(values))
}

fn place(reserve: &Reserve) -> Place<'_> {
    (reserve.limit, &reserve.subject)
}

fn list(values: impl Iterator<Item = Value>) -> String {
    Value::Array(values.collect()).to_string()
}
