//! Where an upstream is, read from its URL once.

use http::Uri;
use http::uri::{Authority, Scheme};

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The built-in demo, which answers what an upstream sees.
    Demo,
    /// An HTTP server at a host and port.
    Http(Authority),
}

/// Why a text is not the URL of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is no URL with a host.
    #[error("not a URL such as http://127.0.0.1:3000")]
    Shape,
    /// Another scheme.
    #[error("only http:// is spoken to an upstream so far")]
    Scheme,
    /// It carries a user and password.
    #[error("a user or password does not belong into an upstream's URL; set a header for it")]
    UserInfo,
    /// It has a path or a query.
    #[error("an upstream's URL ends after host and port: paths are forwarded as they come")]
    Path,
}

impl Origin {
    /// Reads `http://host[:port][/]`.
    ///
    /// # Errors
    /// What is wrong with it, for the person who wrote it.
    pub fn parse(url: &str) -> Result<Self, OriginError> {
        if url.contains('#') {
            return Err(OriginError::Path);
        }
        let uri: Uri = url.parse().map_err(|_| OriginError::Shape)?;
        let authority = uri.authority().ok_or(OriginError::Shape)?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {}
            Some(_) => return Err(OriginError::Scheme),
            None => return Err(OriginError::Shape),
        }
        if authority.as_str().contains('@') {
            return Err(OriginError::UserInfo);
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(OriginError::Path);
        }
        if authority.as_str() != authority.host() && authority.port_u16().is_none() {
            return Err(OriginError::Shape);
        }
        Ok(Self::Http(authority.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_table() {
        for (url, expected) in [
            ("http://127.0.0.1:3000", Ok("127.0.0.1:3000")),
            ("http://127.0.0.1:3000/", Ok("127.0.0.1:3000")),
            ("http://[::1]:3000", Ok("[::1]:3000")),
            ("http://api.internal", Ok("api.internal")),
            ("https://api.internal", Err(OriginError::Scheme)),
            ("http://user:secret@api", Err(OriginError::UserInfo)),
            ("http://api/base", Err(OriginError::Path)),
            ("http://api/?x", Err(OriginError::Path)),
            ("http://api/#x", Err(OriginError::Path)),
            ("http://api:99999", Err(OriginError::Shape)),
            ("127.0.0.1:3000", Err(OriginError::Shape)),
            ("/api", Err(OriginError::Shape)),
            ("", Err(OriginError::Shape)),
        ] {
            let got = Origin::parse(url);
            let got = got.as_ref().map(|origin| match origin {
                Origin::Http(authority) => authority.as_str(),
                Origin::Demo => "demo",
            });
            assert_eq!(got, expected.as_ref().copied(), "{url}");
        }
    }
}
