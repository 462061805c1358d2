//! Schemes: where in a request a credential stands, and the three-way answer of reading one.

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};

use crate::cookies;
use crate::fields::Fields;
use crate::token::MAX_BYTES;
use crate::webhook::Webhook;

/// A scheme's place in the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchemeId(pub usize);

/// A configured way to carry a credential.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// Its name in configuration, decisions and explanations.
    pub name: Box<str>,
    /// Where the credential stands.
    pub carrier: Carrier,
    /// What the credential is.
    pub kind: CredentialKind,
}

/// Where a credential stands.
#[derive(Clone, Debug)]
pub enum Carrier {
    /// The whole value of a header of its own.
    Header(HeaderName),
    /// `Authorization: <scheme> <credential>` (RFC 9110 §11.6.2); the scheme's name is compared without case.
    Authorization(Box<str>),
    /// What a webhook's sender proves itself by, in headers of its own.
    Webhook(Box<Webhook>),
    /// A cookie of this name, as it is spelt.
    Cookie(Box<str>),
}

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// An API key, made by Keyward or set by the operator.
    ApiKey,
    /// A token that Keyward issued to a user who signed in.
    Jwt,
    /// What proves who sent a delivery: a signature over its body, or a secret.
    Webhook,
    /// A username and a password (RFC 7617).
    Basic,
    /// The cookie of a user who signed in.
    Session,
}

/// A presented secret, borrowed from the request. It is digested or compared, never kept and never printed.
#[derive(Clone, Copy)]
pub struct Presented<'a>(&'a [u8]);

impl<'a> Presented<'a> {
    /// The bytes, for a digest.
    pub fn expose(self) -> &'a [u8] {
        self.0
    }

    #[cfg(test)]
    pub(crate) fn of_test(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presented(…)")
    }
}

/// What one scheme found in a request.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'a> {
    /// The carrier is not there.
    Absent,
    /// The carrier is there, but not as its grammar says.
    Malformed(CarrierFault),
    /// A credential, right or wrong.
    Present(Presented<'a>),
}

/// How a carrier is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierFault {
    /// The header came more than once.
    Twice,
    /// The header, or what follows the scheme's name, is empty.
    Empty,
    /// It holds bytes that its grammar does not.
    Grammar,
}

impl CarrierFault {
    /// What is wrong, as the end of "the header …".
    pub const fn text(self) -> &'static str {
        match self {
            Self::Twice => "came more than once",
            Self::Empty => "is empty",
            Self::Grammar => "is not well formed",
        }
    }
}

impl Carrier {
    /// The header that the carrier is in.
    pub fn header(&self) -> &HeaderName {
        match self {
            Self::Header(name) => name,
            Self::Authorization(_) => &AUTHORIZATION,
            Self::Webhook(webhook) => webhook.header(),
            Self::Cookie(_) => &COOKIE,
        }
    }

    /// The word before the credential, where it stands in `Authorization` (RFC 9110 §11.6.2).
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Authorization(word) => Some(word),
            Self::Webhook(webhook) => webhook.word(),
            Self::Header(_) | Self::Cookie(_) => None,
        }
    }

    /// Reads the carrier from a request's headers.
    pub fn read<'a>(&self, headers: Fields<'a>) -> Reading<'a> {
        if let Self::Cookie(name) = self {
            return match cookies::find(headers, name) {
                Ok(None) => Reading::Absent,
                Ok(Some(value)) => check_secret(value, |byte| (byte > b' ') & (byte != 0x7f)),
                Err(fault) => Reading::Malformed(fault),
            };
        }
        let mut values = headers.values(self.header().as_str());
        let Some(value) = values.next() else {
            return Reading::Absent;
        };
        if values.next().is_some() {
            return Reading::Malformed(CarrierFault::Twice);
        }
        let value = value.trim_ascii();
        if value.is_empty() {
            return Reading::Malformed(CarrierFault::Empty);
        }
        if let Some(word) = self.word() {
            return after_word(word, value);
        }
        match self {
            Self::Webhook(webhook) if webhook.others().any(|name| headers.values(name.as_str()).nth(1).is_some()) => {
                Reading::Malformed(CarrierFault::Twice)
            }
            _ => check_secret(value, |byte| (byte >= b' ') & (byte != 0x7f)),
        }
    }

    /// Whether this carrier's header, in whatever spelling, must not go on to the upstream. `Authorization` may carry what is
    /// meant for the upstream; a header of its own carries a credential or nothing. A signature is no secret, and stays.
    pub fn strips(&self, headers: Fields<'_>) -> bool {
        if let Some(word) = self.word() {
            return headers.values(AUTHORIZATION.as_str()).any(|value| {
                let value = value.trim_ascii();
                let end = value.iter().position(|byte| !is_token(*byte)).unwrap_or(value.len());
                value.get(..end).is_some_and(|name| name.eq_ignore_ascii_case(word.as_bytes()))
            });
        }
        match self {
            Self::Webhook(webhook) => webhook.is_secret(),
            // Beside it stand cookies of the API: ours alone are taken out, on every route.
            Self::Cookie(_) => false,
            Self::Header(_) | Self::Authorization(_) => true,
        }
    }
}

/// What stands in `Authorization` behind this word; absent, where it is another.
fn after_word<'a>(word: &str, value: &'a [u8]) -> Reading<'a> {
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (name, rest) = value.split_at(end);
    // RFC 9110 §11.1: auth-scheme = token, compared without case.
    if !name.iter().all(|byte| is_token(*byte)) {
        return Reading::Malformed(CarrierFault::Grammar);
    }
    if !name.eq_ignore_ascii_case(word.as_bytes()) {
        return Reading::Absent;
    }
    check_secret(rest.trim_ascii_start(), |byte| (byte > b' ') & (byte != 0x7f))
}

fn check_secret(secret: &[u8], allowed: impl Fn(u8) -> bool) -> Reading<'_> {
    if secret.is_empty() {
        Reading::Malformed(CarrierFault::Empty)
    } else if secret.len() > MAX_BYTES || !every(secret, allowed) {
        Reading::Malformed(CarrierFault::Grammar)
    } else {
        Reading::Present(Presented(secret))
    }
}

/// Of all bytes, whatever the first ones say: so it is done for many at once.
fn every(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, byte| all & is(*byte))
}

/// RFC 9110 §5.6.2: tchar.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_table() {
        // carrier | headers, separated by ; | what is read
        for row in include_str!("../tests/tables/carriers.txt").lines() {
            if row.starts_with('#') || row.trim().is_empty() {
                continue;
            }
            let [carrier, headers, expected] = row.split(" | ").map(str::trim).collect::<Vec<_>>()[..] else {
                unreachable!("three columns: {row}")
            };
            let carrier = match carrier.split_once(' ') {
                Some(("authorization", scheme)) => Carrier::Authorization(scheme.into()),
                Some(("cookie", name)) => Carrier::Cookie(name.into()),
                _ => Carrier::Header(carrier.parse().unwrap()),
            };
            let mut map = http::HeaderMap::new();
            for header in headers.split(" ; ").filter(|text| *text != "-") {
                let (name, value) = header.split_once(':').unwrap();
                let value = value.replace("<TAB>", "\t").replace("<SP>", " ");
                map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            let got = match carrier.read((&map).into()) {
                Reading::Absent => "absent".to_owned(),
                Reading::Malformed(fault) => format!("malformed {fault:?}"),
                Reading::Present(secret) => format!("present {}", String::from_utf8_lossy(secret.expose())),
            };
            assert_eq!(got, expected, "{row}");
        }
    }
}
