//! `security.basic_auth`: whose username and password count.

use keyward_core::scheme::CredentialKind;
use secrecy::ExposeSecret as _;

use super::Look;
use crate::place::at;

/// Bytes of a username: it is told to the upstream in a header.
const LONGEST: usize = 128;
/// Shorter passwords can be guessed.
pub(super) const LONG_ENOUGH: usize = 12;

/// What is to be known of a username that is none.
pub(super) const USERNAME_HELP: &str =
    "1 to 128 bytes, no colon, no control characters, spaces only inside (RFC 7617 section 2)";

/// Whether Basic can carry a username.
pub(super) fn is_username(text: &str) -> bool {
    let is_odd = |c: char| c == ':' || c.is_control();
    (1..=LONGEST).contains(&text.len()) && text.trim() == text && !text.contains(is_odd)
}

pub(super) fn check(look: &mut Look<'_>) {
    let basic = &look.settings.security.basic_auth;
    match (&basic.username, &basic.password) {
        (Some(username), Some(password)) => {
            let is_short = password.expose_secret().chars().count() < LONG_ENOUGH;
            if !is_username(username) {
                look.mistake(
                    &at!["security", "basic_auth", "username"],
                    "this cannot be a username of Basic",
                    [USERNAME_HELP],
                );
            }
            if is_short {
                look.warning(
                    &at!["security", "basic_auth", "password"],
                    format!("the password is shorter than {LONG_ENOUGH} characters"),
                    ["short passwords can be guessed; make one with: openssl rand -base64 32"],
                );
            }
        }
        (Some(_), None) => look.mistake(
            &at!["security", "basic_auth", "username"],
            "a username without a password",
            ["write password: ${env:NAME} beside it; without both, Keyward's users count"],
        ),
        (None, Some(_)) => look.mistake(
            &at!["security", "basic_auth", "password"],
            "a password without a username",
            ["write username: beside it; Keyward's users have passwords of their own"],
        ),
        (None, None) => {}
    }
    if !basic.enabled {
        unread(look);
    }
}

/// Routes that nobody can pass, because the one scheme that they name is off.
fn unread(look: &mut Look<'_>) {
    let settings = look.settings;
    let is_basic = |name: &String| settings.schemes.get(name).is_some_and(|one| one.kind == CredentialKind::Basic);
    for (index, route) in settings.routes.iter().enumerate() {
        if !route.public && !route.schemes.is_empty() && route.schemes.iter().all(is_basic) {
            look.warning(
                &at!["routes", index, "schemes"],
                format!("nobody can pass the route \"{}\": Basic is off, and it reads nothing else", route.name),
                ["write security: {basic_auth: {enabled: true}}, or name another scheme"],
            );
        }
    }
}
