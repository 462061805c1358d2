//! `upstream` and `upstreams`: addresses that are there and differ, spans in which a request can be answered, names that a
//! route leads to.

use std::time::Duration;

use super::Look;
use crate::place::{Step, at};
use crate::settings::{DEFAULT_UPSTREAM, Upstream};

/// The most addresses of one upstream.
const MOST: usize = 64;
/// The shortest span between two checks.
const SOONEST: Duration = Duration::from_millis(100);

/// Where an upstream stands in the configuration.
pub(super) fn path(name: &str) -> Vec<Step> {
    if name == DEFAULT_UPSTREAM { at!["upstream"].into() } else { at!["upstreams", name].into() }
}

pub(super) fn check(look: &mut Look<'_>) {
    let settings = look.settings;
    for name in settings.upstreams.keys() {
        let at = at!["upstreams", name.as_str()];
        look.name(&at, name);
        if name == DEFAULT_UPSTREAM {
            look.mistake(&at, "the upstream \"default\" has a section of its own", ["write it as upstream: …"]);
        } else if !settings.routes.iter().any(|route| route.upstream == *name) {
            look.warning(&at, "no route leads to this upstream", ["name it in a route, as upstream: NAME"]);
        }
    }
    for (name, upstream) in settings.upstreams() {
        addresses(look, &path(name), upstream, name == DEFAULT_UPSTREAM);
        spans(look, &path(name), upstream);
    }
}

fn addresses(look: &mut Look<'_>, at: &[Step], upstream: &Upstream, may_be_demo: bool) {
    let below = |steps: &[Step]| [at, steps].concat();
    let none = upstream.addresses().next().is_none();
    if upstream.url.is_some() && !upstream.urls.is_empty() {
        look.mistake(&below(&at!["urls"]), "both url and urls say where it is", ["write all addresses as urls"]);
    } else if none && !may_be_demo {
        look.mistake(at, "this upstream has no address", ["write url: http://127.0.0.1:3000, say"]);
    }
    if none && upstream.health.is_some() {
        look.mistake(&below(&at!["health"]), "there is no address to check", ["write url: http://127.0.0.1:3000, say"]);
    }
    if upstream.urls.len() > MOST {
        look.mistake(&below(&at!["urls"]), "too many addresses", ["an upstream has at most 64"]);
    }
    for (index, url) in upstream.urls.iter().enumerate() {
        if upstream.urls.iter().take(index).any(|earlier| earlier == url) {
            let help = ["each address has its turn; one that stands twice would have two"];
            look.mistake(&below(&at!["urls", index]), "this address stands here twice", help);
        }
    }
}

fn spans(look: &mut Look<'_>, at: &[Step], upstream: &Upstream) {
    let timeouts = &upstream.timeouts;
    let spans = [("connect", Some(timeouts.connect)), ("read", Some(timeouts.read)), ("total", timeouts.total)];
    for (name, span) in spans {
        if let Some(span) = span {
            look.span(&[at, &at!["timeouts", name]].concat(), span);
        }
    }
    if let Some(health) = upstream.health.as_ref().filter(|health| health.every < SOONEST) {
        let message = format!("{} ms is too often", health.every.as_millis());
        look.mistake(&[at, &at!["health", "every"]].concat(), message, ["at least 100ms; 5s suits most"]);
    }
}
