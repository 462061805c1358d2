//! Origins of web pages (RFC 6454): read into scheme, host and port, and compared by those.

use std::net::Ipv6Addr;

use http::HeaderValue;

/// An origin that the configuration lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `*`: every page.
    Any,
    /// `null`: pages without an origin of their own, such as sandboxed frames, which any site can make.
    Null,
    /// One origin.
    Web(WebOrigin),
}

/// Why a text is no origin, for the person who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginError {
    /// It is not of the form.
    Shape,
    /// Something follows host and port.
    Path,
    /// It stands for several.
    Pattern,
}

impl std::fmt::Display for OriginError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shape => {
                "write scheme and host as browsers do, as in https://app.example.com or http://localhost:3000"
            }
            Self::Path => "an origin ends with its host and port: no path, and no / at the end",
            Self::Pattern => "origins are compared as a whole: write each one out; only * alone stands for all",
        })
    }
}

/// Scheme, host and port in lower case; the port of http and https is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin {
    scheme: Box<str>,
    /// Empty in the one of `null`, which nothing else can be.
    host: Box<str>,
    port: Option<u16>,
}

/// An origin as a request names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl AllowedOrigin {
    /// Reads an origin of the configuration.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        match text {
            "*" => return Ok(Self::Any),
            "null" => return Ok(Self::Null),
            _ if text.contains('*') => return Err(OriginError::Pattern),
            _ => {}
        }
        let (_, rest) = text.split_once("://").ok_or(OriginError::Shape)?;
        if rest.contains(['/', '?', '#']) {
            return Err(OriginError::Path);
        }
        let asking = Asking::parse(text).filter(|asking| !asking.host.is_empty()).ok_or(OriginError::Shape)?;
        let host = match asking.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            // As browsers write it (RFC 5952).
            Some(address) => format!("[{}]", address.parse::<Ipv6Addr>().map_err(|_| OriginError::Shape)?),
            None => asking.host.to_ascii_lowercase(),
        };
        let scheme = asking.scheme.to_ascii_lowercase().into();
        Ok(Self::Web(WebOrigin { scheme, host: host.into(), port: asking.port }))
    }

    /// What it is compared by, and how it is written in an answer; `None` for `*`, which is compared with nothing.
    pub(super) fn written(&self) -> Option<(WebOrigin, HeaderValue)> {
        match self {
            Self::Any => None,
            Self::Null => {
                let null = WebOrigin { scheme: "null".into(), host: "".into(), port: None };
                Some((null, HeaderValue::from_static("null")))
            }
            Self::Web(origin) => Some((origin.clone(), HeaderValue::from_str(&origin.to_string()).ok()?)),
        }
    }
}

impl WebOrigin {
    pub(super) fn is(&self, asking: &Asking<'_>) -> bool {
        self.port == asking.port
            && self.host.eq_ignore_ascii_case(asking.host)
            && self.scheme.eq_ignore_ascii_case(asking.scheme)
    }
}

impl std::fmt::Display for WebOrigin {
    /// As browsers write it: without the port that the scheme has anyway (RFC 6454 §6.2).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port.filter(|_| self.port != usual_port(&self.scheme)) {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl<'a> Asking<'a> {
    /// `scheme "://" host [ ":" port ]`, or `null`; `None` for all else.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text == "null" {
            return Some(Self { scheme: text, host: "", port: None });
        }
        let (scheme, rest) = text.split_once("://")?;
        let (host, port) = match rest.rfind(':') {
            // Within brackets it belongs to the address.
            Some(at) if !rest.ends_with(']') => rest.split_at_checked(at)?,
            _ => (rest, ""),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
            None => usual_port(scheme),
        };
        (is_scheme(scheme) && is_host(host)).then_some(Self { scheme, host, port })
    }
}

fn usual_port(scheme: &str) -> Option<u16> {
    let ports = [("https", 443), ("http", 80)];
    ports.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)).map(|(_, port)| port)
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// A host name in ASCII, an IPv4 address, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    let name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    match text.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok()),
        None => !text.is_empty() && name(text),
    }
}
