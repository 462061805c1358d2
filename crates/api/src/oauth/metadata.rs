//! `GET metadata` (RFC 8414): where the OAuth endpoints are and what they take, out of the rules in force.

use keyward_core::route::{Destination, Endpoint};
use keyward_core::rules::Rules;
use serde::Serialize;

/// The document. It is there only where the issuer is a URL.
#[derive(Serialize)]
pub(super) struct Metadata {
    issuer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    grant_types_supported: [&'static str; 2],
    /// There is no authorization endpoint, so none (RFC 8414 §2 wants the list all the same).
    response_types_supported: [&'static str; 0],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    revocation_endpoint_auth_methods_supported: [&'static str; 2],
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
}

/// How clients show themselves.
const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// The document of a configuration.
pub(super) fn of(rules: &Rules) -> Metadata {
    let url = |endpoint: Endpoint| {
        let leads = |destination: Destination| destination == Destination::Own(endpoint);
        let (_, route) = rules.routes.iter().find(|(_, route)| leads(route.destination))?;
        Some(format!("{}{}", rules.tokens.origin()?, route.pattern.as_str()))
    };
    Metadata {
        issuer: rules.tokens.issuer.to_string(),
        token_endpoint: url(Endpoint::Token),
        revocation_endpoint: url(Endpoint::Revoke),
        introspection_endpoint: url(Endpoint::Introspect),
        jwks_uri: url(Endpoint::Jwks),
        grant_types_supported: ["client_credentials", "refresh_token"],
        response_types_supported: [],
        token_endpoint_auth_methods_supported: METHODS,
        revocation_endpoint_auth_methods_supported: METHODS,
        introspection_endpoint_auth_methods_supported: METHODS,
    }
}
