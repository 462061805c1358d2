//! `endpoints`: no two on one path.

use keyward_core::route::{Pattern, Reading};

use super::Look;
use crate::place::at;

pub(super) fn check(look: &mut Look<'_>) {
    let endpoints = &look.settings.endpoints;
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (name, own) in endpoints.iter() {
        let taken = seen.iter().find(|(_, path)| *path == own.as_str()).map(|(other, _)| *other);
        let inside =
            endpoints.api_keys.as_ref().filter(|keys| name != "api_keys" && below(keys.as_str(), own.as_str()));
        if let Some(other) = taken.or(inside.map(|_| "api_keys")) {
            let message = format!("the endpoints \"{name}\" and \"{other}\" share this path");
            look.mistake(
                &at!["endpoints", name],
                message,
                ["each endpoint needs a path of its own; null turns one off"],
            );
        }
        seen.push((name, own.as_str()));
    }
}

/// Whether a path is that of one key below the list of keys.
fn below(keys: &str, path: &str) -> bool {
    let below = [format!("{keys}/*"), format!("{keys}/*/rotate")];
    below.iter().filter_map(|text| Pattern::parse(text).ok()).any(|pattern| pattern.matches(path, Reading::Raw))
}
