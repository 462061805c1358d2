//! `upstream`: the API behind Keyward.

use std::time::Duration;

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{Balance, HealthPath, HostSeen, UpstreamUrl, Written};

/// One API behind Keyward.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Its address: `http://127.0.0.1:3000`, `https://api.example.com`, whose certificate is always checked and which chooses between
    /// HTTP/2 and HTTP/1.1, `unix:/run/api.sock`, or `h2c://127.0.0.1:50051` where it is to be spoken to in HTTP/2 in the clear (gRPC);
    /// null means the built-in demo.
    #[serde(with = "Written::<Option<UpstreamUrl>>")]
    pub url: Option<UpstreamUrl>,
    /// Several addresses of servers that are alike, instead of `url`.
    #[serde(with = "Written::<Vec<UpstreamUrl>>")]
    pub urls: Vec<UpstreamUrl>,
    /// Which of several addresses a request goes to: `round_robin`, or `least_busy` (counted by each core for itself).
    #[serde(with = "Written::<Balance>")]
    pub balance: Balance,
    /// The Host that it sees: `received` from the client, or its own (`upstream`).
    #[serde(with = "Written::<HostSeen>")]
    pub host: HostSeen,
    /// Headers set on every request to it. Their values are taken for secrets.
    #[serde(with = "Written::<HeaderMap>")]
    pub headers: HeaderMap,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// Active checks of each address, in what it speaks; null means none.
    pub health: Option<HealthCheck>,
}

impl Upstream {
    /// All its addresses; none where the built-in demo answers.
    pub fn addresses(&self) -> impl Iterator<Item = &UpstreamUrl> {
        self.url.iter().chain(&self.urls)
    }
}

/// How each address is asked whether it is well. Three failures in a row take it out, two successes bring it back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// What is asked for, by GET; any status of 2xx means well.
    #[serde(with = "Written::<HealthPath>")]
    pub path: HealthPath,
    /// How often, as 5s; an answer has as long to come, at most.
    #[serde(with = "Written::<Duration>")]
    pub every: Duration,
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
