//! Figures: requests over time, by outcome, key and route; what keys and accounts used, and what is left.

use http::StatusCode;
use keyward_api::decisions::overview::{self, Overview};
use keyward_api::decisions::usage::{self, Of, UsageOfView, UsageQuestion};
use keyward_api::decisions::used::{self, KeyUsage, Used, UsedQuestion};
use keyward_api::failure::Failure;
use keyward_api::limits::{self, LimitsView};
use keyward_api::view::Listing;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, shape};
use crate::operations::keys::page;

const READ: Access = Access::Scope("keyward:usage:read");

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "overview",
        path: "/overview",
        access: READ,
        summary: "Requests over a span of time: allowed, refused and failed, latency, top keys, routes",
        query: Some(shape::<Span>),
        given: Given::Json(StatusCode::OK, shape::<Overview>),
        refuses: &[404],
        run: |call| Box::pin(look(call)),
        ..Operation::NEW
    },
    Operation {
        id: "usage",
        path: "/usage",
        access: READ,
        summary: "Requests by the hour, principal, credential, route and outcome, newest hour first",
        query: Some(shape::<Which>),
        given: Given::Json(StatusCode::OK, shape::<Listing<UsageOfView>>),
        refuses: &[404],
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "keys.usage",
        path: "/keys/{id}/usage",
        access: READ,
        summary: "What a key was used for, and from where",
        query: Some(shape::<Between>),
        given: Given::Json(StatusCode::OK, shape::<KeyUsage>),
        refuses: &[404],
        run: |call| Box::pin(of_key(call)),
        ..Operation::NEW
    },
    Operation {
        id: "keys.limits",
        path: "/keys/{id}/limits",
        access: READ,
        summary: "Where a key stands with its limits",
        given: Given::Json(StatusCode::OK, shape::<LimitsView>),
        refuses: &[404],
        run: |call| Box::pin(limits_of_key(call)),
        ..Operation::NEW
    },
    Operation {
        id: "accounts.usage",
        path: "/accounts/{id}/usage",
        access: READ,
        summary: "What an account used",
        query: Some(shape::<Between>),
        given: Given::Json(StatusCode::OK, shape::<Used>),
        refuses: &[404, 409],
        run: |call| Box::pin(of_account(call)),
        ..Operation::NEW
    },
    Operation {
        id: "accounts.limits",
        path: "/accounts/{id}/limits",
        access: READ,
        summary: "Where an account stands with its limits",
        given: Given::Json(StatusCode::OK, shape::<LimitsView>),
        refuses: &[404, 409],
        run: |call| Box::pin(limits_of_account(call)),
        ..Operation::NEW
    },
];

/// Which span.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Span {
    /// `1h`, `24h`, `7d` or `30d`; absent = `24h`.
    #[schemars(extend("enum" = ["1h", "24h", "7d", "30d"]))]
    span: Option<String>,
}

async fn look(call: &Call) -> Result<Reply, Failure> {
    let Span { span } = call.query()?;
    Ok(answer::ok(&overview::look(call.service(), span.as_deref().unwrap_or("24h")).await?))
}

/// Whose usage, of what, and when.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// From when on: a time, or a span back such as `7d`; absent = the last day.
    since: Option<String>,
    /// Up to when, likewise.
    until: Option<String>,
    /// Of this principal, by its id.
    principal: Option<String>,
    /// With this key or session, by its id.
    credential: Option<String>,
    /// On this route.
    route: Option<String>,
    /// With this outcome.
    outcome: Option<String>,
    /// A `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    let Which { since, until, principal, credential, route, outcome, cursor, limit } = call.query()?;
    let question = UsageQuestion { since, until, cursor, limit: page(limit)? };
    Ok(answer::ok(&usage::list(call.service(), &question, &Of { principal, credential, route, outcome }).await?))
}

/// From when to when, and in which steps.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Between {
    /// From when on: a time, or a span back such as `7d`; absent = the last week.
    since: Option<String>,
    /// Up to when, likewise; absent = now.
    until: Option<String>,
    /// `hour` or `day`; absent = hours up to a week, days beyond it.
    #[schemars(extend("enum" = ["hour", "day"]))]
    step: Option<String>,
}

fn between(call: &Call) -> Result<UsedQuestion, Failure> {
    let Between { since, until, step } = call.query()?;
    Ok(UsedQuestion { since, until, step })
}

async fn of_key(call: &Call) -> Result<Reply, Failure> {
    let question = between(call)?;
    Ok(answer::ok(&used::of_key(call.service(), call.actor()?, call.parameter(0), &question).await?))
}

async fn limits_of_key(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&limits::of_key(call.service(), call.actor()?, call.parameter(0)).await?))
}

async fn of_account(call: &Call) -> Result<Reply, Failure> {
    let question = between(call)?;
    Ok(answer::ok(&used::of_account(call.service(), call.parameter(0), &question).await?))
}

async fn limits_of_account(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&limits::of_account(call.service(), call.parameter(0)).await?))
}
