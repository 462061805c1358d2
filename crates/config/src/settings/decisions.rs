//! `decisions`: what is kept of each decision, and for how long.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{Size, Written};

/// What is kept of each decision. It stands in a file of its own, whose loss costs no credential.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// How long a decision is kept; null means that none is.
    #[serde(with = "Written::<Option<Duration>>")]
    pub keep: Option<Duration>,
    /// How large they may grow; the oldest go first.
    #[serde(with = "Written::<Size>")]
    pub max_bytes: Size,
    /// Up to this rate each is kept on its own; above it they are counted by second, reason, rule, route, credential and
    /// address.
    pub fold_above_per_second: u32,
    /// Whether each is also written to stdout, as JSON.
    pub log: bool,
}
