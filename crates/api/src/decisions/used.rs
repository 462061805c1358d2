//! What one key or account used, as a chart: requests by hour or day and by what became of them; of a key also from where it came last.

use std::time::Duration;

use keyward_core::time::Timestamp;
use keyward_engine::decisions::{DecisionFilter, UsedFilter, Whose};
use keyward_engine::ports::{KeyFilter, KeyPage, Page, UserFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::decisions::overview::{OutcomeCount, Point, RouteCount, begin, outcomes, points, routes};
use crate::decisions::{kept, unread};
use crate::failure::Failure;
use crate::fields::{self, rfc3339};
use crate::keys;
use crate::people::accounts;
use crate::service::Service;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// How far back it looks when nobody says.
const WEEK: i64 = 7 * 86_400_000;
/// The most points of one chart.
const MOST_POINTS: i64 = 1000;
/// In how many of the last decisions it looks for where a key came from.
const LAST: u32 = 50;
/// How many places are told.
const PLACES: usize = 10;
/// Of how many of its users and keys an account's usage is summed, each.
const MOST_OF_ACCOUNT: u32 = 1000;

/// From when to when, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsedQuestion {
    /// From when on; absent = the last week.
    pub since: Option<String>,
    /// Up to when; absent = now.
    pub until: Option<String>,
    /// `hour` or `day`; absent = hours up to a week, days beyond it.
    pub step: Option<String>,
}

/// What was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Used {
    /// The beginning of the first point.
    pub since: String,
    /// The last point goes on up to here.
    pub until: String,
    /// How many seconds a point stands for.
    pub step: u64,
    /// All points in order, those without a request too; how long requests took is not told.
    pub points: Vec<Point>,
    /// Requests by what became of them, most first.
    pub outcomes: Vec<OutcomeCount>,
    /// Requests by route, most first.
    pub routes: Vec<RouteCount>,
}

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyUsage {
    /// How much.
    #[serde(flatten)]
    pub used: Used,
    /// About when it was last accepted.
    pub last_used_at: Option<String>,
    /// From where it came last, the last first: of a key that was replaced since then, of any other in its last decisions.
    pub used_from: Vec<Place>,
}

/// From where a key came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The address.
    pub address: String,
    /// What the caller says that it is; null where that is not noted: of keys that were not replaced.
    pub user_agent: Option<String>,
    /// The route.
    pub route: Option<String>,
    /// When last.
    pub last_at: String,
}

/// What a key was used for.
///
/// # Errors
/// No such key, or somebody else's; a time that is none; no decisions are kept.
pub async fn of_key(
    service: &Service,
    actor: Actor<'_>,
    id: &str,
    question: &UsedQuestion,
) -> Result<KeyUsage, Failure> {
    let joined = keys::find(service, actor, id).await?;
    let whose = vec![Whose { principal: joined.owner.id.clone(), credential: Some(joined.key.id.clone()) }];
    let used = sum(service, whose, question).await?;
    Ok(KeyUsage {
        used,
        last_used_at: joined.key.last_used_at.map(rfc3339),
        used_from: places(service, id, joined.key.overlap_ends_at.is_some()).await?,
    })
}

/// What an account used: its users with whatever they show, and its own keys.
///
/// # Errors
/// No such account, or more than one, or one that is too large to be summed up; a time that is none; no decisions are kept.
pub async fn of_account(service: &Service, which: &str, question: &UsedQuestion) -> Result<Used, Failure> {
    let account = accounts::find(service, which).await?;
    let users = UserFilter { account: Some(account.id.clone()), ..UserFilter::default() };
    let users = service.store.users(&users, &Page { after: None, limit: MOST_OF_ACCOUNT + 1 }).await?;
    let keys = KeyFilter { account: Some(account.id.clone()), ..KeyFilter::default() };
    let keys = service.store.api_keys(&keys, &KeyPage::first(MOST_OF_ACCOUNT + 1)).await?;
    let most = usize::try_from(MOST_OF_ACCOUNT).unwrap_or(usize::MAX);
    if users.len() > most || keys.len() > most {
        return Err(Failure::invalid(format!(
            "this account has more than {most} users or keys; ask for the usage of one of them"
        )));
    }
    let mut whose: Vec<Whose> =
        users.into_iter().map(|user| Whose { principal: user.owner.id, credential: None }).collect();
    // Those of its own users are among what these used.
    let others = keys.into_iter().filter(|key| key.owner.account.as_ref().is_none_or(|of| of.id != account.id));
    whose.extend(others.map(|key| Whose { principal: key.owner.id, credential: Some(key.key.id) }));
    sum(service, whose, question).await
}

async fn sum(service: &Service, whose: Vec<Whose>, question: &UsedQuestion) -> Result<Used, Failure> {
    let now = service.now().wall;
    let time = |text: &Option<String>, otherwise: Timestamp| {
        text.as_deref().map_or(Ok(otherwise), |text| fields::past(text, now))
    };
    let until = time(&question.until, now)?;
    let since = time(&question.since, Timestamp::from_millis(until.as_millis().saturating_sub(WEEK)))?;
    let span = until.as_millis().saturating_sub(since.as_millis());
    let step = match question.step.as_deref() {
        Some("hour") => HOUR,
        Some("day") => DAY,
        None if span <= WEEK => HOUR,
        None => DAY,
        Some(_) => return Err(Failure::invalid("a step is hour or day")),
    };
    if span < 0 || span / i64::try_from(step.as_millis()).unwrap_or(1) > MOST_POINTS {
        return Err(Failure::invalid(format!("a chart has up to {MOST_POINTS} points, and `since` is before `until`")));
    }
    let since = Timestamp::from_millis(begin(since.as_millis(), step));
    let filter = UsedFilter { whose, since, until, step };
    let figures = kept(service)?.used(&filter).await.map_err(|error| unread(&error))?;
    Ok(Used {
        since: rfc3339(since),
        until: rfc3339(until),
        step: step.as_secs(),
        points: points(&figures, (since, until), step),
        outcomes: outcomes(&figures),
        routes: routes(&figures),
    })
}

async fn places(service: &Service, id: &str, was_replaced: bool) -> Result<Vec<Place>, Failure> {
    if was_replaced {
        let seen = service.store.overlap(id).await?.seen;
        return Ok(seen.into_iter().take(PLACES).map(Place::from).collect());
    }
    let filter = DecisionFilter { credential: Some(id.into()), limit: LAST, ..DecisionFilter::default() };
    let page = kept(service)?.list(&filter).await.map_err(|error| unread(&error))?;
    let mut places: Vec<Place> = Vec::new();
    for one in &page.decisions {
        let Some(address) = one.client.as_deref() else { continue };
        let route = one.route.as_deref();
        if !places.iter().any(|place| place.address == address && place.route.as_deref() == route) {
            places.push(Place {
                address: address.to_owned(),
                user_agent: None,
                route: route.map(str::to_owned),
                last_at: rfc3339(one.at),
            });
        }
    }
    places.truncate(PLACES);
    Ok(places)
}

impl From<keyward_engine::sightings::Sighting> for Place {
    fn from(seen: keyward_engine::sightings::Sighting) -> Self {
        Self {
            address: seen.client.into(),
            user_agent: Some(seen.agent.into()),
            route: Some(seen.route.into()),
            last_at: rfc3339(seen.last_at),
        }
    }
}
