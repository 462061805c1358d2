//! Headers that the configuration names: none that HTTP needs itself, and no two that somebody could take for one.

use std::collections::BTreeMap;

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};

use super::{Look, upstreams};
use crate::node::Node;
use crate::place::{Step, at};
use crate::settings::Upstream;

pub(super) fn check(look: &mut Look<'_>) {
    let settings = look.settings;
    let mut identity: BTreeMap<String, &str> = BTreeMap::new();
    let facts =
        settings.identity.headers.iter().map(|(fact, name)| (at!["identity", "headers", fact].to_vec(), fact, name));
    let token = (at!["identity", "token", "header"].to_vec(), "token", &settings.identity.token.header);
    for (path, fact, name) in facts.chain([token]) {
        if belongs_to_http(look, &path, name) {
            continue;
        }
        if [AUTHORIZATION, COOKIE, SET_COOKIE].contains(name) {
            look.mistake(&path, format!("the header {name} carries credentials"), ["choose a header of its own"]);
        }
        if let Some(other) = identity.insert(collapsed(name), fact) {
            look.mistake(
                &path,
                format!("the header of \"{fact}\" reads like that of \"{other}\""),
                ["case and everything but letters and digits do not count, because some servers drop them"],
            );
        }
    }
    for (name, upstream) in settings.upstreams() {
        own_headers(look, &upstreams::path(name), upstream, &identity);
    }
    let headers = settings.schemes.iter().flat_map(|(name, one)| {
        let both = [("header", &one.header), ("timestamp_header", &one.timestamp_header)];
        both.into_iter().filter_map(move |(part, header)| Some((name, part, header.as_ref()?)))
    });
    for (scheme, part, header) in headers {
        let path = at!["schemes", scheme.as_str(), part];
        if belongs_to_http(look, &path, header) {
            continue;
        }
        if *header == AUTHORIZATION {
            look.mistake(&path, "Authorization is no header of its own", ["write authorization: ApiKey, say, instead"]);
        }
        if identity.contains_key(&collapsed(header)) {
            look.mistake(
                &path,
                format!("the header {header} is one of identity.headers"),
                ["what a client sends there is always removed"],
            );
        }
    }
}

/// Headers that an upstream is sent with every request.
fn own_headers(look: &mut Look<'_>, at: &[Step], upstream: &Upstream, identity: &BTreeMap<String, &str>) {
    for name in upstream.headers.keys() {
        let all = [at, &at!["headers"]].concat();
        // The place is that of the name as written, whatever its case.
        let written = look.tree.at(&all).map(Node::entries).unwrap_or_default().iter();
        let written = written.map(|entry| entry.key.as_str()).find(|key| name.as_str().eq_ignore_ascii_case(key));
        let path = [all.as_slice(), &at![written.unwrap_or_default()]].concat();
        if !belongs_to_http(look, &path, name) && identity.contains_key(&collapsed(name)) {
            look.mistake(&path, format!("the header {name} is one of identity.headers"), ["Keyward alone sets those"]);
        }
    }
}

/// A header's name as the most careless reader sees it.
fn collapsed(name: &HeaderName) -> String {
    name.as_str().chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Reports headers that frame or route a message, or belong to one connection (RFC 9110 §7.6.1).
fn belongs_to_http(look: &mut Look<'_>, path: &[Step], name: &HeaderName) -> bool {
    const TAKEN: [&str; 12] = [
        "host",
        "contentlength",
        "transferencoding",
        "connection",
        "proxyconnection",
        "keepalive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxyauthorization",
        "proxyauthenticate",
    ];
    let taken = TAKEN.contains(&collapsed(name).as_str());
    if taken {
        look.mistake(path, format!("the header {name} belongs to HTTP itself"), ["choose a header of its own"]);
    }
    taken
}
