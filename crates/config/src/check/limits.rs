//! `limits`, and what routes say of them: names that lead somewhere, and numbers with which somebody can pass.

use std::time::Duration;

use keyward_core::limit::{MOST_OF_ROUTE, Per};

use super::Look;
use crate::compile::SHORT_LIMIT;
use crate::place::{Place, at};
use crate::plans::limit_name;
use crate::settings::{Limit, PlanLimit, Route, Settings};
use crate::suggest::suggest;

pub(super) fn check(look: &mut Look<'_>) {
    let settings = look.settings;
    for (name, limit) in &settings.limits {
        look.name(&at!["limits", name.as_str()], name);
        if limit.window == Duration::ZERO {
            let path = at!["limits", name.as_str(), "window"];
            look.mistake(&path, "a window of no time at all", ["write a longer one: 1s, 1m, 1h, 1d"]);
        }
        if !settings.routes.iter().any(|route| route.limits.contains(name)) {
            let path = at!["limits", name.as_str()];
            look.warning(&path, format!("no route uses the limit \"{name}\""), ["name it in `limits` of a route"]);
        }
    }
    for (index, route) in settings.routes.iter().enumerate() {
        of_route(look, index, route);
    }
}

fn of_route(look: &mut Look<'_>, index: usize, route: &Route) {
    let settings = look.settings;
    for (item, name) in route.limits.iter().enumerate() {
        let path = at!["routes", index, "limits", item];
        let Some(limit) = settings.limits.get(name) else {
            let place = look.place(&path);
            let help = suggest(name, settings.limits.keys().map(String::as_str));
            look.report.mistake(&place, format!("no limit is named \"{name}\""), help);
            continue;
        };
        if route.limits.iter().take(item).any(|before| before == name) {
            look.mistake(&path, format!("the limit \"{name}\" stands here twice"), ["remove one"]);
        }
        if route.public && counts_callers(limit) {
            look.warning(
                &path,
                format!("the limit \"{name}\" counts nobody here"),
                ["no credential is read on a public route; per: address or per: route count everybody"],
            );
        }
    }
    let path = at!["routes", index, "limits"];
    let short = &settings.performance.rate_limit;
    if route.limits.len() + usize::from(short.enabled) > MOST_OF_ROUTE {
        look.mistake(
            &path,
            format!("more than {MOST_OF_ROUTE} limits on one route"),
            ["`performance.rate_limit` counts as one of them"],
        );
    }
    too_dear(look, index, route);
}

/// What a request costs must fit into what a limit admits at once, or nobody ever passes.
fn too_dear(look: &mut Look<'_>, index: usize, route: &Route) {
    let settings = look.settings;
    let short = &settings.performance.rate_limit;
    let named = route.limits.iter().filter_map(|name| Some((name.clone(), at_once(settings.limits.get(name)?))));
    let short = short.enabled.then_some((SHORT_LIMIT.to_owned(), short.burst.get()));
    let of_plans = of_plans(settings).filter(|_| !route.public);
    let least = named.chain(short).chain(of_plans).min_by_key(|(_, at_once)| *at_once);
    if let Some((name, at_once)) = least.filter(|(_, at_once)| route.cost.get() > *at_once) {
        let place: Place = look.place(&at!["routes", index, "cost"]);
        let message = format!("the limit \"{name}\" admits {at_once} at once, so no request could ever pass");
        look.report.mistake(&place, message, ["lower the cost, or raise the limit's burst or requests"]);
    }
}

/// A plan that turns every request of a route away is as wrong as a limit that does.
fn of_plans(settings: &Settings) -> impl Iterator<Item = (String, u32)> {
    settings.plans.iter().flat_map(|(name, plan)| {
        let at_once = |limit: &PlanLimit| limit.burst.unwrap_or(limit.requests).get();
        plan.limits.iter().map(move |limit| (limit_name(name, limit.window), at_once(limit)))
    })
}

fn at_once(limit: &Limit) -> u32 {
    limit.burst.unwrap_or(limit.requests).get()
}

fn counts_callers(limit: &Limit) -> bool {
    matches!(limit.per, Per::Key | Per::Principal | Per::Account)
}
