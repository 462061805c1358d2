//! `identity`: what the upstream is told about a caller.

use std::time::Duration;

use http::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// What the upstream is told about a caller.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The header of each fact. A client's own headers of these names are always removed.
    pub headers: IdentityHeaders,
    /// The same facts as a signed token.
    pub token: IdentityToken,
}

/// A signed JWT of who calls, checkable by the JWK set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityToken {
    /// Whether upstreams are given one. Its `aud` is the name of the upstream.
    pub enabled: bool,
    /// The header that it is in. A client's own is removed even where this is off.
    #[serde(with = "Written::<HeaderName>")]
    pub header: HeaderName,
    /// How long it counts; it is given again for half of that.
    #[serde(with = "Written::<Duration>")]
    pub expiration: Duration,
}

/// The header of each fact.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityHeaders {
    /// The owner's id; of a static key its name.
    #[serde(with = "Written::<HeaderName>")]
    pub principal: HeaderName,
    /// The key's name.
    #[serde(with = "Written::<HeaderName>")]
    pub name: HeaderName,
    /// What kind of credential was shown.
    #[serde(with = "Written::<HeaderName>")]
    pub kind: HeaderName,
    /// The owner's account.
    #[serde(with = "Written::<HeaderName>")]
    pub account: HeaderName,
    /// What the credential may do.
    #[serde(with = "Written::<HeaderName>")]
    pub scopes: HeaderName,
    /// The id of the decision.
    #[serde(with = "Written::<HeaderName>")]
    pub decision: HeaderName,
    /// The credential's id.
    #[serde(with = "Written::<HeaderName>")]
    pub credential: HeaderName,
    /// Live or test.
    #[serde(with = "Written::<HeaderName>")]
    pub mode: HeaderName,
}

impl IdentityHeaders {
    /// All of them with their names in the configuration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &HeaderName)> {
        [
            ("principal", &self.principal),
            ("name", &self.name),
            ("kind", &self.kind),
            ("account", &self.account),
            ("scopes", &self.scopes),
            ("decision", &self.decision),
            ("credential", &self.credential),
            ("mode", &self.mode),
        ]
        .into_iter()
    }
}
