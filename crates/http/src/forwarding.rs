//! What an upstream is told of the way that a request came: `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded`, written
//! anew from what was verified.

use std::fmt::Write as _;
use std::net::IpAddr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::caller::{Caller, ClientAddress, Proxied};
use crate::hops::is_token;
use crate::names::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};

/// The way of one request, as the last hop sees it.
pub(crate) struct Way<'a> {
    pub(crate) caller: &'a Caller,
    /// The `Host` that we were sent.
    pub(crate) host: Option<HeaderValue>,
    /// How we were spoken to.
    pub(crate) scheme: &'static str,
    /// Which header the proxies here tell by. `Forwarded` is for those who asked for it.
    pub(crate) header: ClientAddress,
}

/// Sets the headers. Whatever came under these names must be gone by then.
pub(crate) fn tell(headers: &mut HeaderMap, way: Way<'_>) {
    let proxied = way.caller.proxied.as_deref();
    if way.header == ClientAddress::Forwarded {
        set(headers, FORWARDED, &forwarded(&way, proxied));
    }
    set(headers, X_FORWARDED_FOR, &chain(way.caller.address, proxied));
    let proto = proxied.and_then(|proxied| proxied.proto).unwrap_or(way.scheme);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
    if let Some(host) = proxied.and_then(|proxied| proxied.host.clone()).or(way.host) {
        headers.insert(X_FORWARDED_HOST, host);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Addresses, schemes and hosts are of letters that a field takes.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The caller, then the proxies that were verified.
fn chain(caller: IpAddr, proxied: Option<&Proxied>) -> String {
    let mut text = caller.to_string();
    for proxy in proxied.iter().flat_map(|proxied| &proxied.via) {
        // Writing to a text cannot fail.
        let _ = write!(text, ", {proxy}");
    }
    text
}

/// RFC 7239 §4: one element for the caller and for each proxy. The first says how the caller was served, the last how we were
/// spoken to.
fn forwarded(way: &Way<'_>, proxied: Option<&Proxied>) -> String {
    let mut text = String::new();
    let via = proxied.map_or(&[][..], |proxied| &proxied.via);
    element(&mut text, way.caller.address);
    if let Some(proxied) = proxied.filter(|proxied| !proxied.via.is_empty()) {
        parameters(&mut text, proxied.proto, proxied.host.as_ref());
    }
    for proxy in via {
        text.push_str(", ");
        element(&mut text, *proxy);
    }
    parameters(&mut text, Some(way.scheme), way.host.as_ref());
    text
}

fn element(text: &mut String, address: IpAddr) {
    let _ = match address {
        IpAddr::V4(address) => write!(text, "for={address}"),
        // RFC 7239 §6: in brackets, and therefore quoted.
        IpAddr::V6(address) => write!(text, "for=\"[{address}]\""),
    };
}

fn parameters(text: &mut String, proto: Option<&str>, host: Option<&HeaderValue>) {
    if let Some(host) = host.and_then(|host| host.to_str().ok()).filter(|host| !host.is_empty()) {
        // A host was found to hold nothing that a quoted string would have to escape.
        let quote = if host.chars().all(is_token) { "" } else { "\"" };
        let _ = write!(text, ";host={quote}{host}{quote}");
    }
    if let Some(proto) = proto {
        let _ = write!(text, ";proto={proto}");
    }
}
