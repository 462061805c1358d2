//! Decisions as they were kept: taking them from the cores, letting the old ones go, listing them.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::time::Timestamp;
use keyward_engine::decisions::{DecisionFilter, Decisions, KeptDecision, Retention};
use keyward_engine::ledger::Batch;
use keyward_engine::mark::Level;
use keyward_engine::ports::{Clock, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::failure::{Failure, Kind};
use crate::fields::{self, rfc3339};
use crate::service::Service;
use crate::view::Listing;

/// How many batches are written at once.
const BATCHES: usize = 64;
/// How often old decisions are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Usage is kept for at least this long: thirteen months, so that a month can be compared with that of a year ago.
const USAGE_KEPT: Duration = Duration::from_secs(400 * 86_400);

/// How long decisions stay, and how large they may grow.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// How long.
    pub keep: Duration,
    /// How large, in bytes.
    pub max_bytes: u64,
}

impl Keeping {
    fn retention(self, now: Timestamp) -> Retention {
        let back = |span: Duration| {
            let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(now.as_millis().saturating_sub(millis))
        };
        Retention { since: back(self.keep), usage_since: back(self.keep.max(USAGE_KEPT)), max_bytes: self.max_bytes }
    }
}

/// Takes decisions to the store until every core has ended. What cannot be written is told to `complain` and lost: nobody
/// waits for it.
pub async fn keep(
    decisions: Arc<dyn Decisions>,
    mut batches: mpsc::Receiver<Batch>,
    clock: Arc<dyn Clock>,
    keeping: Keeping,
    complain: impl Fn(&StoreError),
) {
    let mut next_prune = clock.now().monotonic;
    let mut waiting = Vec::with_capacity(BATCHES);
    let mut pending: Option<Batch> = None;
    while batches.recv_many(&mut waiting, BATCHES).await > 0 {
        waiting.extend(pending.take());
        if let Err(error) = decisions.keep(&waiting).await {
            complain(&error);
            // Their number is not lost: it is told with the next ones that can be written.
            let lost = waiting.iter().map(count).sum();
            pending = Some(Batch { lost, ..Batch::default() });
        }
        waiting.clear();
        let now = clock.now();
        if now.monotonic >= next_prune {
            // A step at a time, so that batches go on in between; what fails is tried again.
            let more = decisions.prune(keeping.retention(now.wall)).await.unwrap_or(false);
            next_prune = if more { now.monotonic } else { now.monotonic.after(PRUNE_EVERY) };
        }
    }
}

fn count(batch: &Batch) -> u64 {
    let singles = u64::try_from(batch.records.len()).unwrap_or(u64::MAX);
    singles + batch.lost + batch.folds.iter().map(keyward_engine::ledger::Fold::count).sum::<u64>()
}

/// Which decisions to list, as a person or program writes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DecisionQuestion {
    /// With this outcome.
    pub outcome: Option<String>,
    /// On this route.
    pub route: Option<String>,
    /// Of this principal.
    pub principal: Option<String>,
    /// With this credential.
    pub credential: Option<String>,
    /// From this address.
    pub client: Option<String>,
    /// Not before.
    pub since: Option<String>,
    /// Not after.
    pub until: Option<String>,
    /// How many at most.
    pub limit: u32,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Those that came after this place, oldest first.
    pub after: Option<u64>,
}

/// A decision for people and programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionView {
    /// Its place in the order in which records came.
    pub seq: u64,
    /// Its id; of a fold, that which stands for all of it.
    pub id: String,
    /// When it, or the first of a fold, was decided.
    pub at: String,
    /// How many decisions it stands for.
    pub count: u64,
    /// What a fold was counted by; null: it stands for itself.
    pub folded_by: Option<Vec<String>>,
    /// `allowed`, or the reason's name.
    pub outcome: String,
    /// The rule that spoke.
    pub detail: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The path, without its query.
    pub path: Option<String>,
    /// The route.
    pub route: Option<String>,
    /// The principal's id.
    pub principal: Option<String>,
    /// The credential's id.
    pub credential: Option<String>,
    /// From where.
    pub client: Option<String>,
    /// From head to head; of a fold the mean.
    pub millis: f64,
    /// How often each outcome and status came of it.
    pub results: Vec<ResultView>,
}

/// What became of decisions in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultView {
    /// `allowed`, the reason's name, or what went wrong afterwards.
    pub outcome: String,
    /// The status that was answered.
    pub status: u16,
    /// How often.
    pub count: u64,
}

impl DecisionView {
    /// A decision as it was kept.
    pub fn of(kept: &KeptDecision) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a request are far below 2^52")]
        let millis = kept.micros as f64 / 1000.0;
        let result = |result: &(Box<str>, u16, u64)| ResultView {
            outcome: result.0.to_string(),
            status: result.1,
            count: result.2,
        };
        Self {
            seq: kept.seq,
            id: kept.id.to_string(),
            at: rfc3339(kept.at),
            count: kept.count,
            folded_by: folded_by(kept.level),
            outcome: kept.outcome.to_string(),
            detail: text(&kept.detail),
            method: text(&kept.method),
            path: text(&kept.path),
            route: text(&kept.route),
            principal: text(&kept.principal),
            credential: text(&kept.credential),
            client: text(&kept.client),
            millis,
            results: kept.results.iter().map(result).collect(),
        }
    }
}

fn folded_by(level: Level) -> Option<Vec<String>> {
    let words: &[&str] = match level {
        Level::Single => return None,
        Level::Full => &["second", "reason", "rule", "route", "credential", "address"],
        Level::AnyAddress => &["second", "reason", "rule", "route", "credential"],
        Level::AnyCaller => &["second", "reason", "rule", "route"],
    };
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

/// A page of decisions.
///
/// # Errors
/// A time or cursor that is none; no decisions are kept.
pub async fn list(service: &Service, question: &DecisionQuestion) -> Result<Listing<DecisionView>, Failure> {
    let now = service.now().wall;
    let limit = question.limit.clamp(1, 1000);
    let text = |text: &Option<String>| text.as_deref().map(Into::into);
    let place =
        |cursor: &str| cursor.parse().map_err(|_| Failure::invalid("the cursor is not one that a listing here gave"));
    let filter = DecisionFilter {
        outcome: text(&question.outcome),
        route: text(&question.route),
        principal: text(&question.principal),
        credential: text(&question.credential),
        client: text(&question.client),
        since: question.since.as_deref().map(|since| fields::past(since, now)).transpose()?,
        until: question.until.as_deref().map(|until| fields::past(until, now)).transpose()?,
        before: question.cursor.as_deref().map(place).transpose()?,
        after: question.after,
        limit: limit + 1,
    };
    let mut kept = kept(service)?.list(&filter).await.map_err(|error| unread(&error))?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = kept.len() > most;
    kept.truncate(most);
    let next_cursor = kept.last().filter(|_| more).map(|last| last.seq.to_string());
    if filter.after.is_none() {
        // Cores hand over in turn; people read by the time.
        kept.sort_by_key(|one| std::cmp::Reverse((one.at, one.seq)));
    }
    Ok(Listing { data: kept.iter().map(DecisionView::of).collect(), next_cursor })
}

/// What is kept of decisions.
///
/// # Errors
/// Nothing is.
pub fn kept(service: &Service) -> Result<&dyn Decisions, Failure> {
    service.decisions.as_deref().ok_or_else(|| Failure {
        kind: Kind::NotFound,
        message: "no decisions are kept here: there is no decisions.db, or `decisions.keep` is null".to_owned(),
    })
}

/// What is kept cannot be read.
pub fn unread(error: &StoreError) -> Failure {
    Failure { kind: Kind::Unavailable, message: format!("the decisions cannot be read: {error}") }
}
