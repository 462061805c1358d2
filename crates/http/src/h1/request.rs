//! What the head of a request means: target, host, framing, and what becomes of the connection.

use http::Method;
use keyward_core::fields::{Fields, Name};

use super::lines::Lines;
use super::{Framing, Version, is_token, length, members, version};
use crate::names::{collapse_alike, is_host};

/// Why a head is no request that is taken here. All are answered 400 unless said otherwise, and the connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// The start line is not `method SP target SP version` (RFC 9112 §3).
    StartLine,
    /// A version that is not spoken here: 505.
    Version,
    /// A target that begins with another byte than `/`, has a `#`, or is in absolute form with another scheme than http or
    /// https, or with a user (RFC 9112 §3.2).
    Target,
    /// A target in absolute form for another host than `Host` names.
    OtherHost,
    /// CONNECT makes tunnels, and there are none here. Not 405: that names what a resource allows (RFC 9110 §15.5.6), and
    /// CONNECT is sent to none.
    Connect,
    /// No `Host`, which HTTP/1.1 demands (RFC 9112 §3.2).
    NoHost,
    /// More than one `Host`.
    TwoHosts,
    /// A `Host` that is no host and port (RFC 9112 §3.2).
    BadHost,
    /// `Content-Length` twice, or one that is no number (RFC 9112 §6.3).
    Length,
    /// `Transfer-Encoding` other than exactly `chunked`, twice, or in HTTP/1.0 (RFC 9112 §6.1).
    Coding,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.3: an attack, or a mistake).
    TwoFramings,
    /// A field that is neither `Content-Length` nor `Transfer-Encoding`, but is one to readers that do not tell `_` from `-`.
    LookAlike,
    /// `Expect` other than `100-continue`: 417 (RFC 9110 §10.1.1).
    Expect,
    /// In HTTP/2, a field that belongs to a connection, or `TE` other than `trailers` (RFC 9113 §8.2.2).
    OfConnection,
    /// In HTTP/2, a value that begins or ends with a blank (RFC 9113 §8.2.1).
    Blank,
}

impl RequestFault {
    /// What is wrong, as a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::StartLine => "The request does not begin with a method, a target and a version.",
            Self::Version => "The request is of a version of HTTP that is not spoken here.",
            Self::Target => "The request's target is not of a form that is taken here.",
            Self::OtherHost => "The request's target names another host than its Host header.",
            Self::Connect => "Keyward makes no tunnels: CONNECT is not taken here.",
            Self::NoHost => "The request has no Host header.",
            Self::TwoHosts => "The request has more than one Host header.",
            Self::BadHost => "The request's Host header is no host.",
            Self::Length => "The request's Content-Length is no single length.",
            Self::Coding => "The request's Transfer-Encoding is something else than chunked.",
            Self::TwoFramings => "The request has both a Content-Length and a Transfer-Encoding.",
            Self::LookAlike => "The request has a field that others may take for Content-Length or Transfer-Encoding.",
            Self::Expect => "The request expects something else than 100-continue.",
            Self::OfConnection => "The request has a field that belongs to a connection, which HTTP/2 does not have.",
            Self::Blank => "The request has a field whose value begins or ends with a blank.",
        }
    }
}

/// What a request asks to change the connection into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// A WebSocket, with a whole handshake (RFC 6455 §4.1).
    WebSocket,
}

/// The head of a request, understood.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Path and query in origin form, byte for byte as they came.
    pub target: &'a str,
    /// The version.
    pub version: Version,
    /// Where it is addressed to: `Host`, or what the target in absolute form names; HTTP/1.0 may name nothing.
    pub host: Option<&'a [u8]>,
    /// All fields.
    pub fields: Fields<'a>,
    /// Where its body ends.
    pub framing: Framing,
    /// Whether the client would send another request on this connection.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends its body.
    pub expects_continue: bool,
    /// What the connection should become. Whatever else `Upgrade` names (`h2c`, say) is not passed on: it would be a way around
    /// whoever reads requests (RFC 9110 §7.8 lets a server ignore it).
    pub upgrade: Option<Upgrade>,
    /// Whether the client reads trailers (RFC 9110 §10.1.4).
    pub takes_trailers: bool,
}

/// What is gathered in one walk over the fields.
#[derive(Default)]
struct Gathered<'a> {
    host: Option<&'a [u8]>,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep: bool,
    upgrade: bool,
    expects: bool,
    /// `Upgrade` came: once, for a WebSocket and nothing else.
    websocket: Option<bool>,
    handshake: u8,
    trailers: bool,
}

impl<'a> Request<'a> {
    /// Understands a head that is whole.
    ///
    /// # Errors
    /// [`RequestFault`].
    pub fn read(lines: &'a Lines, bytes: &'a [u8]) -> Result<Self, RequestFault> {
        let (method, target, version) = start(lines.start(bytes))?;
        let fields = lines.fields(bytes);
        let gathered = gather(fields, version)?;
        if gathered.host.is_none() && version == Version::Http11 {
            return Err(RequestFault::NoHost);
        }
        if method == Method::CONNECT {
            return Err(RequestFault::Connect);
        }
        let (authority, target) = origin_form(target)?;
        let host = match (authority, gathered.host) {
            (Some(named), Some(host)) if !named.as_bytes().eq_ignore_ascii_case(host) => {
                return Err(RequestFault::OtherHost);
            }
            (Some(named), _) => Some(named.as_bytes()),
            (None, host) => host,
        };
        let framing = match (gathered.chunked, gathered.length) {
            (true, Some(_)) => return Err(RequestFault::TwoFramings),
            (true, None) => Framing::Chunked,
            (false, Some(length)) => Framing::Length(length),
            (false, None) => Framing::Empty,
        };
        let is_handshake = gathered.upgrade && gathered.websocket == Some(true) && gathered.handshake == 0b11;
        let upgrade = is_handshake && method == Method::GET && version == Version::Http11 && framing.is_empty();
        Ok(Self {
            method,
            target,
            version,
            host,
            fields,
            framing,
            keep_alive: !gathered.close && (version == Version::Http11 || gathered.keep),
            expects_continue: gathered.expects && version == Version::Http11 && !framing.is_empty(),
            upgrade: upgrade.then_some(Upgrade::WebSocket),
            takes_trailers: gathered.trailers && version == Version::Http11,
        })
    }
}

fn start(line: &[u8]) -> Result<(Method, &str, Version), RequestFault> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version_text), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(RequestFault::StartLine);
    };
    let is_method = !method.is_empty() && method.iter().all(|byte| is_token(*byte));
    let method = Method::from_bytes(method).ok().filter(|_| is_method).ok_or(RequestFault::StartLine)?;
    let version = match version(version_text) {
        Some(version) => version,
        None if version_text.starts_with(b"HTTP/") => return Err(RequestFault::Version),
        None => return Err(RequestFault::StartLine),
    };
    // Visible ASCII and nothing else: what is not has more than one spelling (RFC 3986 §2).
    if target.is_empty() || !target.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Err(RequestFault::Target);
    }
    let target = std::str::from_utf8(target).map_err(|_| RequestFault::Target)?;
    Ok((method, target, version))
}

/// Splits a target in absolute form into its authority and what it is in origin form (RFC 9112 §3.2.2).
fn origin_form(target: &str) -> Result<(Option<&str>, &str), RequestFault> {
    if target.contains('#') {
        return Err(RequestFault::Target);
    }
    if target.starts_with('/') {
        return Ok((None, target));
    }
    let (scheme, rest) = target.split_once("://").ok_or(RequestFault::Target)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(RequestFault::Target);
    }
    // An empty path has no origin form but `/`, which is not what was sent.
    let path = rest.find('/').ok_or(RequestFault::Target)?;
    let (authority, target) = rest.split_at(path);
    if is_host(authority.as_bytes()) { Ok((Some(authority), target)) } else { Err(RequestFault::Target) }
}

fn gather(fields: Fields<'_>, version: Version) -> Result<Gathered<'_>, RequestFault> {
    let mut found = Gathered::default();
    for (name, value) in fields.iter() {
        let is = |other: &str| name.is(other);
        match name.as_bytes().len() {
            4 if is("host") => {
                if found.host.is_some() {
                    return Err(RequestFault::TwoHosts);
                }
                found.host = Some(value).filter(|host| is_host(host));
                found.host.ok_or(RequestFault::BadHost)?;
            }
            14 if is("content-length") => {
                let length = length(value).filter(|_| found.length.is_none());
                found.length = Some(length.ok_or(RequestFault::Length)?);
            }
            17 if is("transfer-encoding") => {
                if found.chunked || version == Version::Http10 || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(RequestFault::Coding);
                }
                found.chunked = true;
            }
            10 if is("connection") => {
                for option in members(value) {
                    found.close |= option.eq_ignore_ascii_case(b"close");
                    found.keep |= option.eq_ignore_ascii_case(b"keep-alive");
                    found.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
                }
            }
            6 if is("expect") => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(RequestFault::Expect);
                }
                found.expects = true;
            }
            7 if is("upgrade") => {
                found.websocket = Some(found.websocket.is_none() && value.eq_ignore_ascii_case(b"websocket"));
            }
            2 if is("te") => found.trailers |= members(value).any(|one| one.eq_ignore_ascii_case(b"trailers")),
            17 if is("sec-websocket-key") => found.handshake |= u8::from(!value.is_empty()),
            21 if is("sec-websocket-version") => found.handshake |= u8::from(value == b"13") << 1,
            13.. if frames_elsewhere(name) => return Err(RequestFault::LookAlike),
            _ => {}
        }
    }
    Ok(found)
}

/// Whether a name collapses to that of a framing field: what stands behind CGI or WSGI sees it so.
fn frames_elsewhere(name: Name<'_>) -> bool {
    collapse_alike(name, "content-length") || collapse_alike(name, "transfer-encoding")
}
