//! A secret that signs tokens.

use schemars::{Schema, json_schema};
use secrecy::{ExposeSecret, SecretString};

use super::FromText;

/// A secret for HS256: as many bytes as its hash has, no fewer (RFC 7518 §3.2).
#[derive(Clone, Debug)]
pub struct TokenSecret(SecretString);

impl TokenSecret {
    /// The fewest bytes.
    pub const MIN_BYTES: usize = 32;
    /// The most. Longer ones are files that somebody took for a secret.
    const MAX_BYTES: usize = 4096;
}

impl ExposeSecret<str> for TokenSecret {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl FromText for TokenSecret {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.len() < Self::MIN_BYTES {
            return Err(format!(
                "is shorter than {} bytes\nwhoever guesses it can make tokens; make one with: openssl rand -base64 32",
                Self::MIN_BYTES
            ));
        }
        if text.len() > Self::MAX_BYTES {
            return Err(format!("is longer than {} bytes", Self::MAX_BYTES));
        }
        Ok(Self(text.to_owned().into()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": Self::MIN_BYTES, "maxLength": Self::MAX_BYTES })
    }
}
