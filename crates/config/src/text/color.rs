//! Colours.

use schemars::{Schema, json_schema};

use super::FromText;

/// A colour of pages, as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Color(String);

impl Color {
    /// As style sheets have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for Color {
    fn from_text(text: &str) -> Result<Self, String> {
        // Without quotes `#` begins a comment, so that people leave it out.
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("is not a colour\nsix hexadecimal digits in quotes, such as \"#0b57d0\"".to_owned());
        }
        Ok(Self(format!("#{}", digits.to_ascii_lowercase())))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^#?[0-9A-Fa-f]{6}$" })
    }
}
