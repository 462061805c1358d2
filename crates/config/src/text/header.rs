//! Names and values of HTTP headers, methods, and `Authorization` schemes.

use http::{HeaderName, HeaderValue, Method};
use schemars::{Schema, json_schema};

use super::FromText;

impl FromText for HeaderName {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::from_bytes(text.as_bytes())
            .map_err(|_| "is not the name of a header\nletters, digits and dashes, as in X-API-Key".to_owned())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })
    }
}

impl FromText for HeaderValue {
    /// Marked sensitive: what an operator tells the upstream is mostly a credential.
    fn from_text(text: &str) -> Result<Self, String> {
        let fits = text.trim() == text && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let value = Self::from_str(text).ok().filter(|_| fits);
        let mut value = value.ok_or("cannot be the value of a header\nvisible ASCII, with spaces only inside")?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl FromText for Method {
    fn from_text(text: &str) -> Result<Self, String> {
        let method = Self::from_bytes(text.as_bytes())
            .map_err(|_| "is not a method\nmethods are words such as GET and POST (RFC 9110 section 9.1)")?;
        let upper = text.to_ascii_uppercase();
        let standard = Self::from_bytes(upper.as_bytes()).is_ok_and(|method| STANDARD.contains(&method));
        // Methods are compared with case (RFC 9110 §9.1), so `get` would match nothing.
        if standard && upper != text {
            return Err(format!("is not a method\ndid you mean \"{upper}\"? methods are written in capitals"));
        }
        Ok(method)
    }
}

const STANDARD: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::CONNECT,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

/// Whether a text is a token (RFC 9110 §5.6.2), as the name of an `Authorization` scheme must be.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
