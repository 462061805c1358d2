//! `security.basic_auth`: whose username and password count.

use secrecy::ExposeSecret as _;

use super::Look;
use crate::place::at;

/// Bytes of a username: it is told to the upstream in a header.
const LONGEST: usize = 128;
/// Shorter passwords can be guessed.
const LONG_ENOUGH: usize = 12;

pub(super) fn check(look: &mut Look<'_>) {
    let basic = &look.settings.security.basic_auth;
    match (&basic.username, &basic.password) {
        (Some(username), Some(password)) => {
            let is_short = password.expose_secret().chars().count() < LONG_ENOUGH;
            if username.is_empty()
                || username.len() > LONGEST
                || username.trim() != username
                || username.contains(|c: char| c == ':' || c.is_control())
            {
                look.mistake(
                    &at!["security", "basic_auth", "username"],
                    "this cannot be a username of Basic",
                    ["1 to 128 bytes, no colon, no control characters, spaces only inside (RFC 7617 section 2)"],
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
}
