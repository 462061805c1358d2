//! `endpoints`: Keyward's own endpoints on the data port.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{EndpointPath, Written};

/// Keyward's own endpoints on the data port, before `routes`; null turns one off.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// Signing in with username and password.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub login: Option<EndpointPath>,
    /// Carrying a session on with a refresh token.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub refresh: Option<EndpointPath>,
    /// Signing out.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub logout: Option<EndpointPath>,
    /// Who calls.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub me: Option<EndpointPath>,
    /// The public keys that verify tokens.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub jwks: Option<EndpointPath>,
    /// A caller's own API keys.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub api_keys: Option<EndpointPath>,
    /// What a caller used.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub usage: Option<EndpointPath>,
    /// Whether the process lives.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub health: Option<EndpointPath>,
    /// Whether requests can be decided.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub ready: Option<EndpointPath>,
}

impl Endpoints {
    /// Those that are on, with their names in the configuration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &EndpointPath)> {
        [
            ("login", &self.login),
            ("refresh", &self.refresh),
            ("logout", &self.logout),
            ("me", &self.me),
            ("jwks", &self.jwks),
            ("api_keys", &self.api_keys),
            ("usage", &self.usage),
            ("health", &self.health),
            ("ready", &self.ready),
        ]
        .into_iter()
        .filter_map(|(name, path)| path.as_ref().map(|path| (name, path)))
    }
}
