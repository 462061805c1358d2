//! `schemes`: one carrier each.

use keyward_core::scheme::CredentialKind;

use super::{Look, webhooks};
use crate::place::at;
use crate::settings::Scheme;
use crate::text::is_token;

/// Whether the kind of a scheme says where it is read.
fn has_its_place(look: &mut Look<'_>, name: &str, scheme: &Scheme) -> bool {
    let (place, why) = match scheme.kind {
        CredentialKind::Basic => {
            ("Authorization: Basic", "leave this out: kind: basic says where it is read (RFC 7617)")
        }
        CredentialKind::Session => ("Keyward's own cookie", "leave this out: kind: session says where it is read"),
        CredentialKind::ApiKey | CredentialKind::Jwt | CredentialKind::Webhook => return false,
    };
    for (part, is_there) in [("header", scheme.header.is_some()), ("authorization", scheme.authorization.is_some())] {
        if is_there {
            look.mistake(
                &at!["schemes", name, part],
                format!("the scheme \"{name}\" reads {place} and nothing else"),
                [why],
            );
        }
    }
    true
}

pub(super) fn check(look: &mut Look<'_>) {
    let settings = look.settings;
    for (name, scheme) in &settings.schemes {
        look.name(&at!["schemes", name.as_str()], name);
        webhooks::check(look, name, scheme);
        if scheme.kind == CredentialKind::Webhook || has_its_place(look, name, scheme) {
            continue;
        }
        match (&scheme.header, &scheme.authorization) {
            (Some(_), Some(_)) => look.mistake(
                &at!["schemes", name.as_str()],
                format!("the scheme \"{name}\" has both header and authorization"),
                ["a scheme reads one place; name a second scheme for the other"],
            ),
            (None, None) => look.mistake(
                &at!["schemes", name.as_str()],
                format!("the scheme \"{name}\" reads nothing"),
                ["write header: X-API-Key or authorization: ApiKey"],
            ),
            (None, Some(word)) if !is_token(word) => look.mistake(
                &at!["schemes", name.as_str(), "authorization"],
                "this cannot be the word before a credential",
                ["one word as in Authorization: ApiKey … (RFC 9110 section 11.1)"],
            ),
            _ => {}
        }
    }
    for role in settings.roles.keys() {
        look.name(&at!["roles", role.as_str()], role);
    }
}
