//! `server.trusted_proxies`, `server.client_address` and `security.cors`: what would believe or admit more than anybody can mean.

use http::{HeaderName, Method};
use keyward_http::caller::ClientAddress;
use keyward_http::cors::AllowedOrigin;

use super::Look;
use crate::place::{Step, at};

pub(super) fn check(look: &mut Look<'_>) {
    let settings = look.settings;
    for (index, network) in settings.server.trusted_proxies.iter().enumerate() {
        if network.prefix_len() == 0 {
            look.mistake(
                &at!["server", "trusted_proxies", index],
                "everybody would be a trusted proxy",
                ["then a caller's own word says who it is; list the addresses of your proxies"],
            );
        }
    }
    let server = &settings.server;
    if server.client_address == ClientAddress::ProxyProtocol && server.trusted_proxies.is_empty() {
        let help = ["list the addresses of your proxies under trusted_proxies"];
        look.warning(&at!["server", "client_address"], "no proxy is believed", help);
    }
    cors(look);
}

fn cors(look: &mut Look<'_>) {
    let cors = &look.settings.security.cors;
    let place = |index: usize| at!["security", "cors", "allowed_origins", index];
    if cors.enabled && cors.allowed_origins.is_empty() {
        let help = ["list its origins as in allowed_origins: [\"https://app.example.com\"], or leave cors off"];
        look.warning(&at!["security", "cors", "enabled"], "no page may call", help);
    }
    for (index, origin) in cors.allowed_origins.iter().enumerate() {
        match origin {
            AllowedOrigin::Any if cors.allow_credentials => look.mistake(
                &place(index),
                "every page could call with the cookies of whoever looks at it",
                ["write the origins of your pages out, or allow_credentials: false"],
            ),
            AllowedOrigin::Any if cors.allowed_origins.len() > 1 => {
                look.mistake(&place(index), "* stands alone", ["it means all; what stands beside it says nothing"]);
            }
            AllowedOrigin::Null if cors.allow_credentials => look.mistake(
                &place(index),
                "every page could call with the cookies of whoever looks at it",
                ["any page can have the origin null, in a sandboxed frame; list origins, or allow_credentials: false"],
            ),
            AllowedOrigin::Null => {
                look.warning(&place(index), "any page can have the origin null", ["in a sandboxed frame, say"]);
            }
            AllowedOrigin::Any | AllowedOrigin::Web(_) => {}
        }
    }
    if cors.allow_credentials {
        literal_stars(look);
    }
}

/// With credentials browsers take `*` in the other lists for a name (Fetch standard, "HTTP responses").
fn literal_stars(look: &mut Look<'_>) {
    let cors = &look.settings.security.cors;
    let names = |list: &[HeaderName]| list.iter().position(|name| name.as_str() == "*");
    let lists = [
        ("allowed_methods", cors.allowed_methods.iter().map(Method::as_str).position(|name| name == "*")),
        ("allowed_headers", names(&cors.allowed_headers)),
        ("exposed_headers", names(&cors.exposed_headers)),
    ];
    for (list, place) in lists {
        let Some(index) = place else { continue };
        let path: Vec<Step> = at!["security", "cors", list, index].into();
        look.mistake(&path, "with allow_credentials browsers take * for a name", ["write each one out"]);
    }
}
