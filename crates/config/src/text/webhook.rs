//! The forms in which webhooks' senders prove themselves.

use super::words;

/// How a webhook's sender proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookFormat {
    /// By the secret itself, in a header.
    Header,
    /// By a username and the secret as its password.
    Basic,
    /// By a token that the secret signed.
    Jwt,
    /// By HMAC-SHA-256 over the body, in hexadecimal.
    Hmac,
    /// As Stripe does.
    Stripe,
    /// By Standard Webhooks.
    Standard,
}

words!(WebhookFormat:
    "header" => Self::Header,
    "basic" => Self::Basic,
    "jwt" => Self::Jwt,
    "hmac" => Self::Hmac,
    "stripe" => Self::Stripe,
    "standard" => Self::Standard,
);
