//! `routes`: unique names, references that lead somewhere, and routes that can be reached.

use std::collections::BTreeMap;

use http::Method;
use keyward_core::route::{Methods, OWN_PREFIX};
use keyward_core::scheme::CredentialKind;

use super::Look;
use crate::node::{Node, Value};
use crate::place::at;
use crate::settings::Route;
use crate::suggest::suggest;

pub(super) fn check(look: &mut Look<'_>) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, route) in look.settings.routes.iter().enumerate() {
        let at = at!["routes", index, "name"];
        look.name(&at, &route.name);
        if names.insert(&route.name, index).is_some() {
            look.mistake(&at, format!("two routes are named \"{}\"", route.name), ["decisions name their route"]);
        }
        if route.public {
            public(look, index);
        } else {
            schemes(look, index, route);
            uncovered(look, index, route);
            unscoped_webhooks(look, index, route);
        }
        upstream(look, index, route);
        strip_prefix(look, index, route);
        unreachable(look, index, route);
    }
}

fn upstream(look: &mut Look<'_>, index: usize, route: &Route) {
    let settings = look.settings;
    if settings.upstreams().all(|(name, _)| name != route.upstream) {
        let place = look.place(&at!["routes", index, "upstream"]);
        let help = suggest(&route.upstream, settings.upstreams().map(|(name, _)| name));
        look.report.mistake(&place, format!("no upstream is named \"{}\"", route.upstream), help);
    }
}

/// What is stripped is what every path of the route begins with, and what is left is one path.
fn strip_prefix(look: &mut Look<'_>, index: usize, route: &Route) {
    let Some(prefix) = &route.strip_prefix else { return };
    let path = at!["routes", index, "strip_prefix"];
    if !route.path.begins_with(prefix.as_str()) {
        look.mistake(
            &path,
            format!("not every path of this route begins with {}", prefix.as_str()),
            ["only whole segments that stand in `path` as written, before any *, can be stripped"],
        );
    }
    if route.allow.empty_segment {
        look.mistake(
            &path,
            "what is left could begin with //, which many servers take for the name of a host",
            ["leave empty-segment out of `allow`, or strip nothing"],
        );
    }
    if route.allow.encoded_slash {
        look.mistake(
            &path,
            "what is left could begin with /%2F, which many servers take for //, and that for the name of a host",
            ["leave encoded-slash out of `allow`, or strip nothing"],
        );
    }
}

/// A public route reads no credential, so what it would ask of one is a misunderstanding.
fn public(look: &mut Look<'_>, index: usize) {
    for name in ["schemes", "scopes"] {
        let path = at!["routes", index, name];
        let empty = matches!(look.tree.at(&path), Some(Node { value: Value::List(items), .. }) if items.is_empty());
        if !empty && !look.place(&path).is_default() {
            look.mistake(
                &path,
                format!("a public route has no {name}"),
                ["no credential is read there; remove this, or public: true"],
            );
        }
    }
}

fn schemes(look: &mut Look<'_>, index: usize, route: &Route) {
    let settings = look.settings;
    let mut carriers = Vec::new();
    for (item, name) in route.schemes.iter().enumerate() {
        let path = at!["routes", index, "schemes", item];
        if !look.schemes.contains(name) {
            let place = look.place(&path);
            let help = suggest(name, look.schemes.iter().map(String::as_str));
            look.report.mistake(&place, format!("no scheme is named \"{name}\""), help);
        }
        let Some(scheme) = settings.schemes.get(name) else { continue };
        let carrier = scheme.place();
        if carriers.contains(&carrier) {
            look.mistake(&path, format!("\"{name}\" reads what another scheme of this route reads"), ["remove one"]);
        }
        carriers.push(carrier);
    }
    let path = at!["routes", index, "schemes"];
    if route.schemes.is_empty() {
        look.mistake(&path, "without schemes nobody can pass", ["public: true opens a route to everybody"]);
    }
}

/// A webhook has no scopes, so that a route that needs one would let none through.
fn unscoped_webhooks(look: &mut Look<'_>, index: usize, route: &Route) {
    let schemes = &look.settings.schemes;
    let is_webhook = |name: &String| schemes.get(name).is_some_and(|one| one.kind == CredentialKind::Webhook);
    let sets = route.scopes.by_method.iter().map(|(_, scopes)| scopes).chain([&route.scopes.otherwise]);
    let needs = { sets }.any(|scopes| scopes.iter().next().is_some());
    if needs && route.schemes.iter().any(is_webhook) {
        let help = ["a webhook proves its sender, and has no scopes: every delivery would be 403"];
        look.mistake(&at!["routes", index, "scopes"], "a route of a webhook has no scopes", help);
    }
}

/// Scopes by method that leave some methods without any.
fn uncovered(look: &mut Look<'_>, index: usize, route: &Route) {
    let named = &route.scopes.by_method;
    let path = at!["routes", index, "scopes"];
    if named.is_empty() || look.tree.at(&path).is_some_and(|scopes| scopes.get("*").is_some()) {
        return;
    }
    let covered = Methods::new(named.iter().map(|(method, _)| method.clone()).collect());
    if route.methods.is_empty() || !route.methods.iter().all(|method| covered.contain(method)) {
        look.mistake(
            &path,
            "methods that are not named here would need no scope",
            [
                "add \"*\" for the others, as in {GET: [orders:read], \"*\": [orders:write]}",
                "\"*\": [] says that they need none",
            ],
        );
    }
}

fn unreachable(look: &mut Look<'_>, index: usize, route: &Route) {
    let at = at!["routes", index, "path"];
    let text = route.path.as_str();
    if text.strip_prefix(OWN_PREFIX).is_some_and(|below| below.is_empty() || below.starts_with('/')) {
        look.warning(&at, "no request reaches this route", ["paths below /_keyward are Keyward's own"]);
        return;
    }
    let before = look.settings.routes.iter().take(index).find(|earlier| covers(earlier, route));
    if let Some(earlier) = before {
        let message = format!("no request reaches this route: \"{}\" matches first", earlier.name);
        look.warning(&at, message, ["the first match wins; put the narrower route first"]);
    }
}

/// Whether an earlier route matches whatever a later one matches. Only the plain cases are seen.
fn covers(earlier: &Route, later: &Route) -> bool {
    let path = earlier.path.as_str() == "/**" || earlier.path == later.path;
    let methods = Methods::new(earlier.methods.clone());
    let all = |methods: &[Method]| methods.is_empty();
    path && (all(&earlier.methods) || (!all(&later.methods) && later.methods.iter().all(|one| methods.contain(one))))
}
