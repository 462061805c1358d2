//! A token that a webhook's sender signed by HS256 (RFC 7519, RFC 7515) with the secret that both have.
//!
//! It speaks for the sender and not for the body, so it must end: one without `exp` would be a password that nobody can take back.

use super::WebhookFault;
use crate::compact::Compact;
use crate::foreign::{Object, PLAIN, REFUSED};
use crate::time::Timestamp;
use crate::token::LEEWAY;

/// A token as it was read, signature unchecked.
pub(super) struct Token<'a> {
    /// What was signed.
    pub(super) message: &'a [u8],
    /// The signature.
    pub(super) signature: [u8; 32],
    claims: Object,
}

impl<'a> Token<'a> {
    /// Reads a token in compact form whose header says HS256, and nothing that changes how the rest is read. Tokens of another
    /// `typ` than `JWT` were made for something else (RFC 8725 §3.11).
    pub(super) fn read(text: &'a [u8]) -> Result<Self, WebhookFault> {
        let Compact { message, signature, header, payload } =
            Compact::of_objects(text).map_err(|_| WebhookFault::Form)?;
        let object = |json: &[u8]| serde_json::from_slice::<Object>(json).map_err(|_| WebhookFault::Form);
        let (header, claims) = (object(&header)?, object(&payload)?);
        let is_plain = !header.has("typ") || header.text("typ").is_some_and(|typ| typ.eq_ignore_ascii_case(PLAIN));
        if header.text("alg") != Some("HS256") || !is_plain || REFUSED.iter().any(|name| header.has(name)) {
            return Err(WebhookFault::Form);
        }
        Ok(Self { message, signature: signature.try_into().map_err(|_| WebhookFault::Form)?, claims })
    }

    /// Whether it counts now, once its signature is known to be right.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), WebhookFault> {
        let second = |name| self.claims.second(name).map_err(|_| WebhookFault::Missing);
        let exp = second("exp")?.ok_or(WebhookFault::Missing)?;
        let begins = second("nbf")?.max(second("iat")?);
        if now >= Timestamp::from_millis(exp.saturating_mul(1000)) {
            return Err(WebhookFault::Late);
        }
        let latest = now.as_millis().div_euclid(1000).saturating_add(LEEWAY);
        if begins.is_some_and(|begins| begins > latest) { Err(WebhookFault::Early) } else { Ok(()) }
    }
}
