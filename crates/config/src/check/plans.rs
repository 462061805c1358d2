//! `plans` and `accounts`: windows that are apart, numbers with which somebody can pass, and a default that is there.

use std::time::Duration;

use keyward_core::limit::MOST_OF_PLAN;

use super::Look;
use crate::place::at;
use crate::suggest::suggest;

pub(super) fn check(look: &mut Look<'_>) {
    let settings = look.settings;
    for (name, plan) in &settings.plans {
        look.name(&at!["plans", name.as_str()], name);
        for (index, limit) in plan.limits.iter().enumerate() {
            let path = at!["plans", name.as_str(), "limits", index, "window"];
            if limit.window == Duration::ZERO {
                look.mistake(&path, "a window of no time at all", ["write a longer one: 1s, 1m, 1h, 1d"]);
            } else if plan.limits.iter().take(index).any(|before| before.window == limit.window) {
                look.mistake(
                    &path,
                    "two limits of one plan with one window",
                    ["remove one, or give it another window"],
                );
            }
        }
        if plan.limits.len() > MOST_OF_PLAN {
            let path = at!["plans", name.as_str(), "limits"];
            look.mistake(
                &path,
                format!("more than {MOST_OF_PLAN} limits in one plan"),
                ["keep those that turn somebody away"],
            );
        }
    }
    if let Some(name) = &settings.accounts.default {
        look.name(&at!["accounts", "default"], name);
    }
    let Some(name) = &settings.accounts.default_plan else { return };
    if !settings.plans.contains_key(name) {
        let place = look.place(&at!["accounts", "default_plan"]);
        let help = suggest(name, settings.plans.keys().map(String::as_str));
        look.report.mistake(&place, format!("no plan is named \"{name}\""), help);
    }
}
