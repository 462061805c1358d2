//! Where callers stand with their limits, looked at without charging anything.

use keyward_core::api_key::CredentialEntry;
use keyward_core::limit::{Cell, Charged, Demand, Limit, LimitId, Per, Spend, Standings, Subject};
use keyward_core::machine::Looking;
use keyward_core::plan::Counted;
use keyward_core::rules::Rules;
use keyward_core::time::{Now, Timestamp};
use keyward_engine::limits::Cells;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::failure::Failure;
use crate::fields::rfc3339;
use crate::keys;
use crate::people::accounts;
use crate::service::Service;

/// A place that no rule refers to: whoever only looks needs none.
const NOWHERE: LimitId = LimitId(0);

/// Where a caller stands with one limit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitView {
    /// The limit's name.
    pub limit: Box<str>,
    /// For whom it counts apart.
    pub per: String,
    /// How many requests it admits in a window.
    pub requests: u32,
    /// The window; null = what is used does not come back.
    pub window_seconds: Option<f64>,
    /// How many are left at once.
    pub remaining: u32,
    /// When nothing is used up any more; null = never.
    pub resets_at: Option<String>,
}

/// What charging a request would come to, as things stand now. `None` where nobody counts: no server runs.
///
/// # Errors
/// The store does not answer.
pub async fn look(service: &Service, looking: &Looking<'_>) -> Result<Option<Spend>, Failure> {
    let Some(cells) = &service.limits else { return Ok(None) };
    let now = looking.now();
    let (mut standings, mut over) = (Standings::default(), None);
    for demand in looking.demands() {
        let cell = cell(service, cells, &demand, now).await?;
        standings.push(demand.limit.standing(demand.id, cell, now.monotonic));
        if let Charged::Over(wait) = demand.limit.charge(cell, looking.cost(), now.monotonic) {
            over = over.filter(|(_, longest)| *longest >= wait).or(Some((demand.id, wait)));
        }
    }
    Ok(Some(match over {
        Some((limit, wait)) => Spend::Exceeded(limit, wait, standings),
        None => Spend::Within(standings),
    }))
}

/// Where a caller stands with every limit that counts callers.
///
/// # Errors
/// The store does not answer.
pub async fn own(service: &Service, rules: &Rules, caller: &CredentialEntry) -> Result<Vec<LimitView>, Failure> {
    let mut views = Vec::new();
    let Some(cells) = &service.limits else { return Ok(views) };
    let now = service.now();
    for (id, limit) in rules.limits_of(caller) {
        let Some(subject) = Subject::of_caller(limit.per(), caller) else { continue };
        let demand = Demand { id, limit, subject, beside: None };
        let cell = cell(service, cells, &demand, now).await?;
        views.push(view(limit, cell, now));
    }
    Ok(views)
}

/// The plan of somebody, and where they stand with their limits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LimitsView {
    /// The plan, by its name in the configuration.
    pub plan: Option<String>,
    /// Each limit that counts them; none where no server runs.
    pub limits: Vec<LimitView>,
}

/// Where a key stands with its limits: those of routes, of its plan, and its budgets.
///
/// # Errors
/// No such key; the store does not answer.
pub async fn of_key(service: &Service, actor: Actor<'_>, id: &str) -> Result<LimitsView, Failure> {
    let joined = keys::find(service, actor, id).await?;
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let caller = joined.resolve(rules).with_secret();
    let limits = own(service, rules, &caller).await?;
    Ok(LimitsView { plan: rules.plans.name(caller.counted.plan).map(str::to_owned), limits })
}

/// Where an account stands with the limits that count accounts.
///
/// # Errors
/// No such account, or more than one; the store does not answer.
pub async fn of_account(service: &Service, which: &str) -> Result<LimitsView, Failure> {
    let account = accounts::find(service, which).await?;
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let counted = Counted::new(&rules.plans, Some(&account.terms), None);
    let mut limits = Vec::new();
    if let Some(cells) = &service.limits {
        let now = service.now();
        for (id, limit) in rules.limits_by(&counted).filter(|(_, limit)| limit.per() == Per::Account) {
            let demand = Demand { id, limit, subject: Subject::Account(&account.id), beside: None };
            limits.push(view(limit, cell(service, cells, &demand, now).await?, now));
        }
    }
    Ok(LimitsView { plan: rules.plans.name(counted.plan).map(str::to_owned), limits })
}

fn view(limit: &Limit, cell: Option<Cell>, now: Now) -> LimitView {
    let standing = limit.standing(NOWHERE, cell, now.monotonic);
    LimitView {
        limit: limit.name().into(),
        per: limit.per().as_str().to_owned(),
        requests: limit.requests(),
        window_seconds: limit.comes_back().then(|| limit.window().as_secs_f64()),
        remaining: standing.remaining,
        resets_at: limit.comes_back().then(|| rfc3339(now.wall.after(standing.reset))),
    }
}

/// A quota that outlives the process, and whom it counts.
pub type Looked<'a> = (Limit, Subject<'a>);

/// What was used of a quota that outlives the process, whether a server runs or not.
///
/// # Errors
/// The store does not answer.
pub async fn used(service: &Service, limit: &Limit, subject: Subject<'_>) -> Result<u32, Failure> {
    Ok(used_of_all(service, &[(limit.clone(), subject)]).await?.first().copied().unwrap_or_default())
}

/// As [`used`], of several with one question.
///
/// # Errors
/// The store does not answer.
pub async fn used_of_all(service: &Service, all: &[Looked<'_>]) -> Result<Vec<u32>, Failure> {
    let now = service.now();
    let places: Vec<(u64, Box<str>)> =
        all.iter().map(|(limit, subject)| (limit.identity(), subject.to_string().into())).collect();
    // First what is written: what is used is never behind it by more than what comes in between.
    let kept = if places.is_empty() { Vec::new() } else { service.store.reserved(&places).await? };
    let used = all.iter().zip(kept).map(|((limit, subject), kept)| {
        let demand = Demand { id: NOWHERE, limit, subject: *subject, beside: None };
        let known = service.limits.as_ref().and_then(|cells| cells.cell(&demand));
        let cell = known.or_else(|| running(kept, now));
        used_up(cell, now)
    });
    Ok(used.collect())
}

/// What a cell says was used, also where the limit is lower by now.
fn used_up(cell: Option<Cell>, now: Now) -> u32 {
    match cell {
        Some(Cell::Window { ends, used }) if now.monotonic < ends => used,
        _ => 0,
    }
}

/// What was used. Of a quota that outlives the process only the store may know.
async fn cell(service: &Service, cells: &Cells, demand: &Demand<'_>, now: Now) -> Result<Option<Cell>, Failure> {
    let known = cells.cell(demand);
    if known.is_some() || !demand.limit.is_kept() {
        return Ok(known);
    }
    let place = (demand.limit.identity(), demand.subject.to_string().into());
    let kept = service.store.reserved(&[place]).await?.into_iter().next().flatten();
    Ok(running(kept, now))
}

/// The window that is written ahead, if it runs.
fn running(kept: Option<(Timestamp, u32)>, now: Now) -> Option<Cell> {
    kept.filter(|(ends_at, _)| *ends_at > now.wall).map(|(ends_at, used)| {
        let left = ends_at.as_millis().saturating_sub(now.wall.as_millis());
        let left = std::time::Duration::from_millis(u64::try_from(left).unwrap_or_default());
        Cell::Window { ends: now.monotonic.after(left), used }
    })
}
