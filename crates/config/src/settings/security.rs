//! `security`: credentials and how they are guarded.

use keyward_core::scope::ScopeSet;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::text::{Prefix, Written};

/// Credentials and how they are guarded.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// API keys.
    pub api_keys: ApiKeys,
}

/// API keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeys {
    /// Whether API keys are read at all.
    pub enabled: bool,
    /// What generated keys begin with; `${mode}` is live or test.
    #[serde(with = "Written::<Prefix>")]
    pub prefix: Prefix,
    /// The scopes of keys made without scopes; null means whatever the owner may, less `self:` and `keyward:`.
    #[serde(with = "Written::<Option<ScopeSet>>")]
    pub default_scopes: Option<ScopeSet>,
    /// Operators' own keys.
    #[serde(rename = "static")]
    pub static_keys: Vec<StaticKey>,
    /// Whether all routes are open as long as there is no static key.
    pub open_if_none: bool,
}

/// An operator's own key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticKey {
    /// Whom it stands for in decisions and at the upstream.
    pub name: String,
    /// The key: best as `${env:NAME}` or `${file:PATH}`.
    #[serde(with = "Written::<SecretString>")]
    pub key: SecretString,
    /// What it may do.
    #[serde(with = "Written::<ScopeSet>")]
    pub scopes: ScopeSet,
}
