//! Settings to what doors work by beside the rules: whose word on a caller is believed, and which pages may call.

use http::HeaderName;
use http::header::AUTHORIZATION;
use keyward_http::caller::TrustedProxies;
use keyward_http::cors::{Cors, Policy};

use crate::settings::Settings;

/// Whose word on a caller is believed.
pub fn trusted_proxies(settings: &Settings) -> TrustedProxies {
    TrustedProxies::new(settings.server.trusted_proxies.clone(), settings.server.client_address)
}

/// Which pages may call; `None` where nobody asked for that. Whatever carries a credential may be sent: a page that is let in
/// and may not show its key could do nothing.
pub fn cors(settings: &Settings) -> Option<Cors> {
    let cors = &settings.security.cors;
    let carriers = settings.schemes.values().map(|scheme| scheme.header.clone().unwrap_or(AUTHORIZATION));
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
