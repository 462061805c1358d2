//! The nodes that serve, and how each of them is.

use keyward_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decisions;
use crate::fields::rfc3339;
use crate::service::Service;
use crate::view::Listing;

/// What a file of the data directory takes, with what stands beside it, in bytes.
pub type FileSizes = Box<dyn Fn(&str) -> Option<u64> + Send + Sync>;

/// What a process that serves knows of itself.
pub struct Serving {
    /// The name of its node.
    pub node: &'static str,
    /// The version of its program.
    pub version: &'static str,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// Where operators come, as a URL.
    pub operators_port: String,
    /// What its files take.
    pub bytes: FileSizes,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeShown {
    /// Its name.
    pub node: String,
    /// The version of its program.
    pub version: String,
    /// Since when it runs.
    pub started_at: String,
    /// `ready`, or `not ready`: memory is not proven fresh, or the store does not answer.
    pub state: String,
    /// Whether its memory is proven to hold every change.
    pub fresh: bool,
    /// The version of the configuration that it goes by.
    pub configuration: u64,
    /// Its store.
    pub store: StoreShown,
    /// Its record of decisions.
    pub decisions: DecisionsShown,
    /// Passwords that wait to be checked.
    pub passwords_waiting: usize,
    /// Counts of callers that its limits hold in memory.
    pub limit_cells: usize,
}

/// The store of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreShown {
    /// Whether it answers.
    pub answers: bool,
    /// What its files take, in bytes; null = that cannot be told.
    pub bytes: Option<u64>,
}

/// The record of decisions of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionsShown {
    /// Whether decisions are kept.
    pub kept: bool,
    /// Whether they cannot be written at this moment.
    pub stuck: bool,
    /// The oldest that is kept.
    pub oldest: Option<String>,
    /// What their files take, in bytes.
    pub bytes: Option<u64>,
}

/// All nodes; none where no server runs.
pub async fn list(service: &Service) -> Listing<NodeShown> {
    let Some(serving) = service.serving.get() else { return Listing { data: Vec::new(), next_cursor: None } };
    let fresh = service.refresher.as_ref().is_none_or(|refresher| refresher.is_fresh());
    let answers = service.pulse.ask(&*service.clock, service.store.ping()).await;
    let oldest = match decisions::kept(service) {
        Ok(kept) => kept.oldest().await.ok().flatten().map(rfc3339),
        Err(_) => None,
    };
    let node = NodeShown {
        node: serving.node.to_owned(),
        version: serving.version.to_owned(),
        started_at: rfc3339(serving.started_at),
        state: if fresh && answers { "ready" } else { "not ready" }.to_owned(),
        fresh,
        configuration: service.configuration().version,
        store: StoreShown { answers, bytes: (serving.bytes)("keyward.db") },
        decisions: DecisionsShown {
            kept: service.decisions.is_some(),
            stuck: service.pending.is_stuck(),
            oldest,
            bytes: (serving.bytes)("decisions.db"),
        },
        passwords_waiting: service.passwords.waiting(),
        limit_cells: service.limits.as_ref().map_or(0, |cells| cells.count()),
    };
    Listing { data: vec![node], next_cursor: None }
}
