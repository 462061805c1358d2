//! Keyward's own defaults: two committed texts of the same form as a configuration, the weakest layer.

use crate::merge::merge;
use crate::node::{Node, Value};
use crate::parse::parse;
use crate::place::{Origin, Place, Step, at};

/// The configuration that holds where nobody says anything.
pub(crate) const ALL: &str = include_str!("defaults.yaml");
/// What holds for every item of `routes`.
pub(crate) const ROUTE: &str = include_str!("defaults_route.yaml");

/// The defaults as trees.
pub(crate) struct Defaults {
    all: Node,
    route: Node,
}

impl Defaults {
    /// Reads the committed texts; a test reads them too, so no configuration meets one that does not parse.
    pub(crate) fn new() -> Self {
        let tree = |text| parse(text, &Origin::Default);
        let nothing = || Node::map(Place::of(Origin::Default), []);
        let route = tree(ROUTE).unwrap_or_else(|_| nothing());
        let mut all = tree(ALL).unwrap_or_else(|_| nothing());
        complete_routes(&mut all, &route);
        Self { all, route }
    }

    /// The weakest layer.
    pub(crate) fn tree(&self) -> Node {
        self.all.clone()
    }

    /// What every route has in common.
    pub(crate) fn route(&self) -> Node {
        self.route.clone()
    }

    /// What a path has by default. Items of lists have none, but routes have theirs in common.
    pub(crate) fn at(&self, path: &[Step]) -> Option<&Node> {
        match path {
            [Step::Key(routes), Step::Item(_), rest @ ..] if routes == "routes" && !rest.is_empty() => {
                self.route.at(rest)
            }
            [Step::Key(upstreams), Step::Key(_), rest @ ..] if upstreams == "upstreams" && !rest.is_empty() => {
                self.all.at(&at!["upstream"])?.at(rest)
            }
            _ if path.iter().any(|step| matches!(step, Step::Item(_))) => None,
            _ => self.all.at(path),
        }
    }

    /// Gives every further upstream what it does not say itself: what holds for the default one.
    pub(crate) fn complete_upstreams(&self, tree: &mut Node) {
        let Some(common) = self.all.at(&at!["upstream"]) else { return };
        let Some(Node { value: Value::Map(upstreams), .. }) = tree.at_mut(&at!["upstreams"]) else { return };
        for entry in upstreams.iter_mut().filter(|entry| matches!(entry.node.value, Value::Map(_))) {
            let mut upstream = common.clone();
            merge(&mut upstream, entry.node.clone());
            entry.node = upstream;
        }
    }

    /// Gives every route what it does not say itself: the defaults of routes, and `route-N` as name.
    pub(crate) fn complete_routes(&self, tree: &mut Node) {
        complete_routes(tree, &self.route);
    }
}

fn complete_routes(tree: &mut Node, common: &Node) {
    let Some(Node { value: Value::List(routes), .. }) = tree.at_mut(&at!["routes"]) else { return };
    for (index, item) in routes.iter_mut().enumerate() {
        if !matches!(item.value, Value::Map(_)) {
            continue;
        }
        let mut route = common.clone();
        route.set("name", Node::outer(format!("route-{}", index + 1), Origin::Default));
        merge(&mut route, item.clone());
        *item = route;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_texts_are_read() {
        let defaults = Defaults::new();
        assert!(defaults.at(&at!["server", "port"]).is_some());
        assert!(defaults.at(&at!["routes", 7, "several"]).is_some());
        assert!(defaults.at(&at!["security", "api_keys", "static", 0]).is_none());
    }
}
