//! The head of a request: what the codec lets through and we do not, and the facts that a decision is made on.

use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, Version};
use keyward_core::path::{PathFault, Target};
use keyward_http::names::is_host;

/// Why a head is refused before anything is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// It is longer than the limit.
    TooLarge,
    /// No `Host`, which HTTP/1.1 demands (RFC 9112 §3.2).
    NoHost,
    /// More than one `Host`.
    TwoHosts,
    /// A `Host` that is no host and port (RFC 9112 §3.2).
    BadHost,
    /// A target in absolute form for another host than `Host` names.
    OtherHost,
    /// A target in absolute form with another scheme than http or https, or with a user.
    Target,
}

impl HeadFault {
    /// What is wrong, as a sentence.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::TooLarge => "The head of the request is larger than is taken here.",
            Self::NoHost => "The request has no Host header.",
            Self::TwoHosts => "The request has more than one Host header.",
            Self::BadHost => "The request's Host header is no host.",
            Self::OtherHost => "The request's target names another host than its Host header.",
            Self::Target => "The request's target is not of a form that is taken here.",
        }
    }

    /// The outcome and its detail, for the record.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::TooLarge => ("TooLarge", "head"),
            other => ("Malformed", other.text()),
        }
    }
}

/// Checks a head. `most` is the limit of its bytes: the codec's own limit lets some more pass.
pub(crate) fn check<B>(request: &Request<B>, most: usize) -> Result<(), HeadFault> {
    if length(request) > most {
        return Err(HeadFault::TooLarge);
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(HeadFault::TwoHosts);
    }
    if host.is_none() && request.version() > Version::HTTP_10 {
        return Err(HeadFault::NoHost);
    }
    if host.is_some_and(|host| !is_host(host.as_bytes())) {
        return Err(HeadFault::BadHost);
    }
    let uri = request.uri();
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else { return Ok(()) };
    if (*scheme != Scheme::HTTP && *scheme != Scheme::HTTPS) || authority.as_str().contains('@') {
        return Err(HeadFault::Target);
    }
    match host {
        Some(host) if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => Err(HeadFault::OtherHost),
        _ => Ok(()),
    }
}

/// The bytes of a head as they came, give or take blanks: request line, then `name: value` and a line end each.
fn length<B>(request: &Request<B>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + " HTTP/1.1\r\n\r\n".len() + 1;
    request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() + line
}

/// The target in origin form. `*` and the forms of CONNECT have no path and are faults.
pub(crate) fn target<B>(request: &Request<B>) -> Result<Target<'_>, PathFault> {
    if *request.method() == Method::CONNECT {
        return Err(PathFault::NoSlash);
    }
    Target::parse(request.uri().path_and_query().map_or("", PathAndQuery::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, hosts: &[&str]) -> Request<()> {
        let builder = Request::builder().uri(target);
        hosts.iter().fold(builder, |builder, host| builder.header(HOST, *host)).body(()).unwrap()
    }

    #[test]
    fn head_table() {
        for (target, hosts, expected) in [
            ("/", &["a"][..], Ok(())),
            ("/", &[], Err(HeadFault::NoHost)),
            ("/", &["a", "a"], Err(HeadFault::TwoHosts)),
            ("http://a/x", &["A"], Ok(())),
            ("http://a:80/x", &["a"], Err(HeadFault::OtherHost)),
            ("http://b/x", &["a"], Err(HeadFault::OtherHost)),
            ("http://u@a/x", &["u@a"], Err(HeadFault::BadHost)),
            ("ftp://a/x", &["a"], Err(HeadFault::Target)),
        ] {
            assert_eq!(check(&request(target, hosts), 1000), expected, "{target} {hosts:?}");
        }
        let mut old = request("/", &[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(check(&old, 1000), Ok(()));
    }

    #[test]
    fn the_length_is_that_of_the_bytes() {
        let text = "GET /a?b HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(length(&request("/a?b", &["a"])), text.len());
        assert_eq!(check(&request("/a?b", &["a"]), text.len() - 1), Err(HeadFault::TooLarge));
    }

    #[test]
    fn only_paths_are_targets() {
        assert_eq!(target(&request("http://a/x?y", &["a"])).unwrap().raw(), "/x?y");
        for other in ["*", "a:80"] {
            assert_eq!(target(&request(other, &["a"])).unwrap_err(), PathFault::NoSlash, "{other}");
        }
        let mut connect = request("/x", &["a"]);
        *connect.method_mut() = Method::CONNECT;
        assert_eq!(target(&connect).unwrap_err(), PathFault::NoSlash);
    }
}
