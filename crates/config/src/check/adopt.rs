//! `security.api_keys.adopt`: an address that keys may be sent to, a header that carries them, and an end.

use http::HeaderName;
use keyward_core::foreign::is_fetchable;
use keyward_core::scope::ScopeSet;

use super::Look;
use crate::place::at;

/// Headers that say something else.
const TAKEN: [&str; 6] = ["host", "connection", "content-length", "transfer-encoding", "accept", "expect"];

pub(super) fn check(look: &mut Look<'_>) {
    let keys = &look.settings.security.api_keys;
    let Some(adopt) = &keys.adopt else { return };
    let place = |part: &str| at!["security", "api_keys", "adopt", part];
    if !is_fetchable(&adopt.url) {
        let help = ["https://HOST/…, or http:// on 127.0.0.1, [::1] or localhost: the keys themselves go there"];
        look.mistake(&place("url"), "keys are not sent there", help);
    }
    let header = HeaderName::from_bytes(adopt.header().as_bytes());
    if header.is_err() || TAKEN.iter().any(|taken| adopt.header().eq_ignore_ascii_case(taken)) {
        look.mistake(&place("header"), "no header that a key could be in", ["X-API-Key or the like"]);
    }
    let scopes = adopt.scopes.as_ref().map(|scopes| ScopeSet::parse(scopes.iter().map(String::as_str)));
    if scopes.is_some_and(|scopes| scopes.is_err()) {
        look.mistake(&place("scopes"), "this is no list of scopes", ["as in [orders:read, \"billing:*\"]"]);
    }
    if !keys.enabled {
        let help = ["security.api_keys.enabled: true, or no adopt"];
        look.mistake(&at!["security", "api_keys", "adopt"], "no key is read", help);
    }
}
