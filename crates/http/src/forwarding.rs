//! What an upstream is told of the way that a request came: `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded`, written
//! anew from what was verified.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use http::HeaderValue;
use http::header::FORWARDED;

use crate::caller::{Caller, ClientAddress, Proxied};
use crate::edits::Put;
use crate::hops::is_token;
use crate::names::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};

/// The way of one request, as the last hop sees it.
pub(crate) struct Way<'a> {
    pub(crate) caller: &'a Caller,
    /// The `Host` that we were sent.
    pub(crate) host: Option<&'a [u8]>,
    /// How we were spoken to.
    pub(crate) scheme: &'static str,
    /// Which header the proxies here tell by. `Forwarded` is for those who asked for it.
    pub(crate) header: ClientAddress,
}

/// Gives the fields. Whatever came under these names must be gone by then.
pub(crate) fn visit(way: &Way<'_>, put: &mut impl Put) {
    let proxied = way.caller.proxied.as_deref();
    if way.header == ClientAddress::Forwarded {
        put(FORWARDED.as_str().as_bytes(), forwarded(way, proxied).as_bytes());
    }
    match (proxied, way.caller.address) {
        (None, IpAddr::V4(address)) => {
            let (text, used) = written(address);
            put(X_FORWARDED_FOR.as_str().as_bytes(), text.get(..used).unwrap_or_default());
        }
        _ => put(X_FORWARDED_FOR.as_str().as_bytes(), chain(way.caller.address, proxied).as_bytes()),
    }
    let proto = proxied.and_then(|proxied| proxied.proto).unwrap_or(way.scheme);
    put(X_FORWARDED_PROTO.as_str().as_bytes(), proto.as_bytes());
    let told = proxied.and_then(|proxied| proxied.host.as_ref()).map(HeaderValue::as_bytes);
    if let Some(host) = told.or(way.host) {
        put(X_FORWARDED_HOST.as_str().as_bytes(), host);
    }
}

/// An address as text, and its length. Most requests have one, and formatting costs more than all the rest of the field.
fn written(address: Ipv4Addr) -> ([u8; 15], usize) {
    let (mut text, mut used) = ([0; 15], 0);
    let mut put = |byte: u8| {
        if let Some(place) = text.get_mut(used) {
            *place = byte;
            used += 1;
        }
    };
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            put(b'.');
        }
        if octet >= 100 {
            put(b'0' + octet / 100);
        }
        if octet >= 10 {
            put(b'0' + octet / 10 % 10);
        }
        put(b'0' + octet % 10);
    }
    (text, used)
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
        parameters(&mut text, proxied.proto, proxied.host.as_ref().map(HeaderValue::as_bytes));
    }
    for proxy in via {
        text.push_str(", ");
        element(&mut text, *proxy);
    }
    parameters(&mut text, Some(way.scheme), way.host);
    text
}

fn element(text: &mut String, address: IpAddr) {
    let _ = match address {
        IpAddr::V4(address) => write!(text, "for={address}"),
        // RFC 7239 §6: in brackets, and therefore quoted.
        IpAddr::V6(address) => write!(text, "for=\"[{address}]\""),
    };
}

fn parameters(text: &mut String, proto: Option<&str>, host: Option<&[u8]>) {
    if let Some(host) = host.and_then(|host| std::str::from_utf8(host).ok()).filter(|host| !host.is_empty()) {
        // A host was found to hold nothing that a quoted string would have to escape.
        let quote = if host.chars().all(is_token) { "" } else { "\"" };
        let _ = write!(text, ";host={quote}{host}{quote}");
    }
    if let Some(proto) = proto {
        let _ = write!(text, ";proto={proto}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_they_are_read() {
        for octet in 0..=255 {
            for address in
                [[octet, 1, 20, 255], [9, octet, 0, 99], [10, 100, octet, 0], [1, 2, 3, octet]].map(Ipv4Addr::from)
            {
                let (text, used) = written(address);
                assert_eq!(text[..used], *address.to_string().as_bytes());
            }
        }
    }
}
