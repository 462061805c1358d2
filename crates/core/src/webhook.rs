//! Webhooks: how a delivery proves who sent it, in the forms that senders use: a secret in a header, a username and a password,
//! a token, or a signature (HMAC-SHA-256, RFC 2104) over the raw body.
//!
//! Nothing is parsed out of the body, and what was signed is what came: a text that was read and written again is another text.

mod form;
mod token;

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderName;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::api_key::{CredentialEntry, Rejection};
use crate::digest::{ApiKeyDigest, same};
use crate::fields::Fields;
use crate::principal::Kind;
use crate::scope::ScopeSet;
use crate::time::Timestamp;
pub use form::Form;
use form::Signed;

/// A scheme of webhooks: what proves a delivery.
pub struct Webhook {
    form: Form,
    secrets: Vec<WebhookSecret>,
    /// How far what a delivery says of its time may be from now, either way.
    tolerance: Duration,
    /// The most bytes of a body that a signature is checked over.
    most: u64,
    entry: Arc<CredentialEntry>,
}

/// A secret that both sides have. Zeroed when dropped; never printed.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// The fewest bytes of one that signs: as many as of its hash (RFC 2104 §3).
    pub const MIN_BYTES: usize = 32;
    /// How many bytes Standard Webhooks allows one to have.
    const STANDARD_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

    /// The bytes of a text as they are.
    pub fn of(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// As Standard Webhooks writes one: `whsec_`, which may be left out, and 24 to 64 bytes in base64. `None`: it is none.
    pub fn standard(text: &str) -> Option<Self> {
        use base64::Engine as _;
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = Zeroizing::new(base64::engine::general_purpose::STANDARD.decode(encoded).ok()?);
        Self::STANDARD_BYTES.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// HMAC-SHA-256 over the parts, one behind the other.
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            // HMAC takes keys of any length (RFC 2104 §2); no input reaches this arm.
            return [0; 32];
        };
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// What is to be remembered of a delivery that was signed right, so that it counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Of the scheme's name and all that was signed.
    pub digest: ApiKeyDigest,
    /// Up to when it would count again, because of its time.
    pub until: Timestamp,
}

/// Why a delivery does not count. Its sender is told only that the signature is not valid, or that it came too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookFault {
    /// The signature is not written as the form of the scheme says.
    Form,
    /// A header or a claim that is signed along is missing, or holds what it may not.
    Missing,
    /// None of the secrets made the signature.
    Signature,
    /// It was signed too long ago, or its token has ended.
    Late,
    /// It was signed too far in the future.
    Early,
}

impl WebhookFault {
    /// What is wrong, as the end of "the signature …", for the operator.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Form => "is not written as the format of its scheme says",
            Self::Missing => "lacks its id, its time or its end, or these cannot be read",
            Self::Signature => "was made by none of the secrets, or over something else",
            Self::Late => "is past its time",
            Self::Early => "is of a time that has not come",
        }
    }

    /// What it makes of the credential. Only who has the secret is told that it was late.
    pub const fn rejection(self) -> Rejection {
        match self {
            Self::Late => Rejection::Expired,
            Self::Form | Self::Missing | Self::Signature | Self::Early => Rejection::Unknown,
        }
    }
}

impl Webhook {
    /// A scheme of this name. Without secrets nothing proves anything, and every delivery is refused.
    pub fn new(name: &str, form: Form, secrets: Vec<WebhookSecret>, tolerance: Duration, most: u64) -> Self {
        let entry = Arc::new(CredentialEntry::configured(Kind::Webhook, name, ScopeSet::default()));
        Self { form, secrets, tolerance, most, entry }
    }

    /// The header that the proof is in.
    pub fn header(&self) -> &HeaderName {
        self.form.header()
    }

    /// The headers that are signed along with the body.
    pub fn others(&self) -> impl Iterator<Item = &HeaderName> {
        self.form.others()
    }

    /// The word before the proof, where it stands in `Authorization`.
    pub fn word(&self) -> Option<&'static str> {
        self.form.word()
    }

    /// What stands for the proof in a sentence on how to send it.
    pub fn placeholder(&self) -> &'static str {
        self.form.placeholder()
    }

    /// Whether whoever sees the proof could send something else with it, so that nobody behind Keyward is to see it. A signature
    /// over a body is none: an upstream may check it once more.
    pub fn is_secret(&self) -> bool {
        !self.needs_body()
    }

    /// Whether a body is needed to check the proof.
    pub fn needs_body(&self) -> bool {
        self.form.signs_body()
    }

    /// Whether it may be found by trying: a secret that is shown as it is, and one of few bytes.
    pub fn is_guessable(&self) -> bool {
        matches!(self.form, Form::Plain(_) | Form::Basic(_))
            && self.secrets.iter().any(|secret| secret.0.len() < WebhookSecret::MIN_BYTES)
    }

    /// The most bytes of a body.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// Whom a delivery speaks for.
    pub fn entry(&self) -> &Arc<CredentialEntry> {
        &self.entry
    }

    /// Checks a delivery: `presented` is the proof, which stands in one of these headers. Says what is to be remembered of it;
    /// nothing where no time is signed, so that it counts again whenever it comes.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(
        &self,
        presented: &[u8],
        headers: Fields<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Delivery>, WebhookFault> {
        let signed = self.form.read(presented, headers)?;
        let parts = signed.parts(body);
        // Every secret is tried, and every signature against each: which of them fits takes no less time to find.
        let by_any = |is: &dyn Fn(&WebhookSecret) -> bool| self.secrets.iter().fold(false, |fits, one| fits | is(one));
        let fits = match &signed {
            Signed::Secret(secret) => by_any(&|one| is_same_secret(&one.0, secret)),
            Signed::Pair { is_user, password } => by_any(&|one| is_same_secret(&one.0, password)) & is_user,
            Signed::Token(token) => by_any(&|one| same(&one.mac(&[token.message]), &token.signature)),
            Signed::Body { signatures, .. } => by_any(&|secret| {
                let mac = secret.mac(&parts);
                signatures.iter().fold(false, |fits, signature| fits | same(&mac, signature))
            }),
        };
        if !fits {
            return Err(WebhookFault::Signature);
        }
        if let Signed::Token(token) = &signed {
            // It is not over the body, and comes with each delivery until it ends.
            return token.check(now).map(|()| None);
        }
        let Some(second) = signed.second() else { return Ok(None) };
        let at = Timestamp::from_millis(second.saturating_mul(1000));
        if now > at.after(self.tolerance) {
            return Err(WebhookFault::Late);
        }
        if at > now.after(self.tolerance) {
            return Err(WebhookFault::Early);
        }
        Ok(Some(Delivery { digest: self.digest(&parts), until: at.after(self.tolerance) }))
    }

    /// Of all that was signed and not of the signature: several signatures of one delivery are one delivery.
    fn digest(&self, parts: &[&[u8]]) -> ApiKeyDigest {
        let mut digest = Sha256::new();
        let name = self.entry.principal.name.as_bytes();
        digest.update((name.len() as u64).to_be_bytes());
        digest.update(name);
        parts.iter().for_each(|part| digest.update(part));
        ApiKeyDigest::from_bytes(digest.finalize().into())
    }
}

/// Compares digests, because secrets have lengths and these tell something, too.
fn is_same_secret(known: &[u8], presented: &[u8]) -> bool {
    same(&Sha256::digest(known), &Sha256::digest(presented))
}

impl Clone for Webhook {
    /// Copies the entry too: workers that share a reference count would slow each other down.
    fn clone(&self) -> Self {
        Self {
            form: self.form.clone(),
            secrets: self.secrets.clone(),
            tolerance: self.tolerance,
            most: self.most,
            entry: Arc::new(CredentialEntry::clone(&self.entry)),
        }
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("form", &self.form)
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
