//! Decisions as they were kept, for people and programs: pages of them.

pub mod explain;
pub mod keeper;
pub mod overview;
pub mod usage;
pub mod used;
pub mod used_command;

use keyward_engine::decisions::{DecisionFilter, DecisionPage, Decisions, KeptDecision};
use keyward_engine::mark::Level;
use keyward_engine::ports::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::{self, rfc3339};
use crate::service::Service;
use crate::view::Listing;

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// A page of decisions. It may have fewer than were asked for, or none, and still a cursor: where few of very many fit, a page is what was
/// found in a bounded time.
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
    let DecisionPage { decisions: mut kept, next } =
        kept(service)?.list(&filter).await.map_err(|error| unread(&error))?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = kept.len() > most;
    kept.truncate(most);
    let next_cursor = if more { kept.last().map(|last| last.seq) } else { next }.map(|place| place.to_string());
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
