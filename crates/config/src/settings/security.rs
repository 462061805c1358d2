//! `security`: credentials and how they are guarded.

use std::time::Duration;

use keyward_core::algorithm::Algorithm;
use keyward_core::guarding::Disclose;
use keyward_core::scope::ScopeSet;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Adopt, BasicAuth, Cors, Issuer, Sessions, Throttle};
use crate::text::{Prefix, RefreshBy, TokenSecret, Written};

/// Credentials and how they are guarded.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Tokens of users who sign in.
    pub jwt: Jwt,
    /// Others whose tokens count.
    pub issuers: Vec<Issuer>,
    /// API keys.
    pub api_keys: ApiKeys,
    /// A username and a password with each request.
    pub basic_auth: BasicAuth,
    /// Sessions by cookie.
    pub sessions: Sessions,
    /// Wrong credentials, and who has to wait for them.
    pub throttle: Throttle,
    /// Whether who presents the right secret of an expired, revoked or disabled credential is told so: `possessor`, or `nobody`.
    #[serde(with = "Written::<Disclose>")]
    pub disclose: Disclose,
    /// Which web pages may call.
    pub cors: Cors,
}

/// Tokens that Keyward issues to users who sign in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Whether users can sign in, and tokens are read.
    pub enabled: bool,
    /// How new tokens are signed: EdDSA, ES256, RS256, or HS256. Keys of the others go on checking what they signed.
    #[serde(with = "Written::<Algorithm>")]
    pub algorithm: Algorithm,
    /// The secret that HS256 signs with, at least 32 bytes, taken as they are; null: one is made and kept.
    #[serde(with = "Written::<Option<TokenSecret>>")]
    pub secret: Option<TokenSecret>,
    /// `typ` in the header of tokens.
    #[serde(rename = "type")]
    pub typ: String,
    /// `iss` of tokens.
    pub issuer: String,
    /// `aud` of tokens.
    pub audience: String,
    /// How long an access token counts.
    #[serde(with = "Written::<Duration>")]
    pub expiration: Duration,
    /// How long a refresh token counts; each is good for one use.
    #[serde(with = "Written::<Duration>")]
    pub refresh_expiration: Duration,
    /// What `endpoints.refresh` asks for: `token`, a refresh token in the body; `bearer`, the access token that still counts,
    /// and no body; `either`.
    #[serde(with = "Written::<RefreshBy>")]
    pub refresh_by: RefreshBy,
    /// How long a key signs before the next one takes over, announced a day before; null: until `keyward signing-key rotate`.
    #[serde(with = "Written::<Option<Duration>>")]
    pub rotate_every: Option<Duration>,
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
    /// What the secret of a key + secret pair begins with; `${mode}` is live or test.
    #[serde(with = "Written::<Prefix>")]
    pub pair_prefix: Prefix,
    /// What refresh tokens begin with.
    pub refresh_prefix: String,
    /// Whether `endpoints.refresh` takes the refresh tokens of pairs too, without the pair.
    pub refresh_without_secret: bool,
    /// The scopes of keys made without scopes; null means whatever the owner may, less `self:` and `keyward:`.
    #[serde(with = "Written::<Option<ScopeSet>>")]
    pub default_scopes: Option<ScopeSet>,
    /// Operators' own keys.
    #[serde(rename = "static")]
    pub static_keys: Vec<StaticKey>,
    /// Whether all routes are open as long as there is no static key.
    pub open_if_none: bool,
    /// Who is asked about keys that nobody here knows, while clients move; null: nobody.
    pub adopt: Option<Adopt>,
}

/// An operator's own key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticKey {
    /// Whom it stands for in decisions and at the upstream.
    pub name: String,
    /// What it is called at the upstream, where that is another name.
    #[serde(default)]
    pub display: Option<String>,
    /// The key: best as `${env:NAME}` or `${file:PATH}`.
    #[serde(with = "Written::<SecretString>")]
    pub key: SecretString,
    /// What it may do.
    #[serde(with = "Written::<ScopeSet>")]
    pub scopes: ScopeSet,
}
