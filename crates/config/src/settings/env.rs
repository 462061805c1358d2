//! `env`: variables of the operator's own naming.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::text::{Written, words};

/// What a variable does: it sets a value, or adds to a list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The value that it sets, such as `ip.allow`; one that the configuration has already.
    #[serde(default)]
    pub sets: Option<String>,
    /// The list that it adds to, such as `security.api_keys.static`.
    #[serde(default)]
    pub adds: Option<String>,
    /// What parts the items of a list. They are trimmed, and blank ones are none.
    #[serde(default)]
    pub split: Option<String>,
    /// The value that means all, where an empty list does.
    #[serde(default)]
    pub all: Option<String>,
    /// What becomes of a variable that is set but empty: `refuse` (the default) or `ignore`.
    #[serde(default, with = "Written::<Option<Empty>>")]
    pub empty: Option<Empty>,
    /// What is added for each item, in which `${value}` is the item, `${index}` its place from 0, `${number}` from 1.
    #[serde(default)]
    pub each: Option<Value>,
}

/// What becomes of a variable that is set but empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// A mistake.
    Refuse,
    /// As if it were not set.
    Ignore,
}

words!(Empty: "refuse" => Self::Refuse, "ignore" => Self::Ignore);
