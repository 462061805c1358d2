//! `responses`: answers in other words.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// An answer in other words.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Its status: 2xx for an endpoint that does as it was asked, 4xx or 5xx for a refusal. Without it Keyward's own.
    #[serde(default)]
    pub status: Option<u16>,
    /// Its JSON body, in which a text `${field}` stands for a field of what is told. Without it Keyward's own.
    #[serde(default)]
    pub body: Option<Value>,
}
