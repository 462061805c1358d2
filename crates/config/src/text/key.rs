//! Operators' own keys and the prefix of generated ones.

use keyward_core::key_format::MAX_BYTES;
use keyward_core::principal::Mode;
use schemars::{Schema, json_schema};
use secrecy::SecretString;

use super::FromText;

/// What generated keys begin with; may differ by mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The longest prefix, once `${mode}` is filled in.
    pub const MAX_BYTES: usize = 32;

    /// The prefix of keys of one mode.
    pub fn of(&self, mode: Mode) -> String {
        self.0.replace("${mode}", mode.as_str())
    }
}

impl FromText for Prefix {
    fn from_text(text: &str) -> Result<Self, String> {
        let prefix = Self(text.to_owned());
        for mode in [Mode::Live, Mode::Test] {
            let filled = prefix.of(mode);
            if !filled.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
                return Err(
                    "is not a prefix of keys\nletters, digits, _ and -, with ${mode} for live or test".to_owned()
                );
            }
            if filled.len() > Self::MAX_BYTES {
                return Err(format!("is too long\na prefix has at most {} bytes", Self::MAX_BYTES));
            }
        }
        Ok(prefix)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^([A-Za-z0-9_-]|\\$\\{mode\\})*$" })
    }
}

impl FromText for SecretString {
    /// Reads an operator's key: what a header can carry unchanged, so that it can be shown at all.
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty\nan empty key would let everybody in".to_owned());
        }
        if text.len() > MAX_BYTES {
            return Err(format!("is too long for a key\na key has at most {MAX_BYTES} bytes"));
        }
        if text.trim() != text || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err("cannot be carried in a header\nvisible ASCII, with spaces only inside".to_owned());
        }
        Ok(text.to_owned().into())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX_BYTES })
    }
}
