//! What happened in the last hour, day, week or month: requests by what became of them, how long they took, and who came most.

use std::collections::BTreeMap;
use std::time::Duration;

use keyward_core::time::Timestamp;
use keyward_engine::decisions::{FigureFilter, Figures, RouteFigure, UsedBy, UsersFilter};
use keyward_engine::figures::{Class, quantile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decisions::{kept, unread};
use crate::failure::Failure;
use crate::fields::rfc3339;
use crate::service::Service;

/// How many keys are told.
const TOP: u32 = 10;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// What may be asked for: its word, how far back it goes, and what a point stands for, in seconds.
const SPANS: [(&str, u64, u64); 4] = [
    ("1h", HOUR, MINUTE),
    ("24h", 24 * HOUR, 15 * MINUTE),
    ("7d", 7 * 24 * HOUR, HOUR),
    ("30d", 30 * 24 * HOUR, 6 * HOUR),
];

/// The figures of one span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The beginning of the first point.
    pub since: String,
    /// Now; the last point goes on.
    pub until: String,
    /// How many seconds a point stands for.
    pub step: u64,
    /// All points in order, those without a request too.
    pub points: Vec<Point>,
    /// Requests by what became of them, most first.
    pub outcomes: Vec<OutcomeCount>,
    /// The keys and sessions that came most, most first: of all hours that the span touches.
    pub top_keys: Vec<TopKey>,
    /// Requests by route, most first.
    pub routes: Vec<RouteCount>,
}

/// One point of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// Its beginning.
    pub at: String,
    /// Requests that were let pass and answered.
    pub allowed: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests of which something went wrong: at the upstream, at the store, or on the way back.
    pub failed: u64,
    /// The median of how long those took that were let pass, in milliseconds; null = there were none.
    pub p50: Option<f64>,
    /// Of a hundred of them one took longer.
    pub p99: Option<f64>,
}

/// How many requests ended so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeCount {
    /// `allowed`, or why not.
    pub outcome: String,
    /// How many.
    pub count: u64,
}

/// How many requests came with a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TopKey {
    /// The id of the key or session, or the name of a key in the configuration.
    pub credential: String,
    /// The key's name; null = no key that is kept.
    pub name: Option<String>,
    /// The id of its user.
    pub principal: String,
    /// How many.
    pub count: u64,
}

/// How many requests went to a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteCount {
    /// Its name; null = none matched.
    pub route: Option<String>,
    /// How many.
    pub count: u64,
    /// How many of them were refused.
    pub refused: u64,
}

/// What became of a request, as a chart has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was let pass and answered.
    Allowed,
    /// It was refused.
    Refused,
    /// Something went wrong.
    Failed,
}

impl Kind {
    /// That of an outcome of records.
    pub fn of(outcome: &str) -> Self {
        match outcome {
            "allowed" => Self::Allowed,
            "Unavailable" | "ClientGone" | "Ended" | "lost" => Self::Failed,
            outcome if outcome.starts_with("upstream ") => Self::Failed,
            _ => Self::Refused,
        }
    }
}

/// The figures of the last `1h`, `24h`, `7d` or `30d`.
///
/// # Errors
/// Another span; no decisions are kept.
pub async fn look(service: &Service, span: &str) -> Result<Overview, Failure> {
    let known = SPANS.iter().find(|(word, ..)| *word == span);
    let Some((_, back, step)) = known else {
        return Err(Failure::invalid("a span is one of 1h, 24h, 7d and 30d"));
    };
    let until = service.now().wall;
    let step = Duration::from_secs(*step);
    // As many whole points as fit into the span, and the one that has begun.
    let since = begin(until.as_millis() - millis(Duration::from_secs(*back)), step) + millis(step);
    let since = Timestamp::from_millis(since);
    let decisions = kept(service)?;
    let unread = |error| unread(&error);
    let filter = FigureFilter { since, until: Timestamp::from_millis(until.as_millis() + 1), step };
    let users = UsersFilter { since, until, limit: TOP };
    let (figures, used) = tokio::join!(decisions.figures(&filter), decisions.most_used(&users));
    let (figures, used) = (figures.map_err(unread)?, used.map_err(unread)?);
    let points = points(&figures, (since, until), step);
    let top_keys = named(service, used).await?;
    Ok(Overview {
        since: rfc3339(since),
        until: rfc3339(until),
        step: step.as_secs(),
        points,
        outcomes: outcomes(&figures),
        top_keys,
        routes: routes(&figures),
    })
}

pub(crate) fn points(figures: &Figures, (since, until): (Timestamp, Timestamp), step: Duration) -> Vec<Point> {
    let empty = |at: i64| Point {
        at: rfc3339(Timestamp::from_millis(at)),
        allowed: 0,
        refused: 0,
        failed: 0,
        p50: None,
        p99: None,
    };
    let places = (since.as_millis()..=until.as_millis()).step_by(usize::try_from(millis(step)).unwrap_or(usize::MAX));
    let mut points: BTreeMap<i64, Point> = places.map(|at| (at, empty(at))).collect();
    for (at, outcome, count) in &figures.requests {
        let Some(point) = points.get_mut(&at.as_millis()) else { continue };
        match Kind::of(outcome) {
            Kind::Allowed => point.allowed += count,
            Kind::Refused => point.refused += count,
            Kind::Failed => point.failed += count,
        }
    }
    let of_one = figures.spans.chunk_by(|(one, ..), (other, ..)| one == other);
    for spans in of_one {
        let Some(point) = spans.first().and_then(|(at, ..)| points.get_mut(&at.as_millis())) else { continue };
        let spans: Vec<(Class, u64)> = spans.iter().map(|(_, class, count)| (*class, *count)).collect();
        let told = |part| quantile(&spans, part).map(|micros| micros.round() / 1000.0);
        (point.p50, point.p99) = (told(0.5), told(0.99));
    }
    points.into_values().collect()
}

pub(crate) fn outcomes(figures: &Figures) -> Vec<OutcomeCount> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, outcome, count) in &figures.requests {
        *sums.entry(outcome).or_default() += count;
    }
    let mut counts: Vec<OutcomeCount> =
        sums.into_iter().map(|(outcome, count)| OutcomeCount { outcome: outcome.to_owned(), count }).collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.count));
    counts
}

pub(crate) fn routes(figures: &Figures) -> Vec<RouteCount> {
    let mut counts: Vec<RouteCount> = Vec::new();
    for RouteFigure { route, outcome, count } in &figures.routes {
        let route = route.as_deref();
        if counts.last().is_none_or(|last| last.route.as_deref() != route) {
            counts.push(RouteCount { route: route.map(str::to_owned), count: 0, refused: 0 });
        }
        let Some(last) = counts.last_mut() else { continue };
        last.count += count;
        if Kind::of(outcome) == Kind::Refused {
            last.refused += count;
        }
    }
    counts.sort_by_key(|one| std::cmp::Reverse(one.count));
    counts
}

async fn named(service: &Service, used: Vec<UsedBy>) -> Result<Vec<TopKey>, Failure> {
    let mut keys = Vec::with_capacity(used.len());
    for UsedBy { principal, credential, count } in used {
        let key = service.store.api_key(&credential).await?;
        keys.push(TopKey {
            name: key.map(|joined| joined.key.name.to_string()),
            credential: credential.into(),
            principal: principal.into(),
            count,
        });
    }
    Ok(keys)
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn begin(at: i64, step: Duration) -> i64 {
    at - at.rem_euclid(millis(step))
}
