//! What a browser is told of the cookie of a session.

use http::HeaderValue;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::plane::Plane;
use keyward_core::session::SessionRules;

use crate::failure::{Failure, Kind};

/// To keep it until the browser ends: no script reads it, and no page of another site sends it with what changes something
/// (RFC 6265bis §5.6.7). The prefix of its name has browsers refuse it unless it came over TLS, for this host and all its paths.
///
/// # Errors
/// None that names and values made here can meet.
pub fn begin(rules: &SessionRules, cookie: &ApiKeySecret) -> Result<HeaderValue, Failure> {
    line(rules, cookie.expose(), "")
}

/// To forget it.
///
/// # Errors
/// As [`begin`].
pub fn end(rules: &SessionRules) -> Result<HeaderValue, Failure> {
    line(rules, "", "; Max-Age=0")
}

fn line(rules: &SessionRules, value: &str, more: &str) -> Result<HeaderValue, Failure> {
    let secure = if rules.is_secure { "; Secure" } else { "" };
    let site = match rules.plane {
        Plane::Data => "Lax",
        // Nobody is sent into the console, signed in, from elsewhere.
        Plane::Control => "Strict",
    };
    let text = format!("{}={value}; Path=/{secure}; HttpOnly; SameSite={site}{more}", rules.cookie());
    // Names and values are made here, of plain characters.
    let unfit = |_| Failure { kind: Kind::Unavailable, message: "the cookie cannot be written".to_owned() };
    let mut line = HeaderValue::from_str(&text).map_err(unfit)?;
    line.set_sensitive(true);
    Ok(line)
}
