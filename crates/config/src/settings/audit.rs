//! `audit`: how long the record of what happened is kept.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// The record of what happened.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// How long a record is kept; null means for ever.
    #[serde(with = "Written::<Option<Duration>>")]
    pub keep: Option<Duration>,
}
