//! Decisions as they were made: listed, told as they come, explained.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::IntoResponse as _;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use http::StatusCode;
use keyward_api::decisions::explain::DecidedView;
use keyward_api::decisions::{self, DecisionQuestion, DecisionView};
use keyward_api::explain::{self, Explanation, Question};
use keyward_api::failure::{Failure, Kind};
use keyward_api::view::Listing;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};
use crate::operations::keys::page;

const READ: Access = Access::Scope("keyward:decisions:read");

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "decisions.list",
        path: "/decisions",
        access: READ,
        summary: "List decisions, newest first; after a place, oldest first",
        query: Some(shape::<Which>),
        given: Given::Json(StatusCode::OK, shape::<Listing<DecisionView>>),
        refuses: &[404],
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "decisions.tail",
        path: "/decisions/tail",
        access: READ,
        summary: "Decisions as they are made: an event for each, its id the place that Last-Event-ID goes on after",
        query: Some(shape::<Following>),
        given: Given::Text(&["text/event-stream"]),
        refuses: &[404],
        run: |call| Box::pin(tail(call)),
        ..Operation::NEW
    },
    Operation {
        id: "decisions.show",
        path: "/decisions/{id}",
        access: READ,
        summary: "Explain a decision that was made",
        given: Given::Json(StatusCode::OK, shape::<DecidedView>),
        refuses: &[404],
        run: |call| Box::pin(show(call)),
        ..Operation::NEW
    },
    Operation {
        id: "explain",
        verb: Verb::Post,
        path: "/explain",
        access: READ,
        summary: "What would become of a request, and why",
        sent: Sent::Json(shape::<Explaining>),
        given: Given::Json(StatusCode::OK, shape::<Explanation>),
        refuses: &[404],
        run: |call| Box::pin(explained(call)),
        ..Operation::NEW
    },
];

/// Which decisions to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// With this outcome: `allowed`, or a reason's name.
    outcome: Option<String>,
    /// On this route.
    route: Option<String>,
    /// Of this principal, by its id.
    principal: Option<String>,
    /// With this credential, by its id.
    credential: Option<String>,
    /// From this address.
    client: Option<String>,
    /// Not before: a time, or a span back such as `1h`.
    since: Option<String>,
    /// Not after, likewise.
    until: Option<String>,
    /// A `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Those that came after this place, oldest first.
    after: Option<u64>,
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    let Which { outcome, route, principal, credential, client, since, until, cursor, limit, after } = call.query()?;
    let limit = page(limit)?;
    let question =
        DecisionQuestion { outcome, route, principal, credential, client, since, until, limit, cursor, after };
    Ok(answer::ok(&decisions::list(call.service(), &question).await?))
}

async fn show(call: &Call) -> Result<Reply, Failure> {
    Ok(answer::ok(&decisions::explain::explain(call.service(), call.parameter(0)).await?))
}

/// A request that is not made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Explaining {
    /// Its method; absent = GET.
    method: Option<String>,
    /// Its path, with a query or without.
    path: String,
    /// Its headers, as `Name: value`.
    #[schemars(length(max = 100))]
    headers: Option<Vec<String>>,
    /// The address that it would come from; absent = this machine's own.
    #[serde(alias = "client")]
    from: Option<String>,
    /// The id of a key that it would carry, in place of the key itself.
    key_id: Option<String>,
}

async fn explained(call: &Call) -> Result<Reply, Failure> {
    let Explaining { method, path, headers, from, key_id } = call.body()?;
    let method = method.unwrap_or_else(|| "GET".to_owned());
    let question = Question { method, path, key_id, headers: headers.unwrap_or_default(), from };
    Ok(answer::ok(&explain::explain(call.service(), &question).await?))
}

/// Which decisions to tell of.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Following {
    /// With this outcome.
    outcome: Option<String>,
    /// On this route.
    route: Option<String>,
    /// Of this principal.
    principal: Option<String>,
    /// With this credential.
    credential: Option<String>,
    /// From this address.
    client: Option<String>,
}

/// How often it is looked for new ones.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many are told at once.
const AT_ONCE: u32 = 200;
/// How often a line says that the stream lives.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// After so many looks it is asked whether the caller may still see them.
const JUDGED_EVERY: u32 = 4;

/// What a stream goes on with.
struct Tail {
    call: Call,
    question: DecisionQuestion,
    told: std::vec::IntoIter<DecisionView>,
    looks: u32,
    /// Its place among the streams that there may be.
    _place: OwnedSemaphorePermit,
}

async fn tail(call: &Call) -> Result<Reply, Failure> {
    let Following { outcome, route, principal, credential, client } = call.query()?;
    let place = std::sync::Arc::clone(&call.control.tails).try_acquire_owned();
    let place = place.map_err(|_| Failure {
        kind: Kind::Unavailable,
        message: "as many streams as may be are open; close one".to_owned(),
    })?;
    let last = call.headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let mut question =
        DecisionQuestion { outcome, route, principal, credential, client, limit: AT_ONCE, ..Default::default() };
    question.after = Some(match last {
        Some(last) => last,
        None => {
            let newest = DecisionQuestion { limit: 1, ..Default::default() };
            decisions::list(call.service(), &newest).await?.data.first().map_or(0, |one| one.seq)
        }
    });
    let tail = Tail { call: call.clone(), question, told: Vec::new().into_iter(), looks: 0, _place: place };
    let events = stream::unfold(tail, |tail| async move { tail.next().await });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)).into_response())
}

impl Tail {
    /// The next event; `None` ends the stream: the caller may not see more, or nothing can be read.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(one) = self.told.next() {
                self.question.after = Some(one.seq);
                let event = Event::default().id(one.seq.to_string()).json_data(&one).ok()?;
                return Some((Ok(event), self));
            }
            sleep(LOOK_EVERY).await;
            self.looks += 1;
            if self.looks.is_multiple_of(JUDGED_EVERY) && !self.call.may_go_on().await {
                return None;
            }
            self.told = decisions::list(self.call.service(), &self.question).await.ok()?.data.into_iter();
        }
    }
}
