//! Messages of HTTP/2 as messages of HTTP/1.1, and back (RFC 9113 §8). No IO: a library reads the frames, and what it decoded is
//! checked here and written as the bytes that [`crate::h1`] reads, so that both versions have one reading and one judge.

use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Method, StatusCode, request, response};
use keyward_core::fields::Fields;

use crate::h1::request::{Request, RequestFault};
use crate::h1::response::{Garbage, Response};
use crate::h1::{Framing, length, write};
use crate::names::is_host;

/// The bytes that a client of HTTP/2 begins with, as far as they look like a head of HTTP/1 (RFC 9113 §3.4).
pub const PREFACE_HEAD: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// Fields of one connection, which no message of HTTP/2 has (RFC 9113 §8.2.2).
const OF_CONNECTION: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// Fields that frame or route a message, and so have no place behind it (RFC 9110 §6.5.1).
const NEVER_BEHIND: [&str; 5] = ["content-length", "host", "te", "trailer", "expect"];

/// The head of a request as HTTP/1.1 has it, and how its body is framed there. `ends` says that nothing follows the head.
///
/// # Errors
/// [`RequestFault`]: pseudo-header fields or fields that HTTP/2 does not allow, or that have more than one reading.
pub fn request(parts: &request::Parts, ends: bool) -> Result<(Vec<u8>, Framing), RequestFault> {
    if parts.method == Method::CONNECT {
        return Err(RequestFault::Connect);
    }
    // Without an authority the library hides the scheme from us; who makes HTTP/2 directly sends one (RFC 9113 §8.3.1).
    let authority = parts.uri.authority().ok_or(RequestFault::NoHost)?.as_str().as_bytes();
    if !is_host(authority) {
        return Err(RequestFault::BadHost);
    }
    if !matches!(parts.uri.scheme_str(), Some("http" | "https")) {
        return Err(RequestFault::Target);
    }
    let target = parts.uri.path_and_query().map(PathAndQuery::as_str).ok_or(RequestFault::Target)?;
    let is_plain = target.bytes().all(|byte| (b'!'..=b'~').contains(&byte) && byte != b'#');
    if !target.starts_with('/') || !is_plain {
        return Err(RequestFault::Target);
    }
    let framing = request_framing(&parts.headers, ends)?;
    let mut out = Vec::with_capacity(256);
    for part in [parts.method.as_str().as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"] {
        out.extend_from_slice(part);
    }
    write::field(&mut out, b"host", authority);
    request_fields(&mut out, &parts.headers, authority)?;
    write::framing(&mut out, framing);
    out.extend_from_slice(b"\r\n");
    Ok((out, framing))
}

fn request_framing(fields: &HeaderMap, ends: bool) -> Result<Framing, RequestFault> {
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    let announced = match (lengths.next(), lengths.next()) {
        (None, _) => None,
        (Some(value), None) => Some(length(value.as_bytes()).ok_or(RequestFault::Length)?),
        (Some(_), Some(_)) => return Err(RequestFault::Length),
    };
    match (ends, announced) {
        (true, None) => Ok(Framing::Empty),
        (true, Some(0)) => Ok(Framing::Length(0)),
        (true, Some(_)) => Err(RequestFault::Length),
        (false, Some(length)) => Ok(Framing::Length(length)),
        (false, None) => Ok(Framing::Chunked),
    }
}

fn request_fields(out: &mut Vec<u8>, fields: &HeaderMap, authority: &[u8]) -> Result<(), RequestFault> {
    let mut hosts = 0;
    for (name, value) in fields {
        let bytes = value.as_bytes();
        let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        if is_blank(bytes.first()) || is_blank(bytes.last()) {
            return Err(RequestFault::Blank);
        }
        if OF_CONNECTION.contains(&name.as_str()) || (name == TE && bytes != b"trailers") {
            return Err(RequestFault::OfConnection);
        }
        if name == HOST {
            hosts += 1;
            // Both name the one resource that is asked for (RFC 9113 §8.3.1).
            if hosts > 1 {
                return Err(RequestFault::TwoHosts);
            }
            if !bytes.eq_ignore_ascii_case(authority) {
                return Err(RequestFault::OtherHost);
            }
        } else if name != COOKIE && name != CONTENT_LENGTH {
            write::field(out, name.as_str().as_bytes(), bytes);
        }
    }
    // Crumbs are one field again where HTTP/1.1 reads them (RFC 9113 §8.2.3).
    let mut crumbs = fields.get_all(COOKIE).iter();
    if let Some(first) = crumbs.next() {
        out.extend_from_slice(b"cookie: ");
        out.extend_from_slice(first.as_bytes());
        for crumb in crumbs {
            out.extend_from_slice(b"; ");
            out.extend_from_slice(crumb.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
    Ok(())
}

/// The head of an answer as HTTP/2 has it.
///
/// # Errors
/// [`Garbage`]: a field that no map of fields takes.
pub fn answer(answer: &Response<'_>) -> Result<http::Response<()>, Garbage> {
    let mut made = http::Response::new(());
    *made.status_mut() = answer.status;
    *made.headers_mut() = fields(answer.fields, |_| true)?;
    Ok(made)
}

/// Fields without those of a connection.
fn fields(fields: Fields<'_>, wanted: impl Fn(&str) -> bool) -> Result<HeaderMap, Garbage> {
    let mut map = HeaderMap::new();
    for (name, value) in fields.iter() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Garbage)?;
        if OF_CONNECTION.contains(&name.as_str()) || !wanted(name.as_str()) {
            continue;
        }
        let value = HeaderValue::from_bytes(value).map_err(|_| Garbage)?;
        // Two lengths were found to be equal by whoever read them.
        let put = if name == CONTENT_LENGTH {
            map.try_insert(name, value).map(drop)
        } else {
            map.try_append(name, value).map(drop)
        };
        put.map_err(|_| Garbage)?;
    }
    Ok(map)
}

/// Whether [`upstream_request`] carries a request: it asks for no other protocol, which no stream can become, and the library
/// takes what it asks for as it is. Without a host it gets the upstream's.
pub fn carries(request: &Request<'_>) -> bool {
    request.upgrade.is_none()
        && target(request.target).is_ok()
        && request.host.is_none_or(|host| authority(host).is_ok())
}

fn authority(host: &[u8]) -> Result<Authority, Garbage> {
    Authority::try_from(host).map_err(|_| Garbage)
}

fn target(asked: &str) -> Result<PathAndQuery, Garbage> {
    let target = PathAndQuery::try_from(asked).map_err(|_| Garbage)?;
    // What the library cut off or changed was not judged like that.
    if target.as_str() == asked { Ok(target) } else { Err(Garbage) }
}

/// The head of a request on its way to an upstream that speaks HTTP/2; `scheme` says what carries it there.
///
/// # Errors
/// [`Garbage`]: a target or a host that the library cannot carry.
pub fn upstream_request(request: &Request<'_>, scheme: Scheme) -> Result<http::Request<()>, Garbage> {
    let authority = authority(request.host.unwrap_or_default())?;
    let target = target(request.target)?;
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(target).build();
    let mut made = http::Request::new(());
    *made.method_mut() = request.method.clone();
    *made.uri_mut() = uri.map_err(|_| Garbage)?;
    *made.headers_mut() = fields(request.fields, |name| name != "host")?;
    Ok(made)
}

/// The head of an upstream's answer as HTTP/1.1 has it, and how its body is framed there.
///
/// # Errors
/// [`Garbage`]: lengths that are none.
pub fn upstream_answer(parts: &response::Parts, ends: bool, method: &Method) -> Result<(Vec<u8>, Framing), Garbage> {
    let mut announced = None;
    for value in parts.headers.get_all(CONTENT_LENGTH) {
        let length = length(value.as_bytes()).ok_or(Garbage)?;
        if announced.is_some_and(|other| other != length) {
            return Err(Garbage);
        }
        announced = Some(length);
    }
    let bodiless =
        *method == Method::HEAD || parts.status == StatusCode::NO_CONTENT || parts.status == StatusCode::NOT_MODIFIED;
    let framing = match (bodiless, ends, announced) {
        (true, ..) => Framing::Empty,
        (false, true, _) => Framing::Length(0),
        (false, false, Some(length)) => Framing::Length(length),
        (false, false, None) => Framing::Chunked,
    };
    let mut out = Vec::with_capacity(256);
    write::status(&mut out, parts.status, parts.status.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in &parts.headers {
        if !OF_CONNECTION.contains(&name.as_str()) && name != CONTENT_LENGTH {
            write::field(&mut out, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    match (bodiless, announced) {
        (true, Some(length)) => write::framing(&mut out, Framing::Length(length)),
        (true, None) => {}
        (false, _) => write::framing(&mut out, framing),
    }
    out.extend_from_slice(b"\r\n");
    Ok((out, framing))
}

/// Trailer fields as HTTP/2 has them: those that may stand there.
///
/// # Errors
/// [`Garbage`]: a field that no map of fields takes.
pub fn trailers(trailers: Fields<'_>) -> Result<HeaderMap, Garbage> {
    fields(trailers, may_stand_behind)
}

/// The end of a body in chunks, with the trailer fields that may stand there (RFC 9112 §7.1.2).
pub fn trailer_section(out: &mut Vec<u8>, trailers: &HeaderMap) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        if may_stand_behind(name.as_str()) && name != TRANSFER_ENCODING {
            write::field(out, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn may_stand_behind(name: &str) -> bool {
    !NEVER_BEHIND.contains(&name) && !OF_CONNECTION.contains(&name)
}

#[cfg(test)]
mod tests;
