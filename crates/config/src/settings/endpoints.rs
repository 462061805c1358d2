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
    /// Tokens for clients that show a key + secret pair (RFC 6749).
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub token: Option<EndpointPath>,
    /// The same once more, for clients that were written for another system: its members and answers can have other names
    /// (`requests`, `responses`) while `token` keeps the standard's.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub exchange: Option<EndpointPath>,
    /// The end of a token and of its family (RFC 7009).
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub revoke: Option<EndpointPath>,
    /// What a token is worth (RFC 7662).
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub introspect: Option<EndpointPath>,
    /// The public keys that verify tokens.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub jwks: Option<EndpointPath>,
    /// Where these are, for programs (RFC 8414); it is there where `security.jwt.issuer` is a URL.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub metadata: Option<EndpointPath>,
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
            ("token", &self.token),
            ("exchange", &self.exchange),
            ("revoke", &self.revoke),
            ("introspect", &self.introspect),
            ("jwks", &self.jwks),
            ("metadata", &self.metadata),
            ("api_keys", &self.api_keys),
            ("usage", &self.usage),
            ("health", &self.health),
            ("ready", &self.ready),
        ]
        .into_iter()
        .filter_map(|(name, path)| path.as_ref().map(|path| (name, path)))
    }
}
