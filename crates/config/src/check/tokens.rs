//! `security.jwt`: what tokens say, and how long they count.

use std::time::Duration;

use keyward_core::algorithm::Algorithm;
use keyward_core::token::{IDENTITY_TYPE, TokenRules};

use super::Look;
use crate::place::at;

/// The longest that a token which nobody looks up elsewhere should count.
const LONG: Duration = Duration::from_secs(24 * 3600);
/// The shortest that a key should sign.
const SHORTEST_TURN: Duration = Duration::from_secs(3600);
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
    if jwt.rotate_every.is_some_and(|every| every < SHORTEST_TURN) {
        look.mistake(
            &at!["security", "jwt", "rotate_every"],
            "keys would follow each other faster than anybody could hear of them",
            ["write 1h or more, or null to rotate by hand"],
        );
    }
    let jwt = &look.settings.security.jwt;
    if jwt.secret.is_some() && jwt.algorithm != Algorithm::Hs256 {
        look.mistake(
            &at!["security", "jwt", "secret"],
            format!("a secret signs nothing where the algorithm is {}", jwt.algorithm.name()),
            ["write algorithm: HS256 beside it, or leave it out"],
        );
    }
    roles(look);
    identity(look);
    let jwt = &look.settings.security.jwt;
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

/// The token that upstreams are given.
fn identity(look: &mut Look<'_>) {
    let (token, jwt) = (&look.settings.identity.token, &look.settings.security.jwt);
    let is_taken = jwt.typ == IDENTITY_TYPE;
    let unseen = token.enabled && jwt.algorithm == Algorithm::Hs256;
    let fits = (Duration::from_secs(2)..=LONG).contains(&token.expiration);
    if is_taken {
        look.mistake(
            &at!["security", "jwt", "type"],
            "this is the type of the tokens that upstreams are given",
            ["a token of theirs must never let anybody in; write at+jwt or JWT"],
        );
    }
    if unseen {
        look.mistake(
            &at!["identity", "token", "enabled"],
            "nobody could check it: HS256 has no public key",
            ["sign with EdDSA, ES256 or RS256 (security.jwt.algorithm)"],
        );
    }
    if !fits {
        look.mistake(
            &at!["identity", "token", "expiration"],
            "this is no time for a token that goes no further than the upstream",
            ["from 2s to 24h; write 60s, for example"],
        );
    }
}

/// A token names each scope of its user's roles, and one that is too long is read by nobody.
fn roles(look: &mut Look<'_>) {
    let jwt = &look.settings.security.jwt;
    let texts = (jwt.issuer.as_str().into(), jwt.audience.as_str().into(), jwt.typ.as_str().into());
    let room = TokenRules { issuer: texts.0, audience: texts.1, typ: texts.2 }.room_for_scopes();
    let roles = look.settings.roles.iter().map(|(name, scopes)| (name.clone(), scopes.as_list().len()));
    let large: Vec<(String, usize)> = roles.filter(|(_, length)| *length > room).collect();
    for (name, length) in large {
        look.warning(
            &at!["roles", &*name],
            format!("nobody with this role can sign in: its scopes are {length} bytes, and a token holds {room}"),
            ["write `a:*` for all scopes that begin with `a:`; keys of such a user are not concerned"],
        );
    }
}
