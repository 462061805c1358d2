//! Whether a web page may do something in the name of a session: only one of the same origin, which shows the session's token.
//!
//! A browser sends a cookie along whoever made it send the request. So a request that changes something must come from a page
//! of Keyward's own origin, as the browser says (`Sec-Fetch-Site`, or else `Origin`), and carry a token that only such a page
//! can have read.

use std::net::IpAddr;

use http::Method;

use crate::digest::{MacKey, same};
use crate::fields::Fields;
use crate::session::SessionRules;

/// The field that carries the token.
pub const CSRF_FIELD: &str = "keyward-csrf";

/// A token that a page shows with each request that changes something. It is of one session, and opens nothing without its
/// cookie. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken(Box<str>);

impl CsrfToken {
    /// Of a session: a keyed digest of its id, so that it needs to be kept nowhere.
    pub fn of(session: &str, key: &MacKey) -> Self {
        use base64::Engine as _;
        let mac = key.mac(&[b"keyward csrf", session.as_bytes()]);
        Self(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac).into())
    }

    /// The text, for the page.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfToken(…)")
    }
}

/// Why a page may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageFault {
    /// It is of another origin, or of none that can be told.
    Origin,
    /// The token is missing, wrong, or there twice.
    Token,
}

/// Whether a method changes nothing (RFC 9110 §9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Whether a request that changes something is a page's own.
///
/// # Errors
/// Why it is not.
pub fn check(headers: Fields<'_>, token: &CsrfToken, rules: &SessionRules) -> Result<(), PageFault> {
    if !is_same_origin(headers, rules.is_secure) {
        return Err(PageFault::Origin);
    }
    let mut shown = headers.values(CSRF_FIELD);
    match (shown.next(), shown.next()) {
        (Some(one), None) if same(one.trim_ascii(), token.0.as_bytes()) => Ok(()),
        _ => Err(PageFault::Token),
    }
}

/// What the browser says. Without a word of it nobody's page is behind the request: then the token alone speaks, where there
/// is one already.
pub fn is_same_origin(headers: Fields<'_>, is_secure: bool) -> bool {
    let mut sites = headers.values("sec-fetch-site");
    if let Some(site) = sites.next() {
        // A page cannot set this field (Fetch Metadata §5); the browser compared scheme, host and port.
        return sites.next().is_none() && site.trim_ascii() == b"same-origin";
    }
    let mut origins = headers.values("origin");
    let Some(origin) = origins.next() else { return true };
    let mut hosts = headers.values("host");
    match (origins.next(), hosts.next(), hosts.next()) {
        (None, Some(host), None) => is_of_host(origin.trim_ascii(), host.trim_ascii(), is_secure),
        _ => false,
    }
}

/// Whether an origin (RFC 6454 §7) is that of the server at a host. Neither is looked for inside the other.
fn is_of_host(origin: &[u8], host: &[u8], is_secure: bool) -> bool {
    let (scheme, port): (&[u8], &[u8]) = if is_secure { (b"https://", b":443") } else { (b"http://", b":80") };
    let Some(authority) = origin.strip_prefix(scheme) else { return false };
    let plain = |authority: &[u8]| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
    !host.is_empty() && plain(authority) == plain(host)
}

/// Whether a server that listens there is for browsers on its own machine.
pub fn is_own_machine(host: IpAddr) -> bool {
    host.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "the token";

    fn outcome(secure: bool, lines: &[&str]) -> Result<(), PageFault> {
        let mut map = http::HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            map.append(name.parse::<http::HeaderName>().unwrap(), value.trim().parse().unwrap());
        }
        let rules = SessionRules { is_secure: secure, ..SessionRules::default() };
        check((&map).into(), &CsrfToken(TOKEN.into()), &rules)
    }

    #[test]
    fn pages_table() {
        let token = format!("Keyward-CSRF: {TOKEN}");
        let (own, evil) = (Ok(()), Err(PageFault::Origin));
        // With the right token: what a browser says, and what becomes of it.
        for (secure, lines, expected) in [
            (true, &["Host: api.example"][..], own),
            (true, &["Host: api.example", "Origin: https://api.example"], own),
            (true, &["Host: api.example:443", "Origin: https://API.example"], own),
            (true, &["Host: api.example:8443", "Origin: https://api.example:8443"], own),
            (true, &["Host: api.example", "Sec-Fetch-Site: same-origin"], own),
            (true, &["Host: inner", "Origin: https://api.example", "Sec-Fetch-Site: same-origin"], own),
            (false, &["Host: 127.0.0.1:8080", "Origin: http://127.0.0.1:8080"], own),
            (true, &["Host: api.example", "Origin: http://api.example"], evil),
            (false, &["Host: localhost:8080", "Origin: http://localhost:3000"], evil),
            (true, &["Host: api.example", "Origin: https://evil.example"], evil),
            (true, &["Host: api.example", "Origin: https://api.example.evil"], evil),
            (true, &["Host: api.example", "Origin: https://evil-api.example"], evil),
            (true, &["Host: api.example", "Origin: https://api.example:444"], evil),
            (true, &["Host: api.example", "Origin: https://api.example/"], evil),
            (true, &["Host: api.example", "Origin: https://user@api.example"], evil),
            (true, &["Host: api.example", "Origin: null"], evil),
            (true, &["Host: api.example", "Origin:"], evil),
            (true, &["Host: api.example", "Origin: https://api.example", "Origin: https://evil.example"], evil),
            (true, &["Origin: https://api.example"], evil),
            (true, &["Host: a", "Host: api.example", "Origin: https://api.example"], evil),
            (true, &["Host: api.example", "Sec-Fetch-Site: same-site"], evil),
            (true, &["Host: api.example", "Sec-Fetch-Site: cross-site"], evil),
            (true, &["Host: api.example", "Sec-Fetch-Site: none"], evil),
            (true, &["Host: api.example", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"], evil),
            (true, &["Host: api.example", "Origin: https://api.example", "Sec-Fetch-Site: cross-site"], evil),
        ] {
            let with_token = [lines, &[token.as_str()]].concat();
            assert_eq!(outcome(secure, &with_token), expected, "{lines:?}");
            assert!(outcome(secure, lines).is_err(), "without a token: {lines:?}");
        }
        for wrong in [&["Keyward-CSRF: the"][..], &["Keyward-CSRF:"], &[&token, &token], &["Keyward-CSRF: the token2"]]
        {
            let lines = [&["Host: api.example"], wrong].concat();
            assert_eq!(outcome(true, &lines), Err(PageFault::Token), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_is_of_one_session_and_one_server() {
        let key = |byte| MacKey::from_bytes([byte; 32]);
        let token = CsrfToken::of("ses_1", &key(1));
        assert_eq!(token, CsrfToken::of("ses_1", &key(1)));
        assert!(token != CsrfToken::of("ses_2", &key(1)) && token != CsrfToken::of("ses_1", &key(2)));
        assert_eq!(format!("{token:?}"), "CsrfToken(…)");
    }
}
