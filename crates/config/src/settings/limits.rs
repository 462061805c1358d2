//! `limits` and `performance`: how often things may happen, and how callers are told.

use std::num::NonZeroU32;
use std::time::Duration;

use keyward_core::limit::{LimitFields, OnFault, Per};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// How often something may happen: a quota, or with `burst` a rate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// For whom it counts apart: each `key` (its successors by rotation included), `principal`, `account` or `address`
    /// (IPv6 by /64), or everybody on one `route` together.
    #[serde(with = "Written::<Per>")]
    pub per: Per,
    /// How many requests in a window.
    #[serde(with = "Written::<NonZeroU32>")]
    pub requests: NonZeroU32,
    /// The window. A quota's starts with the first request.
    #[serde(with = "Written::<Duration>")]
    pub window: Duration,
    /// How many at once; then evenly, `requests` in each window. Without it all of them may come at once.
    #[serde(default, with = "Written::<Option<NonZeroU32>>")]
    pub burst: Option<NonZeroU32>,
    /// What becomes of a request that cannot be counted: `deny` (503; the default) or `allow`.
    #[serde(default, with = "Written::<Option<OnFault>>")]
    pub on_fault: Option<OnFault>,
}

/// Limits in short, and how callers are told.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Performance {
    /// Short for a limit per address on every route.
    pub rate_limit: RateLimit,
    /// The header fields that tell a caller where it stands: `ietf` (`RateLimit` and `RateLimit-Policy`), `x-ratelimit` (the
    /// older three), `both` or `none`.
    #[serde(with = "Written::<LimitFields>")]
    pub rate_limit_headers: LimitFields,
}

/// A limit per address on every route.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Whether it counts.
    pub enabled: bool,
    /// How many requests in each minute, evenly.
    #[serde(with = "Written::<NonZeroU32>")]
    pub requests_per_minute: NonZeroU32,
    /// How many at once.
    #[serde(with = "Written::<NonZeroU32>")]
    pub burst: NonZeroU32,
}
