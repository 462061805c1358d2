//! `requests`: endpoints that read a body, members that they read, and one member for each name.

use std::collections::BTreeMap;

use keyward_http::templates::requests::MEMBERS;

use super::Look;
use crate::place::at;
use crate::suggest::suggest;

pub(super) fn check(look: &mut Look<'_>) {
    for (endpoint, names) in &look.settings.requests {
        let Some((_, members)) = MEMBERS.iter().find(|(known, _)| known == endpoint) else {
            let help = suggest(endpoint, MEMBERS.iter().map(|(known, _)| *known));
            let place = look.place(&at!["requests", endpoint.as_str()]);
            look.report.mistake(&place, format!("no endpoint \"{endpoint}\" reads a body"), help);
            continue;
        };
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (ours, theirs) in names {
            let path = at!["requests", endpoint.as_str(), ours.as_str()];
            if !members.contains(&ours.as_str()) {
                let help = suggest(ours, members.iter().copied());
                let place = look.place(&path);
                look.report.mistake(&place, format!("\"{endpoint}\" reads no \"{ours}\""), help);
            }
            let other = seen.insert(theirs, ours).or_else(|| {
                // A member that nobody renamed keeps its name.
                members
                    .iter()
                    .copied()
                    .find(|member| member == theirs && member != ours && !names.contains_key(*member))
            });
            if let Some(other) = other {
                let message = format!("\"{theirs}\" would stand for two: \"{other}\" and \"{ours}\"");
                look.mistake(&path, message, ["one name each"]);
            }
        }
    }
}
