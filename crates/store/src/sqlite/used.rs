//! What was used: rows by the hour, and sums for a chart of one key, user or account. What is asked for is met hour by hour in the table's own order, so
//! that nobody else's usage is read.

use std::collections::BTreeMap;

use keyward_core::time::Timestamp;
use keyward_engine::decisions::{Figures, RouteFigure, Usage, UsageFilter, UsedFilter};
use keyward_engine::ports::StoreError;
use serde_json::json;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::asking::Asking;
use super::decisions::{SqliteDecisions, number};
use super::rows::{column, first};
use super::usage::hour;

/// Rows of what waits, as those of the table are.
macro_rules! waiting {
    () => {
        " UNION ALL SELECT r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5 \
         FROM usage_waiting w, json_each(w.counts) r"
    };
}

/// The hours from ?1 to ?2 that the table may have.
macro_rules! hours {
    () => {
        "WITH RECURSIVE hours (hour) AS (SELECT max(?1, coalesce((SELECT min(hour) FROM usage), ?2)) \
         UNION ALL SELECT hour + 3600000 FROM hours WHERE hour < ?2)"
    };
}

/// Sums of whom a list names, for each of whom each hour is one look into the table; those that wait are few.
macro_rules! chart {
    ($more:literal) => {
        concat!(
            hours!(),
            ", whose (principal, credential) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(?4)) \
             SELECT hour - hour % ?3 AS at, route, outcome, sum(count) AS count FROM ( \
             SELECT u.hour, u.route, u.outcome, u.count FROM hours CROSS JOIN whose w CROSS JOIN usage u \
             WHERE u.hour = hours.hour AND u.hour <= ?2 AND u.principal = w.principal",
            $more,
            " UNION ALL SELECT u.hour, u.route, u.outcome, u.count FROM (SELECT r.value ->> 0 AS hour, r.value ->> 1 AS principal, \
             r.value ->> 2 AS credential, r.value ->> 3 AS route, r.value ->> 4 AS outcome, r.value ->> 5 AS count \
             FROM usage_waiting w, json_each(w.counts) r) u CROSS JOIN whose w \
             WHERE u.hour BETWEEN ?1 AND ?2 AND u.principal = w.principal",
            $more,
            ") GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
    };
}

/// Rows that fit, newest hour first.
pub(super) async fn rows(decisions: &SqliteDecisions, filter: &UsageFilter) -> Result<Vec<Usage>, StoreError> {
    if let Some(principal) = &filter.principal {
        return of_principal(decisions, filter, principal).await;
    }
    // Hours are taken one after the other, until there are enough.
    let since = hour(filter.since.as_millis());
    let mut until = hour(filter.until.as_millis());
    let most = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let (mut skip, mut found) = (filter.skip, Vec::new());
    while found.len() < most
        && let Some(hour) = last_hour(decisions, since, until).await?
    {
        for row in &decisions.read(of_hour(filter, hour).statement()).await? {
            if skip > 0 {
                skip -= 1;
            } else {
                found.push(usage(row)?);
            }
        }
        until = hour - 1;
    }
    found.truncate(most);
    Ok(found)
}

/// Of one principal: for each hour one look into the table.
async fn of_principal(
    decisions: &SqliteDecisions,
    filter: &UsageFilter,
    principal: &str,
) -> Result<Vec<Usage>, StoreError> {
    const SELECT: &str = concat!(
        hours!(),
        " SELECT hour, principal, credential, route, outcome, sum(count) AS count FROM ( \
         SELECT u.hour, u.principal, u.credential, u.route, u.outcome, u.count FROM hours CROSS JOIN usage u \
         WHERE u.hour = hours.hour AND u.hour <= ?2 AND u.principal = ?3",
        waiting!(),
        " WHERE r.value ->> 0 BETWEEN ?1 AND ?2 AND r.value ->> 1 = ?3) \
         WHERE (?4 IS NULL OR credential = ?4) AND (?5 IS NULL OR route = ?5) AND (?6 IS NULL OR outcome = ?6) \
         GROUP BY hour, principal, credential, route, outcome \
         ORDER BY hour DESC, principal, credential, route, outcome LIMIT ?7 OFFSET ?8"
    );
    let select = query(SELECT)
        .bind(hour(filter.since.as_millis()))
        .bind(hour(filter.until.as_millis()))
        .bind(principal)
        .bind(filter.credential.as_deref())
        .bind(filter.route.as_deref())
        .bind(filter.outcome.as_deref())
        .bind(filter.limit)
        .bind(filter.skip);
    decisions.read(select).await?.iter().map(usage).collect()
}

/// The last hour up to one that has any usage.
async fn last_hour(decisions: &SqliteDecisions, since: i64, until: i64) -> Result<Option<i64>, StoreError> {
    let select = "SELECT max(hour) AS hour FROM (SELECT max(hour) AS hour FROM usage WHERE hour BETWEEN ?1 AND ?2 UNION ALL \
         SELECT max(r.value ->> 0) FROM usage_waiting w, json_each(w.counts) r WHERE r.value ->> 0 BETWEEN ?1 AND ?2)";
    column(first(&decisions.read(query(select).bind(since).bind(until)).await?)?, "hour")
}

fn of_hour(filter: &UsageFilter, hour: i64) -> Asking {
    let fits = |asking: Asking| {
        asking
            .given("hour = ?", Some(hour))
            .given("principal = ?", filter.principal.as_deref())
            .given("credential = ?", filter.credential.as_deref())
            .given("route = ?", filter.route.as_deref())
            .given("outcome = ?", filter.outcome.as_deref())
    };
    fits(Asking::begin(concat!(
        "SELECT hour, principal, credential, route, outcome, sum(count) AS count FROM \
         (SELECT hour, principal, credential, route, outcome, count FROM usage",
        waiting!(),
        ")"
    )))
    .text(" GROUP BY hour, principal, credential, route, outcome ORDER BY principal, credential, route, outcome")
}

/// Sums for a chart.
pub(super) async fn chart(decisions: &SqliteDecisions, filter: &UsedFilter) -> Result<Figures, StoreError> {
    const OF_PRINCIPALS: &str = chart!("");
    const WITH_CREDENTIALS: &str = chart!(" AND u.credential = w.credential");
    let step = i64::try_from(filter.step.as_millis()).unwrap_or(i64::MAX).max(1);
    let (mut requests, mut routes) = (BTreeMap::new(), BTreeMap::new());
    for (select, with_credential) in [(OF_PRINCIPALS, false), (WITH_CREDENTIALS, true)] {
        let whose = filter.whose.iter().filter(|one| one.credential.is_some() == with_credential);
        let whose: Vec<_> = whose.map(|one| json!([one.principal, one.credential])).collect();
        if whose.is_empty() {
            continue;
        }
        let select = query(select)
            .bind(hour(filter.since.as_millis()))
            .bind(hour(filter.until.as_millis()))
            .bind(step)
            .bind(serde_json::Value::from(whose).to_string());
        for row in &decisions.read(select).await? {
            let (at, route, outcome): (i64, Box<str>, Box<str>) =
                (column(row, "at")?, column(row, "route")?, column(row, "outcome")?);
            let count = number(row, "count")?;
            *requests.entry((at, outcome.clone())).or_default() += count;
            *routes.entry((Some(route).filter(|route| !route.is_empty()), outcome)).or_default() += count;
        }
    }
    let requests = requests.into_iter().map(|((at, outcome), count)| (Timestamp::from_millis(at), outcome, count));
    let routes = routes.into_iter().map(|((route, outcome), count)| RouteFigure { route, outcome, count });
    Ok(Figures { requests: requests.collect(), routes: routes.collect(), spans: Vec::new() })
}

fn usage(row: &SqliteRow) -> Result<Usage, StoreError> {
    let known = |text: Box<str>| Some(text).filter(|text| !text.is_empty());
    Ok(Usage {
        hour: Timestamp::from_millis(column(row, "hour")?),
        credential: known(column(row, "credential")?),
        principal: known(column(row, "principal")?),
        route: known(column(row, "route")?),
        outcome: column(row, "outcome")?,
        count: number(row, "count")?,
    })
}
