//! `schemes`: where in a request a credential is read.

use std::time::Duration;

use http::HeaderName;
use keyward_core::scheme::CredentialKind;
use keyward_core::webhook::Form;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::text::{Size, WebhookFormat, Written};

/// How far the time of a signature may be from ours, where nothing else is said.
const TOLERANCE: Duration = Duration::from_secs(300);
/// The most bytes of a body under a signature, where nothing else is said.
const BODY: u64 = 1024 * 1024;

/// Where in a request a credential is read: in a header of its own, or in `Authorization`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// What the credential is.
    #[serde(with = "Written::<CredentialKind>")]
    pub kind: CredentialKind,
    /// The header that holds the credential alone; of a webhook its secret (`header`) or its signature (`hmac`).
    #[serde(default, with = "Written::<Option<HeaderName>>")]
    pub header: Option<HeaderName>,
    /// The word before the credential in `Authorization`.
    #[serde(default)]
    pub authorization: Option<String>,
    /// How a webhook's sender proves itself: `header`, `basic`, `jwt`, `hmac`, `stripe` or `standard` (`docs/reference/webhooks.md`).
    #[serde(default, with = "Written::<Option<WebhookFormat>>")]
    pub format: Option<WebhookFormat>,
    /// `basic`: the username, whose password is the secret.
    #[serde(default)]
    pub username: Option<String>,
    /// The secret that a webhook's sender has too: best as `${env:NAME}` or `${file:PATH}`.
    #[serde(default, with = "Written::<Option<SecretString>>")]
    pub secret: Option<SecretString>,
    /// Several of them instead, while one takes the place of another.
    #[serde(default, with = "Written::<Option<Vec<SecretString>>>")]
    pub secrets: Option<Vec<SecretString>>,
    /// `hmac`: the header that holds the time, which is signed then as `<time>.<body>`.
    #[serde(default, with = "Written::<Option<HeaderName>>")]
    pub timestamp_header: Option<HeaderName>,
    /// `standard`: what the three headers begin with, `webhook` unless said otherwise.
    #[serde(default)]
    pub prefix: Option<String>,
    /// How far the time of a signature may be from now, either way; 5m unless said otherwise.
    #[serde(default, with = "Written::<Option<Duration>>")]
    pub tolerance: Option<Duration>,
    /// The most bytes of a body under a signature; 1MiB unless said otherwise, at most 16MiB. More is answered 413.
    #[serde(default, with = "Written::<Option<Size>>")]
    pub body_bytes: Option<Size>,
}

impl Scheme {
    /// The form of a webhook; `None` where it is none, or was not written whole.
    pub(crate) fn form(&self) -> Option<Form> {
        match self.format.filter(|_| self.kind == CredentialKind::Webhook)? {
            WebhookFormat::Header => Some(Form::Plain(self.header.clone()?)),
            WebhookFormat::Basic => Some(Form::Basic(self.username.as_deref()?.into())),
            WebhookFormat::Jwt => Some(Form::Token),
            WebhookFormat::Hmac => {
                Some(Form::Hmac { header: self.header.clone()?, timestamp: self.timestamp_header.clone() })
            }
            WebhookFormat::Stripe => Some(Form::stripe()),
            WebhookFormat::Standard => Form::standard(self.prefix.as_deref().unwrap_or("webhook")),
        }
    }

    /// The header that is read, and the word that stands before the credential in there.
    pub(crate) fn place(&self) -> (Option<HeaderName>, Option<String>) {
        let form = self.form();
        if let Some(word) = form.as_ref().and_then(Form::word) {
            return (None, Some(word.to_ascii_lowercase()));
        }
        let header = form.map(|form| form.header().clone()).or_else(|| self.header.clone());
        let word = match self.kind {
            CredentialKind::Basic => Some("basic".to_owned()),
            // No word before a credential has a blank in it.
            CredentialKind::Session => Some("the cookie".to_owned()),
            _ => self.authorization.as_deref().map(str::to_ascii_lowercase),
        };
        (header, word)
    }

    /// Whichever of the two the secrets of a webhook were written in.
    pub(crate) fn all_secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.secret.iter().chain(self.secrets.iter().flatten())
    }

    /// How far the time of a signature may be from now.
    pub(crate) fn tolerance(&self) -> Duration {
        self.tolerance.unwrap_or(TOLERANCE)
    }

    /// The most bytes of a body under a signature.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.body_bytes.map_or(BODY, |size| size.0)
    }
}
