//! Plans as decisions read them: their limits by name and place, behind all other limits.

use std::time::Duration;

use keyward_core::limit::{Limit, LimitId, window_word};
use keyward_core::plan::{Plan, Plans};

use crate::settings::Settings;

/// The limits of all plans, in order. Each is called by its plan and its window, such as `free.1m`.
pub(crate) fn limits(settings: &Settings) -> impl Iterator<Item = Limit> {
    settings.plans.iter().flat_map(|(name, plan)| {
        plan.limits
            .iter()
            .map(move |one| Limit::of_plan(&limit_name(name, one.window), one.requests, one.window, one.burst))
    })
}

/// The plans; their limits begin at this place.
pub(crate) fn plans(settings: &Settings, first: usize) -> Plans {
    let mut next = first;
    let plan = |(name, plan): (&String, &crate::settings::Plan)| {
        let limits = (next..).take(plan.limits.len()).map(LimitId).collect();
        next += plan.limits.len();
        Plan { name: name.as_str().into(), limits }
    };
    let all = settings.plans.iter().map(plan).collect();
    Plans::new(all, settings.accounts.default_plan.as_deref())
}

/// What a plan's limit is called; no limit of `limits` can have a name with a dot.
pub(crate) fn limit_name(plan: &str, window: Duration) -> String {
    format!("{plan}.{}", window_word(window))
}
