//! Figures for charts: each minute, hour and quarter of a day is a few rows that grow with what comes in, in its transaction.

use std::collections::BTreeMap;

use keyward_core::time::Timestamp;
use keyward_engine::decisions::{FigureFilter, Figures, Retention, RouteFigure};
use keyward_engine::figures::Class;
use keyward_engine::ledger::Batch;
use keyward_engine::ports::StoreError;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::decisions::{SqliteDecisions, number, stored};
use super::many::Many;
use super::rows::{column, unreadable};
use super::transaction::{Statement, Transaction};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// What rows are of: a chart reads the longest that its steps are made of.
const SPANS: [i64; 3] = [MINUTE, HOUR, 6 * HOUR];

const COUNT: Many = Many {
    before: "INSERT INTO figures (span, at, route, outcome, count)",
    columns: 5,
    after: " ON CONFLICT DO UPDATE SET count = count + excluded.count",
};

const COUNT_SPANS: Many = Many {
    before: "INSERT INTO spans (span, at, class, count)",
    columns: 4,
    after: " ON CONFLICT DO UPDATE SET count = count + excluded.count",
};

/// Sums of what batches have in common, in the order of their table.
#[derive(Default)]
struct Sums<'a> {
    requests: BTreeMap<Requests<'a>, u64>,
    spans: BTreeMap<Spans, u64>,
}

impl<'a> Sums<'a> {
    fn of(batches: &'a [Batch]) -> Self {
        let mut sums = Self::default();
        for minute in batches.iter().flat_map(|batch| &batch.figures) {
            for span in SPANS {
                let at = begin(minute.at.as_millis(), span);
                for (route, outcome, count) in &minute.requests {
                    *sums.requests.entry((span, at, route.as_deref().unwrap_or_default(), outcome)).or_default() +=
                        count;
                }
                for (class, count) in &minute.spans {
                    *sums.spans.entry((span, at, *class)).or_default() += count;
                }
            }
        }
        sums
    }
}

/// Adds what batches counted.
pub(super) async fn write(transaction: &mut Transaction, batches: &[Batch]) -> Result<(), StoreError> {
    let sums = Sums::of(batches);
    let requests: Vec<_> = sums.requests.into_iter().collect();
    COUNT.run(transaction, &requests, bind_requests).await?;
    let spans: Vec<_> = sums.spans.into_iter().collect();
    COUNT_SPANS.run(transaction, &spans, bind_spans).await
}

/// Span, beginning, route and outcome.
type Requests<'a> = (i64, i64, &'a str, &'static str);
/// Span, beginning and class.
type Spans = (i64, i64, Class);

fn bind_requests(insert: Statement, ((span, at, route, outcome), count): &(Requests<'_>, u64)) -> Statement {
    insert.bind(*span).bind(*at).bind((*route).to_owned()).bind(*outcome).bind(stored(*count))
}

fn bind_spans(insert: Statement, ((span, at, class), count): &(Spans, u64)) -> Statement {
    insert.bind(*span).bind(*at).bind(class.number()).bind(stored(*count))
}

/// Lets go of what may not stay.
pub(super) async fn prune(transaction: &mut Transaction, retention: Retention) -> Result<(), StoreError> {
    for span in SPANS {
        let since = if span == MINUTE { retention.minutes_since } else { retention.usage_since };
        for delete in
            ["DELETE FROM figures WHERE span = ?1 AND at < ?2", "DELETE FROM spans WHERE span = ?1 AND at < ?2"]
        {
            transaction.run(query(delete).bind(span).bind(begin(since.as_millis(), span))).await?;
        }
    }
    Ok(())
}

/// What a filter asks for.
pub(super) async fn read(decisions: &SqliteDecisions, filter: &FigureFilter) -> Result<Figures, StoreError> {
    let step = i64::try_from(filter.step.as_millis()).unwrap_or(i64::MAX).max(MINUTE);
    let span = SPANS.into_iter().rfind(|span| step % span == 0).unwrap_or(MINUTE);
    let requests = "SELECT at - at % ?4 AS at, outcome, sum(count) AS count FROM figures \
         WHERE span = ?1 AND at >= ?2 AND at < ?3 GROUP BY 1, 2 ORDER BY 1, 2";
    let routes = "SELECT route, outcome, sum(count) AS count FROM figures \
         WHERE span = ?1 AND at >= ?2 AND at < ?3 AND ?4 > 0 GROUP BY 1, 2 ORDER BY 1, 2";
    // One row for each point: a row costs far more to hand over than a class in it.
    let spans = "SELECT at, group_concat(class || ' ' || count) AS classes FROM ( \
         SELECT at - at % ?4 AS at, class, sum(count) AS count FROM spans \
         WHERE span = ?1 AND at >= ?2 AND at < ?3 GROUP BY 1, 2) GROUP BY at ORDER BY at";
    let asked = [requests, routes, spans].map(|select| {
        let (since, until) = (begin(filter.since.as_millis(), span), filter.until.as_millis());
        decisions.read(query(select).bind(span).bind(since).bind(until).bind(step))
    });
    let [requests, routes, spans] = asked;
    Ok(Figures {
        requests: requests.await?.iter().map(of_point).collect::<Result<_, _>>()?,
        routes: routes.await?.iter().map(of_route).collect::<Result<_, _>>()?,
        spans: spans.await?.iter().map(of_classes).collect::<Result<Vec<_>, _>>()?.concat(),
    })
}

fn of_point(row: &SqliteRow) -> Result<(Timestamp, Box<str>, u64), StoreError> {
    Ok((at(row)?, column(row, "outcome")?, number(row, "count")?))
}

fn of_route(row: &SqliteRow) -> Result<RouteFigure, StoreError> {
    let route: Box<str> = column(row, "route")?;
    Ok(RouteFigure {
        route: Some(route).filter(|route| !route.is_empty()),
        outcome: column(row, "outcome")?,
        count: number(row, "count")?,
    })
}

/// Classes and their counts, in order.
fn of_classes(row: &SqliteRow) -> Result<Vec<(Timestamp, Class, u64)>, StoreError> {
    let at = at(row)?;
    let one = |text: &str| {
        let (class, count) = text.split_once(' ')?;
        Some((at, Class::numbered(class.parse().ok()?), count.parse().ok()?))
    };
    let classes = column::<&str>(row, "classes")?.split(',').map(one).collect::<Option<Vec<_>>>();
    let mut classes = classes.ok_or_else(|| unreadable("classes"))?;
    classes.sort_unstable_by_key(|(_, class, _)| *class);
    Ok(classes)
}

fn at(row: &SqliteRow) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_millis(column(row, "at")?))
}

/// The beginning of the span that a time in milliseconds is in.
fn begin(millis: i64, span: i64) -> i64 {
    millis - millis.rem_euclid(span)
}
