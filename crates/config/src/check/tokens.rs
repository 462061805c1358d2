//! `security.jwt`: what tokens say, and how long they count.

use std::time::Duration;

use keyward_core::algorithm::Algorithm;

use super::Look;
use crate::place::at;

/// The longest that a token which nobody looks up elsewhere should count.
const LONG: Duration = Duration::from_secs(24 * 3600);
/// Bytes of a name in a token.
const LONGEST: usize = 256;

pub(super) fn check(look: &mut Look<'_>) {
    let jwt = &look.settings.security.jwt;
    for (name, text) in [("type", &jwt.typ), ("issuer", &jwt.issuer), ("audience", &jwt.audience)] {
        if text.is_empty() || text.len() > LONGEST || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            look.mistake(
                &at!["security", "jwt", name],
                "this cannot stand in a token",
                ["1 to 256 bytes, no blanks and no control characters"],
            );
        }
    }
    for (name, span) in [("expiration", jwt.expiration), ("refresh_expiration", jwt.refresh_expiration)] {
        if span < Duration::from_secs(1) {
            look.mistake(&at!["security", "jwt", name], "tokens would never count", ["write 15m, for example"]);
        }
    }
    if jwt.secret.is_some() && jwt.algorithm != Algorithm::Hs256 {
        look.mistake(
            &at!["security", "jwt", "secret"],
            format!("a secret signs nothing where the algorithm is {}", jwt.algorithm.name()),
            ["write algorithm: HS256 beside it, or leave it out"],
        );
    }
    if jwt.expiration > LONG {
        look.warning(
            &at!["security", "jwt", "expiration"],
            "access tokens count for more than a day",
            ["services that check tokens by the JWK set alone learn of a revocation only at their end"],
        );
    }
    let prefix = &look.settings.security.api_keys.refresh_prefix;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if prefix.len() > 32 || !prefix.chars().all(plain) {
        look.mistake(
            &at!["security", "api_keys", "refresh_prefix"],
            "this cannot be what refresh tokens begin with",
            ["at most 32 of the characters a-z, A-Z, 0-9, _ and -"],
        );
    }
}
