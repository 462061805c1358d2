//! Figures: requests over time, by outcome, key and route.

use http::StatusCode;
use keyward_api::failure::Failure;
use keyward_api::overview::{self, Overview};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, shape};

pub(crate) const OPERATIONS: &[Operation] = &[Operation {
    id: "overview",
    path: "/overview",
    access: Access::Scope("keyward:usage:read"),
    summary: "Requests over a span of time: allowed, refused and failed, latency, top keys, routes",
    query: Some(shape::<Span>),
    given: Given::Json(StatusCode::OK, shape::<Overview>),
    refuses: &[404],
    run: |call| Box::pin(look(call)),
    ..Operation::NEW
}];

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
