//! What each fact means and what to do about it, one rule a function; the table at the head is all of them.

use super::facts::Facts;
use super::{Finding, Kind, configuration, records, transport};

/// One rule.
type Rule = fn(&Facts) -> Vec<Finding>;

/// All rules, in the order of their findings.
const RULES: &[Rule] = &[
    configuration::config_mistakes,
    records::config_differs,
    records::store_unreachable,
    records::records_skipped,
    records::audit_broken,
    records::files_readable,
    records::decisions_set_aside,
    transport::tls_unusable,
    transport::tls_key_readable,
    configuration::public_routes,
    configuration::open_if_none,
    configuration::config_warnings,
    records::no_store,
    configuration::proxies_too_wide,
    transport::tls_off,
    transport::tls_ends,
    configuration::control_plane_exposed,
    transport::upstream_reach,
    configuration::static_keys,
    configuration::credentials_go_on,
    configuration::odd_paths,
    configuration::first_of_several,
    configuration::long_tokens,
    records::initial_password,
    records::master_key_beside,
    records::keys_without_end,
    records::keys_for_everything,
    records::keys_of_operators,
    records::keys_unused,
    records::users_idle,
    records::users_without_rights,
    records::accounts_on_unknown_plans,
    configuration::no_decisions,
];

/// Every finding.
pub fn examine(facts: &Facts) -> Vec<Finding> {
    let mut all: Vec<Finding> = RULES.iter().flat_map(|rule| rule(facts)).collect();
    // What a rule says of a value need not be said again as a warning about its line.
    let places: Vec<String> = all.iter().map(|finding| finding.place.clone()).collect();
    all.retain(|finding| {
        let line = finding.place.rsplit_once(':').map_or(finding.place.as_str(), |(line, _)| line);
        finding.code != "config-warning" || !places.iter().any(|place| place.ends_with(&format!("({line})")))
    });
    all
}

/// A finding.
pub(super) fn finding(
    (kind, code): (Kind, &'static str),
    place: impl Into<String>,
    what: impl Into<String>,
    advice: &str,
) -> Finding {
    Finding { code, kind, place: place.into(), what: what.into(), advice: advice.to_owned() }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
