//! `plans` and `accounts`: sets of limits that count per account, and the one for whoever has none.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// A set of limits, counted per account over all of its keys and users; whoever has no account counts alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its limits, each with another window; none: it counts nothing.
    pub limits: Vec<PlanLimit>,
}

/// How often something may happen on a plan: a quota, or with `burst` a rate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanLimit {
    /// How many requests in a window.
    #[serde(with = "Written::<NonZeroU32>")]
    pub requests: NonZeroU32,
    /// The window. A quota's starts with the first request.
    #[serde(with = "Written::<Duration>")]
    pub window: Duration,
    /// How many at once; then evenly, `requests` in each window. Without it all of them may come at once.
    #[serde(default, with = "Written::<Option<NonZeroU32>>")]
    pub burst: Option<NonZeroU32>,
}

/// What holds for accounts; they themselves are records (`keyward account`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// The plan of whoever has no account, and of accounts without a plan of their own or with one that is not in `plans`;
    /// null: none.
    pub default_plan: Option<String>,
    /// The account of users who are made without one, the first user among them; made at the start where it is missing. null:
    /// they have none.
    pub default: Option<String>,
}
