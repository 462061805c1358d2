//! Settings to what doors work by beside the rules: whose word on a caller is believed, which pages may call, and in which words
//! requests are answered.

use http::header::AUTHORIZATION;
use http::{HeaderName, StatusCode};
use keyward_core::scheme::CredentialKind;
use keyward_http::caller::TrustedProxies;
use keyward_http::cors::{Cors, Policy};
use keyward_http::templates::requests::{Member, Requests};
use keyward_http::templates::tree::Tree;
use keyward_http::templates::{Response, Responses, names};

use crate::settings::Settings;

/// Whose word on a caller is believed.
pub fn trusted_proxies(settings: &Settings) -> TrustedProxies {
    TrustedProxies::new(settings.server.trusted_proxies.clone(), settings.server.client_address)
}

/// Which pages may call; `None` where nobody asked for that. Whatever carries a credential may be sent: a page that is let in
/// and may not show its key could do nothing.
pub fn cors(settings: &Settings) -> Option<Cors> {
    let cors = &settings.security.cors;
    // No page signs webhooks.
    let shown = settings.schemes.values().filter(|scheme| scheme.kind != CredentialKind::Webhook);
    let carriers = shown.map(|scheme| scheme.header.clone().unwrap_or(AUTHORIZATION));
    let mut headers: Vec<HeaderName> = cors.allowed_headers.clone();
    for carrier in carriers {
        if !headers.contains(&carrier) {
            headers.push(carrier);
        }
    }
    let policy = Policy {
        origins: cors.allowed_origins.clone(),
        methods: cors.allowed_methods.clone(),
        headers,
        exposed: cors.exposed_headers.clone(),
        credentials: cors.allow_credentials,
        max_age: cors.max_age.0,
    };
    cors.enabled.then(|| Cors::new(&policy))
}

/// In which words requests are answered.
pub fn responses(settings: &Settings) -> Responses {
    let response = |(name, one): (&String, &Option<crate::settings::Response>)| {
        // Keyward's own words, also where the reason at large has others.
        let Some(one) = one else { return (name.as_str().into(), Response::new(None, None)) };
        let status = one.status.and_then(|status| StatusCode::from_u16(status).ok());
        // What does not compile was refused by the checks.
        let fields = names::subject(name).map(|subject| subject.fields).unwrap_or_default();
        let body = one.body.as_ref().and_then(|body| Tree::compile(body, fields).ok());
        (name.as_str().into(), Response::new(status, body))
    };
    settings.responses.iter().map(response).collect()
}

/// What the members of requests' bodies are called.
pub fn requests(settings: &Settings) -> Requests {
    let member =
        |(ours, theirs): (&String, &String)| Member { ours: ours.as_str().into(), theirs: theirs.as_str().into() };
    settings
        .requests
        .iter()
        .map(|(endpoint, names)| (endpoint.as_str().into(), names.iter().map(member).collect()))
        .collect()
}
