//! What there is to be told: the answers that can have a template, by name, and the fields that each tells. Nothing else can be
//! in an answer, and a secret only where the answer is there to hand it out.

use http::Method;
use keyward_core::decision::{Forbidden, Reason};
use keyward_core::page::PageFault;
use keyward_core::route::Endpoint;

/// Something that a template can take up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// What it is called in `${…}`.
    pub name: &'static str,
    /// Where it stands in what is told.
    pub(super) at: &'static str,
    /// What it is.
    pub kind: Kind,
}

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A value.
    One,
    /// How long a list is.
    Count,
    /// A list for `$each`, whose items tell these fields.
    Many(&'static [Field]),
}

pub(super) const fn one(name: &'static str) -> Field {
    Field { name, at: name, kind: Kind::One }
}

pub(super) const fn renamed(name: &'static str, at: &'static str) -> Field {
    Field { name, at, kind: Kind::One }
}

pub(super) const fn count(name: &'static str, at: &'static str) -> Field {
    Field { name, at, kind: Kind::Count }
}

pub(super) const fn many(name: &'static str, at: &'static str, of_item: &'static [Field]) -> Field {
    Field { name, at, kind: Kind::Many(of_item) }
}

/// An answer that can have a template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject {
    /// Whether it refuses.
    pub refuses: bool,
    /// What is told in it.
    pub fields: &'static [Field],
}

const TOKENS: &[Field] = &[
    one("access_token"),
    one("token_type"),
    one("expires_in"),
    one("access_expires_at"),
    one("refresh_token"),
    one("user.id"),
    renamed("user.name", "user.username"),
];

/// As [`TOKENS`], or what a page is given beside a session's cookie.
const SIGNED_IN: &[Field] = &[
    one("access_token"),
    one("token_type"),
    one("expires_in"),
    one("access_expires_at"),
    one("refresh_token"),
    one("user.id"),
    renamed("user.name", "user.username"),
    one("csrf_token"),
];

const CLIENT_TOKENS: &[Field] = &[
    one("access_token"),
    one("token_type"),
    one("expires_in"),
    one("access_expires_at"),
    one("refresh_token"),
    one("scope"),
];

const TOKEN: &[Field] = &[
    one("active"),
    one("scope"),
    one("client_id"),
    one("username"),
    one("token_type"),
    one("exp"),
    one("iat"),
    one("nbf"),
    one("sub"),
    one("aud"),
    one("iss"),
    one("jti"),
];

const CALLER: &[Field] = &[
    one("id"),
    one("name"),
    one("kind"),
    one("account"),
    one("plan"),
    one("credential"),
    one("mode"),
    one("scopes"),
    one("expiresAt"),
    one("csrfToken"),
    one("user.id"),
    renamed("user.name", "user.username"),
    one("account_name"),
    one("account_status"),
];

const KEY: &[Field] = &[
    one("id"),
    one("name"),
    one("prefix"),
    one("mode"),
    one("status"),
    one("owner"),
    one("account"),
    one("scopes"),
    one("allowedIps"),
    one("externalId"),
    one("createdAt"),
    one("expiresAt"),
    one("lastUsedAt"),
    one("disabledAt"),
    one("revokedAt"),
    one("revokedReason"),
    one("replaces"),
    one("overlapEndsAt"),
    one("budget"),
];

/// As [`KEY`], with the key itself: the one answer that shows it.
const NEW_KEY: &[Field] = &[
    one("key"),
    one("secret"),
    one("id"),
    one("name"),
    one("prefix"),
    one("mode"),
    one("owner"),
    one("account"),
    one("scopes"),
    one("allowedIps"),
    one("externalId"),
    one("createdAt"),
    one("expiresAt"),
    one("replaces"),
];

const KEYS: &[Field] = &[many("keys", "data", KEY), count("count", "data"), one("nextCursor")];

const USAGE: &[Field] = &[
    many("rows", "data", &[one("hour"), one("credential"), one("route"), one("outcome"), one("count")]),
    count("count", "data"),
    one("nextCursor"),
    one("plan"),
    one("limits"),
];

/// The answers of own endpoints that do as they were asked.
pub const ANSWERS: &[(&str, &[Field])] = &[
    ("login", SIGNED_IN),
    ("refresh", TOKENS),
    ("logout", &[]),
    ("me", CALLER),
    ("token", CLIENT_TOKENS),
    ("exchange", CLIENT_TOKENS),
    ("revoke", &[one("revoked")]),
    ("introspect", TOKEN),
    ("metadata", &[one("issuer"), one("token_endpoint"), one("jwks_uri")]),
    ("jwks", &[one("keys")]),
    ("api_keys.list", KEYS),
    ("api_keys.create", NEW_KEY),
    ("api_keys.show", KEY),
    ("api_keys.change", KEY),
    ("api_keys.rotate", NEW_KEY),
    ("api_keys.revoke", &[]),
    ("usage", USAGE),
    ("health", &[one("status")]),
    ("ready", &[one("status")]),
];

/// What an own endpoint's answer is called: by the operation, where one endpoint has several.
pub fn operation(endpoint: Endpoint, method: &Method) -> &'static str {
    match (endpoint, method) {
        (Endpoint::ApiKeys, &Method::POST) => "api_keys.create",
        (Endpoint::ApiKeys, _) => "api_keys.list",
        (Endpoint::ApiKey, &Method::PATCH) => "api_keys.change",
        (Endpoint::ApiKey, &Method::DELETE) => "api_keys.revoke",
        (Endpoint::ApiKey, _) => "api_keys.show",
        (Endpoint::ApiKeyRotate, _) => "api_keys.rotate",
        (endpoint, _) => name(endpoint),
    }
}

/// An endpoint's name under `endpoints`.
pub const fn name(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ApiKeys | Endpoint::ApiKey | Endpoint::ApiKeyRotate => "api_keys",
        Endpoint::Login => "login",
        Endpoint::Refresh => "refresh",
        Endpoint::Logout => "logout",
        Endpoint::Me => "me",
        Endpoint::Token => "token",
        Endpoint::Exchange => "exchange",
        Endpoint::Revoke => "revoke",
        Endpoint::Introspect => "introspect",
        Endpoint::Metadata => "metadata",
        Endpoint::Jwks => "jwks",
        Endpoint::Usage => "usage",
        Endpoint::Portal => "portal",
        Endpoint::Health => "health",
        Endpoint::Ready => "ready",
    }
}

macro_rules! refusal {
    ($($more:expr),*) => {
        &[one("status"), one("title"), one("detail"), one("reason"), one("cause"), one("decision"), $($more),*]
    };
}

const REFUSAL: &[Field] = refusal!();
const WAITING: &[Field] = refusal!(one("retry_after"));
const LIMITED: &[Field] = refusal!(one("retry_after"), one("limit"));

/// Why a request is refused, with the causes that can be told apart, and what is told.
pub const REASONS: &[(&str, &[&str], &[Field])] = &[
    ("NoRoute", &[], REFUSAL),
    ("WrongMethod", &[], REFUSAL),
    ("NoCredential", &[], REFUSAL),
    ("Malformed", &["credential", "path", "head"], REFUSAL),
    ("Ambiguous", &[], REFUSAL),
    ("Rejected", &["unknown", "expired", "disabled", "revoked"], REFUSAL),
    ("Forbidden", &["scope", "address", "origin", "csrf", "tls"], REFUSAL),
    ("Limited", &[], LIMITED),
    ("Throttled", &[], WAITING),
    ("Unavailable", &[], WAITING),
    ("Upstream", &["unreachable", "untrusted", "garbage", "timeout", "busy", "out"], WAITING),
    ("TooLarge", &["head", "body"], REFUSAL),
    ("Incomplete", &[], REFUSAL),
    ("Invalid", &[], REFUSAL),
    ("NotFound", &[], REFUSAL),
    ("Conflict", &[], REFUSAL),
];

/// The cause within a reason.
pub const fn cause(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Path(_) => Some("path"),
        Reason::Malformed(..) => Some("credential"),
        Reason::Rejected(rejection) => Some(rejection.as_str()),
        Reason::Forbidden(Forbidden::Scope) => Some("scope"),
        Reason::Forbidden(Forbidden::Address(_)) => Some("address"),
        Reason::Forbidden(Forbidden::Page(PageFault::Origin)) => Some("origin"),
        Reason::Forbidden(Forbidden::Page(PageFault::Token)) => Some("csrf"),
        Reason::NoRoute
        | Reason::WrongMethod
        | Reason::NoCredential
        | Reason::Ambiguous(..)
        | Reason::Limited(_)
        | Reason::Throttled(_) => None,
    }
}

/// What a name under `responses` is about: `login`, `Rejected`, `Rejected.revoked`, or `login.Rejected`.
pub fn subject(text: &str) -> Option<Subject> {
    if let Some((_, fields)) = ANSWERS.iter().find(|(known, _)| *known == text) {
        return Some(Subject { refuses: false, fields });
    }
    let reason = |name: &str| REASONS.iter().find(|(known, ..)| *known == name);
    let found = match text.split_once('.') {
        None => reason(text),
        Some((endpoint, name)) if is_endpoint(endpoint) => reason(name),
        Some((name, cause)) => reason(name).filter(|(_, causes, _)| causes.contains(&cause)),
    };
    found.map(|(_, _, fields)| Subject { refuses: true, fields })
}

fn is_endpoint(text: &str) -> bool {
    ANSWERS.iter().any(|(known, _)| known.split('.').next() == Some(text))
}

/// Every name that may stand under `responses`, but for those of a refusal at one endpoint.
pub fn all() -> impl Iterator<Item = String> {
    let of_reason = |(name, causes, _): &(&str, &[&str], &[Field])| {
        let causes: Vec<String> = causes.iter().map(|cause| format!("{name}.{cause}")).collect();
        std::iter::once((*name).to_owned()).chain(causes)
    };
    ANSWERS.iter().map(|(name, _)| (*name).to_owned()).chain(REASONS.iter().flat_map(of_reason))
}
