//! `security.issuers`: names that cannot be mistaken for another's, and addresses that keys may be fetched from.

use std::collections::BTreeSet;

use keyward_core::foreign::is_fetchable;

use super::Look;
use crate::place::at;

/// Claims that say something else than scopes.
const TAKEN: [&str; 9] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "azp"];
/// The longest name: it is told to the upstream.
const LONGEST: usize = 256;
const REACHABLE: &str = "https://HOST/…, or http:// on 127.0.0.1, [::1] or localhost";

pub(super) fn check(look: &mut Look<'_>) {
    let security = &look.settings.security;
    let mut names = BTreeSet::new();
    for (index, one) in security.issuers.iter().enumerate() {
        let place = |part: &str| at!["security", "issuers", index, part];
        let name = one.issuer.as_str();
        let is_plain = |byte: u8| (b'!'..=b'~').contains(&byte) && byte != b'#';
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(is_plain) {
            let help = ["as the issuer writes `iss`: 1 to 256 visible characters, no #"];
            look.mistake(&place("issuer"), "this cannot be the name of an issuer", help);
        } else if one.jwks_url.is_none() && !is_fetchable(name) {
            let help = ["write jwks_url, or an issuer whose metadata can be fetched", REACHABLE];
            look.mistake(&place("issuer"), "no keys can be found by this name", help);
        }
        if !names.insert(name) {
            look.mistake(
                &place("issuer"),
                "this issuer comes twice",
                ["one entry for each; its tokens have one audience"],
            );
        }
        if name == security.jwt.issuer {
            let help = ["security.jwt.issuer is that of Keyward's own tokens; the two could not be told apart"];
            look.mistake(&place("issuer"), "this is what Keyward calls itself", help);
        }
        if one.jwks_url.as_ref().is_some_and(|url| !is_fetchable(url)) {
            look.mistake(&place("jwks_url"), "keys are not fetched from there", [REACHABLE]);
        }
        if one.audience.trim().is_empty() {
            let help = ["without it a token for anybody else's API would count here"];
            look.mistake(&place("audience"), "no audience", help);
        }
        if one.scope_claim.as_deref().is_some_and(|claim| claim.is_empty() || TAKEN.contains(&claim)) {
            look.mistake(&place("scope_claim"), "this claim holds no scopes", ["scope, scp, permissions or the like"]);
        }
        let is_type = |typ: &String| !typ.is_empty() && typ.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        if one.types.as_ref().is_some_and(|types| types.is_empty() || !types.iter().all(is_type)) {
            look.mistake(&place("types"), "no type that a token could have", ["as in types: [at+jwt]"]);
        }
    }
    if !security.issuers.is_empty() && !security.jwt.enabled {
        let help = ["security.jwt.enabled: true, or no issuers"];
        look.mistake(&at!["security", "issuers"], "no token is read", help);
    }
}
