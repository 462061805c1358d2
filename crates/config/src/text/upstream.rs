//! Where the upstream is and which Host it sees; the paths of Keyward's own endpoints.

use std::path::PathBuf;

use http::Uri;
use http::uri::Authority;
use keyward_core::path::Target;
use keyward_core::route::Pattern;
use schemars::{Schema, json_schema};

use super::{FromText, words};

/// An upstream: what carries bytes to it, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamUrl {
    /// In the clear.
    Http(Authority),
    /// In the clear and in HTTP/2, without asking (gRPC).
    H2c(Authority),
    /// Over TLS.
    Https(Authority),
    /// By a socket file of this machine.
    Unix(PathBuf),
}

impl UpstreamUrl {
    /// The host, without the brackets of an IPv6 address, and the port, with the one that is not written. A socket file has
    /// neither.
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        let (authority, port) = match self {
            Self::Http(authority) | Self::H2c(authority) => (authority, 80),
            Self::Https(authority) => (authority, 443),
            Self::Unix(_) => return None,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        Some((host, authority.port_u16().unwrap_or(port)))
    }
}

impl std::fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http(authority) => write!(f, "http://{authority}"),
            Self::H2c(authority) => write!(f, "h2c://{authority}"),
            Self::Https(authority) => write!(f, "https://{authority}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromText for UpstreamUrl {
    fn from_text(text: &str) -> Result<Self, String> {
        const SHAPE: &str = "is not the address of an upstream\nwrite it as http://127.0.0.1:3000, https://api.example.com, h2c://127.0.0.1:50051 or unix:/run/api.sock";
        if let Some(path) = text.strip_prefix("unix:") {
            // From the root: where a server is started says nothing of where its upstream is.
            let fits = path.starts_with('/') && !path.starts_with("//") && !path.ends_with('/') && !path.contains('\0');
            return if fits { Ok(Self::Unix(path.into())) } else { Err(SHAPE.to_owned()) };
        }
        let uri: Uri = text.parse().map_err(|_| SHAPE)?;
        let authority = uri.authority().ok_or(SHAPE)?;
        if authority.as_str().contains('@') {
            return Err("holds a user or password\nsend them by upstream.headers".to_owned());
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#') {
            return Err("holds a path\npaths go to the upstream as they came; write the address alone".to_owned());
        }
        // `Authority::port` has no answer to a port that does not fit, so what follows the host is read here.
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port_fits =
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse().is_ok_and(|port: u16| port > 0));
        if authority.host().is_empty() || !port_fits {
            return Err(SHAPE.to_owned());
        }
        match uri.scheme_str() {
            Some("http") => Ok(Self::Http(authority.clone())),
            Some(scheme) if scheme.eq_ignore_ascii_case("h2c") => Ok(Self::H2c(authority.clone())),
            Some("https") => Ok(Self::Https(authority.clone())),
            _ => Err(SHAPE.to_owned()),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^(https?://|h2c://|unix:/)" })
    }
}

/// Which `Host` the upstream sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostSeen {
    /// The one that the client sent.
    Received,
    /// The upstream's own.
    Upstream,
}

words!(HostSeen: "received" => Self::Received, "upstream" => Self::Upstream);

/// How requests are spread over the addresses of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// One after the other.
    RoundRobin,
    /// The one with the fewest requests under way, on each core for itself.
    LeastBusy,
}

words!(Balance: "round_robin" => Self::RoundRobin, "least_busy" => Self::LeastBusy);

/// What active checks ask for: a target in origin form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthPath(String);

impl HealthPath {
    /// Path and query as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for HealthPath {
    fn from_text(text: &str) -> Result<Self, String> {
        Target::parse(text)
            .map_err(|fault| format!("is not a path to ask for\na path that {fault} is sent to nobody"))?;
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^/" })
    }
}

/// Whole segments at the beginning of a path: exact, without wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripPrefix(String);

impl StripPrefix {
    /// The segments as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for StripPrefix {
    fn from_text(text: &str) -> Result<Self, String> {
        Pattern::parse(text).map_err(|error| format!("is not the beginning of a path\n{error}"))?;
        if text.contains('*') || text.ends_with('/') {
            return Err("is not whole segments of a path\nas in /api, without * and without / at the end".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^/[^*?]*[^*?/]$" })
    }
}

/// The path of one of Keyward's own endpoints: exact, without wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointPath(String);

impl EndpointPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for EndpointPath {
    fn from_text(text: &str) -> Result<Self, String> {
        Pattern::parse(text).map_err(|error| format!("is not a path\n{error}"))?;
        if text.contains('*') || text.ends_with('/') {
            return Err("is not the path of an endpoint\nan exact path without * and without / at the end".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^/[^*?]*[^*?/]$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_table() {
        // text | host and port
        for row in [
            "http://127.0.0.1:3000 | 127.0.0.1 3000",
            "http://api.internal | api.internal 80",
            "http://api.internal/ | api.internal 80",
            "http://[::1]:9000 | ::1 9000",
            "HTTP://a:1 | a 1",
            "h2c://a:1 | h2c a 1",
            "H2C://a | h2c a 80",
            "h2c://a/x | -",
            "h2://a | -",
            "127.0.0.1:3000 | -",
            "http:// | -",
            "http://a: | -",
            "http://a:0 | -",
            "http://a:70000 | -",
            "http://u:p@a | -",
            "http://a/base | -",
            "http://a?x=1 | -",
            "http://a/#x | -",
            "https://a | a 443",
            "https://[::1]/ | ::1 443",
            "HTTPS://a:8443 | a 8443",
            "https://u:p@a | -",
            "https://a/base | -",
            "unix:/run/a.sock | unix:/run/a.sock",
            "unix:a.sock | -",
            "unix://a.sock | -",
            "unix:/run/ | -",
            "unix: | -",
            "ftp://a | -",
            "/a | -",
        ] {
            let (text, expected) = row.split_once(" | ").unwrap();
            let written = |url: UpstreamUrl| match url.host_and_port() {
                Some((host, port)) if matches!(url, UpstreamUrl::H2c(_)) => format!("h2c {host} {port}"),
                Some((host, port)) => format!("{host} {port}"),
                None => url.to_string(),
            };
            let got = UpstreamUrl::from_text(text).map_or("-".to_owned(), written);
            assert_eq!(got, expected, "{row}");
        }
    }
}
