//! The plans that the configuration has: named sets of limits that count per account.

use keyward_core::limit::Limit;
use keyward_core::plan::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::service::Service;
use crate::view::Listing;

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Its name under `plans`.
    pub name: String,
    /// Whether it is the one for whoever has none: `accounts.default_plan`.
    pub is_default: bool,
    /// Its limits; none: it counts nothing.
    pub limits: Vec<PlanLimitView>,
}

/// One limit of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanLimitView {
    /// Its name, as `RateLimit-Policy` says it.
    pub name: String,
    /// How many requests it admits in a window.
    pub requests: u32,
    /// The window.
    pub window_seconds: f64,
    /// Of a rate, how many at once; null: a quota.
    pub burst: Option<u32>,
}

impl From<&Limit> for PlanLimitView {
    fn from(limit: &Limit) -> Self {
        Self {
            name: limit.name().to_owned(),
            requests: limit.requests(),
            window_seconds: limit.window().as_secs_f64(),
            burst: (!limit.is_quota()).then(|| limit.at_once()),
        }
    }
}

/// All plans, by name.
pub fn list(service: &Service) -> Listing<PlanView> {
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let view = |plan: &Plan| PlanView {
        name: plan.name.to_string(),
        is_default: rules.plans.default_name() == Some(&*plan.name),
        limits: plan.limits.iter().filter_map(|id| rules.limits.get(id.0)).map(PlanLimitView::from).collect(),
    };
    Listing { data: rules.plans.iter().map(view).collect(), next_cursor: None }
}
