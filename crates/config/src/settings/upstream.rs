//! `upstream`: the API behind Keyward.

use std::time::Duration;

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{HostSeen, UpstreamUrl, Written};

/// The API behind Keyward.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Its address: `http://127.0.0.1:3000`, `https://api.example.com`, whose certificate is always checked, `unix:/run/api.sock`, or
    /// `h2c://127.0.0.1:50051` where it is to be spoken to in HTTP/2 in the clear (gRPC);
    /// null means the built-in demo.
    #[serde(with = "Written::<Option<UpstreamUrl>>")]
    pub url: Option<UpstreamUrl>,
    /// The Host that it sees: `received` from the client, or its own (`upstream`).
    #[serde(with = "Written::<HostSeen>")]
    pub host: HostSeen,
    /// Headers set on every request to it. Their values are taken for secrets.
    #[serde(with = "Written::<HeaderMap>")]
    pub headers: HeaderMap,
    /// How long it may take.
    pub timeouts: Timeouts,
}

/// How long the upstream may take.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// Until a connection stands.
    #[serde(with = "Written::<Duration>")]
    pub connect: Duration,
    /// Between two pieces of an answer.
    #[serde(with = "Written::<Duration>")]
    pub read: Duration,
    /// For the whole exchange; null means as long as it takes.
    #[serde(with = "Written::<Option<Duration>>")]
    pub total: Option<Duration>,
}
