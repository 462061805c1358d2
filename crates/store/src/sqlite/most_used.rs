//! Who came most: of each hour that is over its first fifty are noted, so that of a month only those are summed up and not all
//! that there are. Sums are exact; who was among the first of no hour is not found.

use keyward_engine::decisions::{UsedBy, UsersFilter};
use keyward_engine::ports::StoreError;
use serde_json::{Value, json};
use sqlx::query;

use super::decisions::{SqliteDecisions, number};
use super::rows::{column, first};
use super::usage::hour;

/// So many more than are asked for are summed up.
const MORE: u32 = 2;
/// For how long notes stay, in hours: a little more than a month.
const KEPT: i64 = 32 * 24;
const HOUR: i64 = 3_600_000;

/// Notes the first of the oldest hour that is over and not noted; whether there may be more. An hour is over once a later one has
/// usage: until then it is looked at as it is.
pub(super) async fn note(decisions: &SqliteDecisions) -> Result<bool, StoreError> {
    let select = "SELECT min(hour) AS hour, (SELECT max(hour) FROM usage) AS last FROM usage \
         WHERE hour > max(coalesce((SELECT max(hour) FROM most_used), -1), (SELECT max(hour) FROM usage) - ?1)";
    let rows = decisions.read(query(select).bind(KEPT * HOUR)).await?;
    let (next, last): (Option<i64>, Option<i64>) = (column(first(&rows)?, "hour")?, column(first(&rows)?, "last")?);
    let (Some(next), Some(last)) = (next, last) else { return Ok(false) };
    if next >= last {
        return Ok(false);
    }
    let insert = "INSERT INTO most_used (hour, place, principal, credential, count) \
         SELECT ?1, row_number() OVER (), principal, credential, count FROM ( \
         SELECT principal, credential, sum(count) AS count FROM usage WHERE hour = ?1 AND credential <> '' \
         GROUP BY principal, credential ORDER BY 3 DESC LIMIT 50) \
         UNION ALL SELECT ?1, 0, '', '', 0"; // so that an hour of nobody is noted, too
    decisions
        .writer
        .write(async |transaction| {
            transaction.run(query(insert).bind(next)).await?;
            transaction.run(query("DELETE FROM most_used WHERE hour < ?1").bind(last - KEPT * HOUR)).await
        })
        .await?;
    Ok(true)
}

/// The credentials that most requests came with.
pub(super) async fn list(decisions: &SqliteDecisions, filter: &UsersFilter) -> Result<Vec<UsedBy>, StoreError> {
    let (since, until) = (hour(filter.since.as_millis()), hour(filter.until.as_millis()));
    let candidates = "SELECT principal, credential, sum(count) AS count FROM ( \
         SELECT principal, credential, count FROM most_used WHERE hour BETWEEN ?1 AND ?2 AND place > 0 UNION ALL \
         SELECT principal, credential, count FROM usage \
           WHERE hour BETWEEN max(?1, coalesce((SELECT max(hour) + 1 FROM most_used), 0)) AND ?2 AND credential <> '' \
         UNION ALL SELECT r.value ->> 1, r.value ->> 2, r.value ->> 5 FROM usage_waiting w, json_each(w.counts) r \
           WHERE r.value ->> 0 BETWEEN ?1 AND ?2 AND r.value ->> 2 <> '') \
         GROUP BY principal, credential ORDER BY 3 DESC, credential LIMIT ?3";
    let most = filter.limit.saturating_add(MORE);
    let rows = decisions.read(query(candidates).bind(since).bind(until).bind(most)).await?;
    let mut whose = Vec::with_capacity(rows.len());
    for row in &rows {
        let (principal, credential): (&str, &str) = (column(row, "principal")?, column(row, "credential")?);
        whose.push(json!([principal, credential]));
    }
    // Half of them by each reader.
    let (some, others) = whose.split_at(whose.len() / 2);
    let (some, others) = tokio::try_join!(sums(decisions, some, since, until), sums(decisions, others, since, until))?;
    let mut used = [some, others].concat();
    used.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.credential.cmp(&other.credential)));
    used.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    Ok(used)
}

/// What each of these, a principal and a credential, used in all hours from one to another.
async fn sums(decisions: &SqliteDecisions, whose: &[Value], since: i64, until: i64) -> Result<Vec<UsedBy>, StoreError> {
    let sums = "WITH RECURSIVE hours (hour) AS (SELECT max(?1, coalesce((SELECT min(hour) FROM usage), ?2)) \
         UNION ALL SELECT hour + 3600000 FROM hours WHERE hour < ?2), \
         whose (principal, credential) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(?3)) \
         SELECT principal, credential, sum(count) AS count FROM ( \
         SELECT u.principal, u.credential, u.count FROM hours CROSS JOIN whose w CROSS JOIN usage u \
           WHERE u.hour = hours.hour AND u.hour <= ?2 AND u.principal = w.principal AND u.credential = w.credential \
         UNION ALL SELECT r.value ->> 1, r.value ->> 2, r.value ->> 5 FROM usage_waiting x, json_each(x.counts) r \
           WHERE r.value ->> 0 BETWEEN ?1 AND ?2 AND (r.value ->> 1, r.value ->> 2) IN (SELECT principal, credential FROM whose)) \
         GROUP BY principal, credential";
    let whose = Value::from(whose).to_string();
    let rows = decisions.read(query(sums).bind(since).bind(until).bind(whose)).await?;
    let used = rows.iter().map(|row| {
        Ok(UsedBy {
            principal: column(row, "principal")?,
            credential: column(row, "credential")?,
            count: number(row, "count")?,
        })
    });
    used.collect()
}
