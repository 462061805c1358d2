//! The forms in which senders write what proves them, and what they sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use super::token::Token;
use super::{WebhookFault, is_same_secret};
use crate::basic;
use crate::fields::Fields;

/// The most signatures in one header: senders write one for each of their active secrets.
const SIGNATURES: usize = 16;
/// The most digits of a time in seconds.
const DIGITS: usize = 11;
/// The most bytes of a delivery's id.
const ID_BYTES: usize = 256;

/// How a delivery proves who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// The secret itself, in a header.
    Plain(HeaderName),
    /// This username and the secret as its password (RFC 7617).
    Basic(Box<str>),
    /// A token that the sender signed by HS256: `Authorization: Bearer …`.
    Token,
    /// The signature in hexadecimal, after `sha256=` or alone, of the body; with a header for the time, of
    /// `<second>.<body>`.
    Hmac {
        /// Where the signature is.
        header: HeaderName,
        /// Where the time is, in seconds since the Unix epoch.
        timestamp: Option<HeaderName>,
    },
    /// As Stripe writes it: `t=<second>,v1=<hex>`, of `<second>.<body>`, in this header.
    Stripe(HeaderName),
    /// As Standard Webhooks writes it: `v1,<base64>`, of `<id>.<second>.<body>`.
    Standard {
        /// Where the id is.
        id: HeaderName,
        /// Where the time is, in seconds since the Unix epoch.
        timestamp: HeaderName,
        /// Where the signatures are.
        signature: HeaderName,
    },
}

/// What a delivery shows, as it was read.
pub(super) enum Signed<'a> {
    /// A secret.
    Secret(&'a [u8]),
    /// A password, and whether the username beside it is the right one.
    Pair { is_user: bool, password: Zeroizing<Vec<u8>> },
    /// A token.
    Token(Token<'a>),
    /// Signatures of the body and what stands before it.
    Body {
        signatures: Vec<[u8; 32]>,
        id: Option<&'a [u8]>,
        /// As it was written, and as a number.
        time: Option<(&'a [u8], i64)>,
    },
}

impl<'a> Signed<'a> {
    /// What was signed, in pieces.
    pub(super) fn parts<'b>(&self, body: &'b [u8]) -> Vec<&'b [u8]>
    where
        'a: 'b,
    {
        let Self::Body { id, time, .. } = *self else { return vec![body] };
        let before = id.into_iter().chain(time.map(|(text, _)| text));
        before.flat_map(|part| [part, &b"."[..]]).chain([body]).collect()
    }

    /// The time that was signed, in seconds since the Unix epoch.
    pub(super) fn second(&self) -> Option<i64> {
        match self {
            Self::Body { time, .. } => time.map(|(_, second)| second),
            Self::Secret(_) | Self::Pair { .. } | Self::Token(_) => None,
        }
    }
}

impl Form {
    /// Stripe's own, in its own header.
    pub fn stripe() -> Self {
        Self::Stripe(HeaderName::from_static("stripe-signature"))
    }

    /// Standard Webhooks with the headers of a prefix: `webhook` by default, `svix` of its first maker.
    pub fn standard(prefix: &str) -> Option<Self> {
        let name = |what: &str| HeaderName::from_bytes(format!("{prefix}-{what}").as_bytes()).ok();
        Some(Self::Standard { id: name("id")?, timestamp: name("timestamp")?, signature: name("signature")? })
    }

    /// The header that the proof is in.
    pub fn header(&self) -> &HeaderName {
        match self {
            Self::Plain(header) | Self::Stripe(header) => header,
            Self::Hmac { header, .. } | Self::Standard { signature: header, .. } => header,
            Self::Basic(_) | Self::Token => &AUTHORIZATION,
        }
    }

    /// The word before the proof, where it stands in `Authorization`.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Self::Basic(_) => Some("Basic"),
            Self::Token => Some("Bearer"),
            Self::Plain(_) | Self::Hmac { .. } | Self::Stripe(_) | Self::Standard { .. } => None,
        }
    }

    pub(super) fn placeholder(&self) -> &'static str {
        match self {
            Self::Plain(_) => "secret",
            Self::Basic(_) => "username:password in base64",
            Self::Token => "token",
            Self::Hmac { .. } | Self::Stripe(_) | Self::Standard { .. } => "signature",
        }
    }

    pub(super) fn signs_body(&self) -> bool {
        matches!(self, Self::Hmac { .. } | Self::Stripe(_) | Self::Standard { .. })
    }

    pub(super) fn others(&self) -> impl Iterator<Item = &HeaderName> {
        let (one, two) = match self {
            Self::Plain(_) | Self::Basic(_) | Self::Token | Self::Stripe(_) => (None, None),
            Self::Hmac { timestamp, .. } => (timestamp.as_ref(), None),
            Self::Standard { id, timestamp, .. } => (Some(id), Some(timestamp)),
        };
        one.into_iter().chain(two)
    }

    /// Reads what a delivery shows.
    pub(super) fn read<'a>(&self, presented: &'a [u8], headers: Fields<'a>) -> Result<Signed<'a>, WebhookFault> {
        let named = |name: &HeaderName| headers.values(name.as_str()).next().map(<[u8]>::trim_ascii);
        match self {
            Self::Plain(_) => Ok(Signed::Secret(presented)),
            Self::Basic(username) => basic::read(presented, |shown, password| Signed::Pair {
                is_user: is_same_secret(username.as_bytes(), shown.as_bytes()),
                password: Zeroizing::new(password.as_bytes().to_vec()),
            })
            .ok_or(WebhookFault::Form),
            Self::Token => Token::read(presented).map(Signed::Token),
            Self::Hmac { timestamp, .. } => {
                let hex = presented.strip_prefix(b"sha256=").unwrap_or(presented);
                let signatures = vec![unhex(hex).ok_or(WebhookFault::Form)?];
                let time = timestamp.as_ref().map(|name| time(named(name)).ok_or(WebhookFault::Missing)).transpose()?;
                Ok(Signed::Body { signatures, id: None, time })
            }
            Self::Stripe(_) => stripe(presented),
            Self::Standard { id, timestamp, .. } => {
                // The dot parts an id from what follows: an id with one could be read in two ways.
                let is_id = |id: &&[u8]| (1..=ID_BYTES).contains(&id.len()) && !id.contains(&b'.');
                let id = named(id).filter(is_id).ok_or(WebhookFault::Missing)?;
                let time = time(named(timestamp)).ok_or(WebhookFault::Missing)?;
                let signatures =
                    bounded(presented.split(|byte| *byte == b' ').filter_map(|one| one.strip_prefix(b"v1,")))?;
                let decode = |one: &[u8]| STANDARD.decode(one).ok()?.try_into().ok();
                let signatures = signatures.into_iter().map(|one| decode(one).ok_or(WebhookFault::Form));
                Ok(Signed::Body { signatures: signatures.collect::<Result<_, _>>()?, id: Some(id), time: Some(time) })
            }
        }
    }
}

/// `t=<second>,v1=<hex>,…`; other versions are somebody else's.
fn stripe(presented: &[u8]) -> Result<Signed<'_>, WebhookFault> {
    let named = |key: &'static [u8]| presented.split(|byte| *byte == b',').filter_map(move |one| one.strip_prefix(key));
    let mut times = named(b"t=");
    let (Some(text), None) = (times.next(), times.next()) else { return Err(WebhookFault::Form) };
    let time = time(Some(text)).ok_or(WebhookFault::Form)?;
    let signatures = bounded(named(b"v1="))?.into_iter().map(|one| unhex(one).ok_or(WebhookFault::Form));
    Ok(Signed::Body { signatures: signatures.collect::<Result<_, _>>()?, id: None, time: Some(time) })
}

/// One at least, and not more than anybody needs.
fn bounded<'a>(signatures: impl Iterator<Item = &'a [u8]>) -> Result<Vec<&'a [u8]>, WebhookFault> {
    let signatures: Vec<&[u8]> = signatures.take(SIGNATURES + 1).collect();
    if (1..=SIGNATURES).contains(&signatures.len()) { Ok(signatures) } else { Err(WebhookFault::Form) }
}

/// A number of seconds, in digits and nothing else.
fn time(text: Option<&[u8]>) -> Option<(&[u8], i64)> {
    let text = text.filter(|text| (1..=DIGITS).contains(&text.len()) && text.iter().all(u8::is_ascii_digit))?;
    Some((text, std::str::from_utf8(text).ok()?.parse().ok()?))
}

/// 32 bytes in hexadecimal, of either case.
fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}
