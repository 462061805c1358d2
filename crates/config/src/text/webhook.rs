//! The forms in which webhooks are signed.

use super::words;

/// How a webhook's sender proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookFormat {
    /// By the secret itself, in a header.
    Header,
    /// By HMAC-SHA-256 over the body, in hexadecimal.
    Hmac,
    /// As Stripe does.
    Stripe,
    /// By Standard Webhooks.
    Standard,
}

words!(WebhookFormat:
    "header" => Self::Header,
    "hmac" => Self::Hmac,
    "stripe" => Self::Stripe,
    "standard" => Self::Standard,
);
