//! `security.api_keys`: operators' own keys.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;

use super::Look;
use crate::place::at;

/// Bytes of a name: it is told to the upstream in a header.
const LONGEST_NAME: usize = 128;
const NAME_HELP: &str = "1 to 128 bytes, no control characters, spaces only inside";

/// Shorter keys can be guessed.
const LONG_ENOUGH: usize = 32;

pub(super) fn check(look: &mut Look<'_>) {
    let keys = &look.settings.security.api_keys;
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut secrets: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, key) in keys.static_keys.iter().enumerate() {
        let place = |name: &str| at!["security", "api_keys", "static", index, name];
        if key.name.is_empty() || key.name.len() > LONGEST_NAME || key.name.trim() != key.name || has_control(&key.name)
        {
            look.mistake(&place("name"), "this cannot be the name of a key", [NAME_HELP]);
        }
        if names.insert(&key.name, index).is_some() {
            look.mistake(
                &place("name"),
                format!("two static keys are named \"{}\"", key.name),
                ["the name is the principal; two keys of one name could not be told apart"],
            );
        }
        let display = key.display.as_deref().unwrap_or("x");
        if display.is_empty() || display.len() > LONGEST_NAME || display.trim() != display || has_control(display) {
            look.mistake(&place("display"), "nobody can be called this", [NAME_HELP]);
        }
        let secret = key.key.expose_secret();
        if let Some(other) = secrets.insert(secret, &key.name) {
            look.mistake(
                &place("key"),
                format!("the same key as that of \"{other}\""),
                ["each name has a key of its own"],
            );
        }
        if secret.len() < LONG_ENOUGH {
            let message = format!("the key of \"{}\" is shorter than {LONG_ENOUGH} bytes", key.name);
            look.warning(&place("key"), message, ["short keys can be guessed; make one with: openssl rand -base64 32"]);
        }
    }
    let here = at!["security", "api_keys", "open_if_none"];
    if keys.open_if_none && keys.static_keys.is_empty() {
        let host = look.settings.server.host;
        let help = ["set one, or remove open_if_none"];
        if host.is_loopback() || look.settings.server.socket.is_some() {
            look.warning(&here, "all routes are open: there is no static key", help);
        } else {
            let message = format!("ALL ROUTES ARE OPEN TO EVERYBODY WHO REACHES {host}: there is no static key");
            look.warning(&here, message, help);
        }
    }
    let security = &look.settings.security;
    if !keys.enabled && !security.jwt.enabled && !security.basic_auth.enabled {
        let here = at!["security", "api_keys", "enabled"];
        look.warning(
            &here,
            "no credential is read",
            ["only public routes pass until another kind of credential is on"],
        );
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}
