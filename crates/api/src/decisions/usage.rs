//! What was used: requests by hour, credential, route and outcome, of a caller itself or as operators see it.

use keyward_core::api_key::CredentialEntry;
use keyward_core::time::Timestamp;
use keyward_engine::decisions::{Usage, UsageFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decisions::{kept, unread};
use crate::failure::Failure;
use crate::fields::{self, rfc3339};
use crate::service::Service;
use crate::view::Listing;

/// How far back it looks when nobody says.
const DAY: i64 = 86_400_000;
/// The most rows of one page.
const MOST: u32 = 1000;

/// One row of usage.
#[derive(Clone, Debug, Serialize)]
pub struct UsageView {
    /// The beginning of the hour.
    pub hour: String,
    /// The key or session.
    pub credential: Option<Box<str>>,
    /// The route.
    pub route: Option<Box<str>>,
    /// `allowed`, or why not.
    pub outcome: Box<str>,
    /// How many requests.
    pub count: u64,
}

/// What a caller asks for, as it stands in the query.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UsageQuestion {
    /// From when on.
    pub since: Option<String>,
    /// Up to when.
    pub until: Option<String>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// How many rows at most.
    pub limit: u32,
}

/// A caller's own usage, of all its credentials, newest hour first.
///
/// # Errors
/// A time or cursor that is none; no decisions are kept.
pub async fn own(
    service: &Service,
    caller: &CredentialEntry,
    question: &UsageQuestion,
) -> Result<Listing<UsageView>, Failure> {
    let of = Of { principal: Some(caller.principal.id.to_string()), ..Of::default() };
    let page = page(service, question, of).await?;
    Ok(Listing { data: page.data.into_iter().map(view).collect(), next_cursor: page.next_cursor })
}

/// Whose usage operators ask for, and of what; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Of {
    /// Of this principal, by its id.
    pub principal: Option<String>,
    /// With this key or session, by its id.
    pub credential: Option<String>,
    /// On this route.
    pub route: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
}

/// One row of usage as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageOfView {
    /// The beginning of the hour.
    pub hour: String,
    /// Whose.
    pub principal: Option<Box<str>>,
    /// The key or session.
    pub credential: Option<Box<str>>,
    /// The route.
    pub route: Option<Box<str>>,
    /// `allowed`, or why not.
    pub outcome: Box<str>,
    /// How many requests.
    pub count: u64,
}

/// Usage of whom operators ask for, newest hour first; without `since` the last day.
///
/// # Errors
/// A time or cursor that is none; no decisions are kept.
pub async fn list(service: &Service, question: &UsageQuestion, of: &Of) -> Result<Listing<UsageOfView>, Failure> {
    let mut of = of.clone();
    if let (None, Some(credential)) = (&of.principal, &of.credential) {
        // Whose a key is stands in no index of usage, but in its record.
        of.principal = service.store.api_key(credential).await?.map(|joined| joined.owner.id.to_string());
    }
    let page = page(service, question, of).await?;
    let view = |usage: Usage| UsageOfView {
        hour: rfc3339(usage.hour),
        principal: usage.principal,
        credential: usage.credential,
        route: usage.route,
        outcome: usage.outcome,
        count: usage.count,
    };
    Ok(Listing { data: page.data.into_iter().map(view).collect(), next_cursor: page.next_cursor })
}

async fn page(service: &Service, question: &UsageQuestion, of: Of) -> Result<Listing<Usage>, Failure> {
    let now = service.now().wall;
    let past = |text: &str| fields::past(text, now);
    let skip = question
        .cursor
        .as_deref()
        .map(|cursor| cursor.parse().map_err(|_| Failure::invalid("the cursor is not one that a listing here gave")));
    let skip: u32 = skip.transpose()?.unwrap_or_default();
    let limit = question.limit.clamp(1, MOST);
    let text = |text: Option<String>| text.map(Into::into);
    let filter = UsageFilter {
        principal: text(of.principal),
        credential: text(of.credential),
        route: text(of.route),
        outcome: text(of.outcome),
        since: question
            .since
            .as_deref()
            .map(past)
            .transpose()?
            .unwrap_or(Timestamp::from_millis(now.as_millis() - DAY)),
        until: question.until.as_deref().map(past).transpose()?.unwrap_or(now),
        skip,
        limit: limit + 1,
    };
    let mut rows = kept(service)?.usage(&filter).await.map_err(|error| unread(&error))?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let next_cursor = (rows.len() > most).then(|| skip.saturating_add(limit).to_string());
    rows.truncate(most);
    Ok(Listing { data: rows, next_cursor })
}

fn view(usage: Usage) -> UsageView {
    UsageView {
        hour: rfc3339(usage.hour),
        credential: usage.credential,
        route: usage.route,
        outcome: usage.outcome,
        count: usage.count,
    }
}
