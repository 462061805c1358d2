//! The table of reasons (docs/reference/reasons.md): what each denial and fault looks like from outside.

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use keyward_core::api_key::Rejection;
use keyward_core::decision::{AddressRule, DecisionId, Denial, Fault, Forbidden, Limited, Reason};
use keyward_core::limit::Limit;
use keyward_core::machine::RequestFacts;
use keyward_core::page::PageFault;
use keyward_core::route::{Destination, Endpoint, Route};
use keyward_core::rules::Rules;
use keyward_core::scheme::{Carrier, CredentialKind, Scheme, SchemeId};

use crate::limits::{Told, retry_after};
use crate::names::display_name;
use crate::problem::{Answer, Problem};

/// The answer to a denied request.
pub fn denied(denial: &Denial, rules: &Rules, facts: &RequestFacts<'_>, decision: DecisionId) -> Answer {
    let route = denial.route.and_then(|id| rules.routes.get(id));
    let mut answer = problem(denial, route, rules, facts).answer(decision);
    if let Some(error) = challenge_error(denial.reason) {
        let value = challenge(route, rules, facts, error);
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
    }
    if let (Reason::WrongMethod, Ok(target)) = (denial.reason, facts.target) {
        let methods: Vec<&str> = rules.routes.own_methods(target.path()).map(http::Method::as_str).collect();
        if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
            answer.headers_mut().insert(ALLOW, value);
        }
    }
    if let Reason::Throttled(throttled) = denial.reason {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after(throttled.retry_after)));
    }
    if let Reason::Limited(Limited { limit, retry_after: wait }) = denial.reason {
        let caller = denial.credential.as_deref();
        if rules.limit(limit, caller).is_none_or(Limit::comes_back) {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after(wait)));
        }
        if let Some(standings) = &denial.standings {
            Told { rules, caller, standings, exceeded: Some(limit), decision }.set(answer.headers_mut());
        }
    }
    answer
}

/// The own endpoint that a denied request was for.
pub fn endpoint(denial: &Denial, rules: &Rules) -> Option<Endpoint> {
    match rules.routes.get(denial.route?)?.destination {
        Destination::Own(endpoint) => Some(endpoint),
        Destination::Upstream(_) | Destination::Operation(_) => None,
    }
}

/// The answer where it could not be found out: never a word on the credential.
pub fn faulted(fault: Fault, decision: DecisionId) -> Answer {
    let detail =
        format!("Keyward could not check this request: {fault}. Nothing is known of your credential; try again.");
    let mut answer =
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable", "Unavailable", detail).answer(decision);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// What is wrong with the way to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamFault {
    /// No connection, or it broke before an answer.
    Unreachable,
    /// Its certificate does not show that it is the one that was meant.
    Untrusted,
    /// It answered something that is not HTTP.
    Garbage,
    /// No answer in time.
    Timeout,
    /// As many connections are open as may be.
    Busy,
    /// No connection, as for some time before; in so many seconds an address is tried again as if nothing had been.
    Out(Option<u32>),
}

impl UpstreamFault {
    /// The word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "upstream unreachable",
            Self::Untrusted => "upstream not trusted",
            Self::Garbage => "upstream answered garbage",
            Self::Timeout => "upstream timed out",
            Self::Busy => "upstream busy",
            Self::Out(_) => "upstream out",
        }
    }

    /// The word for templates.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Untrusted => "untrusted",
            Self::Garbage => "garbage",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Out(_) => "out",
        }
    }

    /// The status: 502, 503 or 504 (RFC 9110 §15.6.3 to §15.6.5).
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Unreachable | Self::Untrusted | Self::Garbage => StatusCode::BAD_GATEWAY,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy | Self::Out(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer. It says nothing of the upstream's address.
    pub fn answer(self, decision: DecisionId) -> Answer {
        let (title, reason, detail) = match self {
            Self::Unreachable => (
                "Bad Gateway",
                "UpstreamUnreachable",
                "Keyward let the request pass, but the API behind it could not be reached.",
            ),
            Self::Untrusted => (
                "Bad Gateway",
                "UpstreamUntrusted",
                "Keyward let the request pass, but what stands where the API should be could not show that it is the API.",
            ),
            Self::Garbage => (
                "Bad Gateway",
                "UpstreamGarbage",
                "Keyward let the request pass, but the API behind it gave no valid HTTP answer.",
            ),
            Self::Timeout => (
                "Gateway Timeout",
                "UpstreamTimeout",
                "Keyward let the request pass, but the API behind it did not answer in time.",
            ),
            Self::Busy => (
                "Service Unavailable",
                "UpstreamBusy",
                "Keyward let the request pass, but as many requests as may be are on their way to the API behind it.",
            ),
            Self::Out(_) => (
                "Service Unavailable",
                "UpstreamOut",
                "Keyward let the request pass, but the API behind it has not been reached for some time.",
            ),
        };
        let mut answer = Problem::new(self.status(), title, reason, detail).answer(decision);
        if let Self::Out(Some(seconds)) = self {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

/// A head that nothing can be decided on (RFC 6750 §3.1: `invalid_request`).
pub fn malformed(detail: impl Into<String>, decision: DecisionId) -> Answer {
    let mut answer = Problem::new(StatusCode::BAD_REQUEST, "Bad Request", "Malformed", detail).answer(decision);
    let challenge = HeaderValue::from_static("ApiKey realm=\"keyward\", error=\"invalid_request\"");
    answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    answer
}

/// A preflight of a page that may not call; its browser only needs to see that nothing is allowed.
pub fn foreign_page(decision: DecisionId) -> Answer {
    let detail = "Web pages of this origin may not call this API.";
    Problem::new(StatusCode::FORBIDDEN, "Forbidden", "Forbidden", detail).answer(decision)
}

/// A body longer than the configuration or an own endpoint takes.
pub fn too_large(limit: u64, decision: DecisionId) -> Answer {
    let detail = format!("The body is larger than the {limit} bytes that are taken here.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Content Too Large", "TooLarge", detail).answer(decision)
}

fn problem(denial: &Denial, route: Option<&Route>, rules: &Rules, facts: &RequestFacts<'_>) -> Problem {
    let bad = |reason, detail: String| Problem::new(StatusCode::BAD_REQUEST, "Bad Request", reason, detail);
    let name = denial.reason.name();
    match rules.guarding.disclose.told(denial.reason) {
        Reason::NoRoute => {
            Problem::new(StatusCode::NOT_FOUND, "Not Found", name, "Keyward has no route for this path and method.")
        }
        Reason::WrongMethod => Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Method Not Allowed",
            name,
            "This endpoint of Keyward does not take this method.",
        ),
        Reason::Path(fault) => bad(name, format!("The path {fault}.")),
        Reason::Malformed(scheme, fault) => {
            bad(name, format!("The {} header {}.", carrier(rules, scheme), fault.text()))
        }
        Reason::Ambiguous(first, second) => bad(
            name,
            format!("Two credentials at once: {} and {}. Send one.", carrier(rules, first), carrier(rules, second)),
        ),
        Reason::NoCredential => unauthorized(name, how_to(route, rules)),
        Reason::Rejected(rejection) => {
            let kind = denial.scheme.and_then(|id| rules.scheme(id)).map(|scheme| scheme.kind);
            unauthorized(name, format!("The {} {}.", credential(kind, rejection), rejected(rejection)))
        }
        Reason::Forbidden(forbidden) => {
            Problem::new(StatusCode::FORBIDDEN, "Forbidden", name, forbidden_text(forbidden, route, facts))
        }
        Reason::Limited(Limited { limit, retry_after: wait }) => {
            let limit = rules.limit(limit, denial.credential.as_deref());
            let which = limit.map(|limit| format!(" `{}`", limit.name())).unwrap_or_default();
            let detail = if limit.is_none_or(Limit::comes_back) {
                let wait = retry_after(wait);
                format!("This is more than the limit{which} admits. Try again in {wait} s.")
            } else {
                format!("This is more than is left of{which}, and waiting brings nothing back.")
            };
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", name, detail)
        }
        Reason::Throttled(throttled) => {
            let wait = retry_after(throttled.retry_after);
            let detail = format!("Too many wrong credentials came from this address. Try again in {wait} s.");
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", name, detail)
        }
    }
}

fn unauthorized(reason: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized", reason, detail)
}

/// Expired, revoked and disabled are told only to those who showed the right secret: no other rejection carries them.
fn rejected(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::Unknown => "is not valid",
        Rejection::Expired => "has expired",
        Rejection::Disabled => "is disabled",
        Rejection::Revoked => "was revoked",
        Rejection::Repeated => "came before",
    }
}

/// What people call a credential of which this is told.
fn credential(kind: Option<CredentialKind>, rejection: Rejection) -> &'static str {
    match (kind, rejection) {
        (Some(CredentialKind::ApiKey), _) => "API key",
        (Some(CredentialKind::Jwt), _) => "token",
        (Some(CredentialKind::Webhook), _) => "delivery",
        (Some(CredentialKind::Basic), Rejection::Unknown) => "username or password",
        (Some(CredentialKind::Basic), _) => "user",
        (Some(CredentialKind::Session), Rejection::Disabled) => "user",
        (Some(CredentialKind::Session), _) => "session",
        (None, _) => "credential",
    }
}

fn forbidden_text(forbidden: Forbidden, route: Option<&Route>, facts: &RequestFacts<'_>) -> String {
    match forbidden {
        Forbidden::Address(AddressRule::ApiKey) => "This API key may not be used from this address.".to_owned(),
        Forbidden::Address(AddressRule::Account) => "This account may not be used from this address.".to_owned(),
        Forbidden::Address(_) => "Access from this address is not allowed.".to_owned(),
        Forbidden::Page(PageFault::Origin) => {
            "A session changes something only from a page of this origin; this request came from another.".to_owned()
        }
        Forbidden::Page(PageFault::Token) => {
            "A session changes something only with its token in the Keyward-CSRF header; \
             signing in and GET on who calls tell it."
                .to_owned()
        }
        Forbidden::Scope => format!(
            "The credential lacks a scope that this needs: {}.",
            route.map(|route| needed(route, facts)).unwrap_or_default()
        ),
    }
}

fn needed(route: &Route, facts: &RequestFacts<'_>) -> String {
    let scopes: Vec<&str> = route.scopes.needed(facts.method).map(|scope| scope.as_str()).collect();
    scopes.join(" ")
}

/// How to go on, for somebody who sent nothing.
fn how_to(route: Option<&Route>, rules: &Rules) -> String {
    let ways: Vec<String> = schemes(route)
        .iter()
        .filter_map(|id| rules.scheme(*id))
        // A browser sends a cookie by itself, once somebody has signed in.
        .filter(|scheme| !matches!(scheme.carrier, Carrier::Cookie(_)))
        .map(|scheme| match (scheme.carrier.word(), scheme.carrier.header()) {
            (Some(word), _) => format!("Authorization: {word} <{}>", placeholder(scheme)),
            (None, name) => format!("{}: <{}>", display_name(name.as_str()), placeholder(scheme)),
        })
        .collect();
    let takes = |kind| schemes(route).iter().any(|id| rules.scheme(*id).is_some_and(|scheme| scheme.kind == kind));
    let kinds = [
        (CredentialKind::ApiKey, "an API key"),
        (CredentialKind::Jwt, "a token"),
        (CredentialKind::Basic, "a username and password"),
        (CredentialKind::Webhook, "the proof of a webhook's sender"),
    ];
    let what: Vec<&str> = kinds.into_iter().filter(|(kind, _)| takes(*kind)).map(|(_, name)| name).collect();
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    if ways.is_empty() && takes(CredentialKind::Session) {
        return "Keyward wants a session for this path. Sign in first.".to_owned();
    }
    if ways.is_empty() {
        return "This route takes no credential that Keyward can read.".to_owned();
    }
    let (what, ways) = (either(&what, ", ", " or "), either(&ways, "`, `", "` or `"));
    format!("Keyward wants {what} for this path. Send it as `{ways}`.")
}

/// A list in words.
fn either(items: &[&str], comma: &str, or: &str) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] => [&head.join(comma), or, last].concat(),
    }
}

fn placeholder(scheme: &Scheme) -> &'static str {
    match (&scheme.carrier, scheme.kind) {
        (Carrier::Webhook(webhook), _) => webhook.placeholder(),
        (_, CredentialKind::ApiKey) => "key",
        (_, CredentialKind::Jwt) => "token",
        (_, CredentialKind::Webhook) => "signature",
        (_, CredentialKind::Basic) => "username:password in base64",
        (_, CredentialKind::Session) => "cookie",
    }
}

fn schemes(route: Option<&Route>) -> &[SchemeId] {
    route.and_then(|route| route.access.reads()).map_or(&[], |(schemes, _)| schemes)
}

fn carrier(rules: &Rules, scheme: SchemeId) -> String {
    let header = |scheme: &Scheme| display_name(scheme.carrier.header().as_str());
    rules.scheme(scheme).map_or_else(|| "Authorization".to_owned(), header)
}

/// The error code of the challenge (RFC 6750 §3.1): `Some(None)` is a challenge without one.
fn challenge_error(reason: Reason) -> Option<Option<&'static str>> {
    match reason {
        Reason::NoCredential => Some(None),
        Reason::Malformed(..) | Reason::Ambiguous(..) | Reason::Path(_) => Some(Some("invalid_request")),
        Reason::Rejected(_) => Some(Some("invalid_token")),
        Reason::Forbidden(Forbidden::Scope) => Some(Some("insufficient_scope")),
        _ => None,
    }
}

/// One challenge per way in (RFC 9110 §11.6.1). A header of its own has no scheme name; `ApiKey` stands for it.
fn challenge(route: Option<&Route>, rules: &Rules, facts: &RequestFacts<'_>, error: Option<&str>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for id in schemes(route) {
        let Some(carrier) = rules.scheme(*id).map(|scheme| &scheme.carrier) else { continue };
        let name = match (carrier.word(), carrier) {
            (Some(word), _) => word,
            (None, Carrier::Webhook(_)) => "Webhook",
            // No scheme of RFC 9110 stands for a cookie.
            (None, Carrier::Cookie(_)) => continue,
            (None, Carrier::Header(_) | Carrier::Authorization(_)) => "ApiKey",
        };
        if !names.iter().any(|one| one.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push("ApiKey");
    }
    let mut parameters = String::from("realm=\"keyward\"");
    if let Some(error) = error {
        parameters.push_str(&format!(", error=\"{error}\""));
    }
    if let (Some("insufficient_scope"), Some(route)) = (error, route) {
        parameters.push_str(&format!(", scope=\"{}\"", needed(route, facts)));
    }
    let challenge = |name: &&str| match name.eq_ignore_ascii_case("Basic") {
        // RFC 7617 §2 and §2.1: a realm, the encoding, and no word for errors.
        true => "Basic realm=\"keyward\", charset=\"UTF-8\"".to_owned(),
        false => format!("{name} {parameters}"),
    };
    names.iter().map(challenge).collect::<Vec<_>>().join(", ")
}
