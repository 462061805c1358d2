//! What types cannot say: names that are unique, references that lead somewhere, values that contradict each other.

mod adopt;
mod basic_auth;
mod callers;
mod endpoints;
mod env;
mod headers;
mod issuers;
mod keys;
mod limits;
mod plans;
mod portal;
mod requests;
mod responses;
mod routes;
mod schemes;
mod server;
mod sessions;
mod throttle;
mod tls;
mod tokens;
mod upstreams;
mod webhooks;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::node::Node;
use crate::place::{Place, Step};
use crate::report::Report;
use crate::settings::Settings;

/// What a check looks at, and where it reports.
pub(crate) struct Look<'a> {
    pub(crate) settings: &'a Settings,
    /// The tree that the settings were read from, for places.
    pub(crate) tree: &'a Node,
    /// Names of schemes that count as known.
    pub(crate) schemes: &'a BTreeSet<String>,
    pub(crate) report: &'a mut Report,
}

/// Runs every check.
pub(crate) fn check(look: &mut Look<'_>) {
    server::check(look);
    tls::check(look);
    callers::check(look);
    headers::check(look);
    schemes::check(look);
    upstreams::check(look);
    routes::check(look);
    limits::check(look);
    plans::check(look);
    portal::check(look);
    keys::check(look);
    adopt::check(look);
    basic_auth::check(look);
    sessions::check(look);
    throttle::check(look);
    tokens::check(look);
    issuers::check(look);
    endpoints::check(look);
    requests::check(look);
    responses::check(look);
    env::check(look);
}

impl Look<'_> {
    fn place(&self, path: &[Step]) -> Place {
        self.tree.place(path)
    }

    fn mistake<const N: usize>(&mut self, path: &[Step], message: impl Into<String>, help: [&str; N]) {
        let place = self.place(path);
        self.report.mistake(&place, message, help);
    }

    fn warning<const N: usize>(&mut self, path: &[Step], message: impl Into<String>, help: [&str; N]) {
        let place = self.place(path);
        self.report.warning(&place, message, help);
    }

    /// A span in which something has to come about.
    fn span(&mut self, path: &[Step], span: Duration) {
        if span.is_zero() {
            self.mistake(path, "no time at all", ["every request would fail; write a longer time"]);
        }
    }

    /// Names of things in the configuration are short and plain: they stand in decisions and logs.
    fn name(&mut self, path: &[Step], name: &str) {
        const LONGEST: usize = 64;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > LONGEST || !name.chars().all(plain) {
            self.mistake(
                path,
                "this cannot be a name",
                ["a name has 1 to 64 of the characters a-z, A-Z, 0-9, - and _"],
            );
        }
    }
}
