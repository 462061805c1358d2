//! The one password of `security.basic_auth`.

use keyward_core::basic::PASSWORD_BYTES;
use schemars::{Schema, json_schema};
use secrecy::{ExposeSecret, SecretString};

use super::FromText;

/// A password that Basic can carry.
#[derive(Clone, Debug)]
pub struct BasicPassword(SecretString);

impl ExposeSecret<str> for BasicPassword {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl FromText for BasicPassword {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty\nan empty password would let everybody in".to_owned());
        }
        if text.len() > PASSWORD_BYTES {
            return Err(format!("is longer than {PASSWORD_BYTES} bytes\nlonger passwords are refused unseen"));
        }
        if text.chars().any(char::is_control) {
            return Err("holds a control character\nBasic cannot carry one (RFC 7617 section 2)".to_owned());
        }
        Ok(Self(text.to_owned().into()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": PASSWORD_BYTES })
    }
}
