//! `security.cors`: which web pages may call.

use http::{HeaderName, Method};
use keyward_http::cors::AllowedOrigin;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{Seconds, Written};

/// Which web pages may call from a browser. Where it is off, `OPTIONS` is a request like others and what the upstream says
/// passes; where it is on, Keyward alone says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Whether browsers are answered.
    pub enabled: bool,
    /// The origins of pages that may call, each written out as `https://app.example.com`; `*` alone means all.
    #[serde(with = "Written::<Vec<AllowedOrigin>>")]
    pub allowed_origins: Vec<AllowedOrigin>,
    /// The methods that they may use.
    #[serde(with = "Written::<Vec<Method>>")]
    pub allowed_methods: Vec<Method>,
    /// The headers that they may send, beside those that carry credentials, which they always may.
    #[serde(with = "Written::<Vec<HeaderName>>")]
    pub allowed_headers: Vec<HeaderName>,
    /// The headers of answers that they may read.
    #[serde(with = "Written::<Vec<HeaderName>>")]
    pub exposed_headers: Vec<HeaderName>,
    /// Whether browsers may send cookies along.
    pub allow_credentials: bool,
    /// How long a browser may remember the answer to a preflight: seconds, or a duration.
    #[serde(with = "Written::<Seconds>")]
    pub max_age: Seconds,
}
