//! The nodes that serve, and how each of them is.

use http::StatusCode;
use keyward_api::decisions;
use keyward_api::failure::Failure;
use keyward_api::fields::rfc3339;
use keyward_api::view::Listing;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, shape};

pub(crate) const OPERATIONS: &[Operation] = &[Operation {
    id: "nodes.list",
    path: "/nodes",
    access: Access::Scope("keyward:nodes:read"),
    summary: "The nodes that serve, and how each of them is",
    given: Given::Json(StatusCode::OK, shape::<Listing<NodeShown>>),
    run: |call| Box::pin(list(call)),
    ..Operation::NEW
}];

/// A node.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NodeShown {
    /// Its name.
    node: &'static str,
    /// The version of its program.
    version: &'static str,
    /// Since when it runs.
    started_at: String,
    /// `ready`, or `not ready`: memory is not proven fresh, or the store does not answer.
    state: &'static str,
    /// Whether its memory is proven to hold every change.
    fresh: bool,
    /// The version of the configuration that it goes by.
    configuration: u64,
    /// Its store.
    store: StoreShown,
    /// Its record of decisions.
    decisions: DecisionsShown,
    /// Passwords that wait to be checked.
    passwords_waiting: usize,
    /// Counts of callers that its limits hold in memory.
    limit_cells: usize,
}

/// The store of a node.
#[derive(Serialize, JsonSchema)]
struct StoreShown {
    /// Whether it answers.
    answers: bool,
    /// What its files take, in bytes; null = that cannot be told.
    bytes: Option<u64>,
}

/// The record of decisions of a node.
#[derive(Serialize, JsonSchema)]
struct DecisionsShown {
    /// Whether decisions are kept.
    kept: bool,
    /// Whether they cannot be written at this moment.
    stuck: bool,
    /// The oldest that is kept.
    oldest: Option<String>,
    /// What their files take, in bytes.
    bytes: Option<u64>,
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    let service = call.service();
    let fresh = service.refresher.as_ref().is_none_or(|refresher| refresher.is_fresh());
    let answers = service.pulse.ask(&*service.clock, service.store.ping()).await;
    let oldest = match decisions::kept(service) {
        Ok(kept) => kept.oldest().await.ok().flatten().map(rfc3339),
        Err(_) => None,
    };
    let node = NodeShown {
        node: call.control.node,
        version: call.control.version,
        started_at: rfc3339(call.control.started_at),
        state: if fresh && answers { "ready" } else { "not ready" },
        fresh,
        configuration: service.configuration().version,
        store: StoreShown { answers, bytes: (call.control.bytes)("keyward.db") },
        decisions: DecisionsShown {
            kept: service.decisions.is_some(),
            stuck: service.pending.is_stuck(),
            oldest,
            bytes: (call.control.bytes)("decisions.db"),
        },
        passwords_waiting: service.passwords.waiting(),
        limit_cells: service.limits.as_ref().map_or(0, |cells| cells.count()),
    };
    Ok(answer::ok(&Listing { data: vec![node], next_cursor: None }))
}
