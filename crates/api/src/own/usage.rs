//! `GET usage`: what a caller used, by hour, and where it stands with its limits.

use http::StatusCode;
use keyward_core::api_key::CredentialEntry;
use keyward_http::own::OwnRequest;
use keyward_http::problem::Answer;
use serde::Serialize;

use crate::decisions::usage::{self, UsageQuestion, UsageView};
use crate::failure::Failure;
use crate::limits::{self, LimitView};
use crate::own;
use crate::service::Service;
use crate::view::Listing;

/// What a caller used, and where it stands.
#[derive(Serialize)]
struct OwnUsage {
    #[serde(flatten)]
    used: Listing<UsageView>,
    plan: Option<String>,
    limits: Vec<LimitView>,
}

/// The answer.
///
/// # Errors
/// A question that cannot be read, or a store that does not answer.
pub(crate) async fn answer(
    service: &Service,
    caller: &CredentialEntry,
    request: &OwnRequest,
) -> Result<Answer, Failure> {
    let mut question = UsageQuestion { limit: 1000, ..UsageQuestion::default() };
    for (name, value) in own::query(request) {
        match name {
            "since" => question.since = Some(own::decoded(value)),
            "until" => question.until = Some(own::decoded(value)),
            "cursor" => question.cursor = Some(own::decoded(value)),
            "limit" => question.limit = own::page_size(value)?,
            _ => {}
        }
    }
    let used = usage::own(service, caller, &question).await?;
    let rules = &service.configuration().rules;
    let limits = limits::own(service, rules, caller).await?;
    let plan = rules.plans.name(caller.counted.plan).map(str::to_owned);
    Ok(own::json(StatusCode::OK, &OwnUsage { used, plan, limits }))
}
