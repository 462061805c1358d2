//! `portal`: pages on the data port for the operator's own customers.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{Color, EndpointPath, Written};

/// Pages on the data port where a customer sees its own keys and usage.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Portal {
    /// Where they stand; null: nowhere.
    #[serde(with = "Written::<Option<EndpointPath>>")]
    pub path: Option<EndpointPath>,
    /// What your customers know you as; null: they see no name.
    pub name: Option<String>,
    /// Your logo: a PNG, JPEG, WebP or SVG file.
    #[serde(with = "Written::<Option<PathBuf>>")]
    pub logo_file: Option<PathBuf>,
    /// Your colour, such as "#0b57d0".
    #[serde(with = "Written::<Option<Color>>")]
    pub color: Option<Color>,
}

impl Portal {
    /// The media type of the logo, by the name of its file; `None`: it is no picture that browsers know.
    pub fn media(&self) -> Option<&'static str> {
        let extension = self.logo_file.as_ref()?.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "png" => Some("image/png"),
            "jpg" | "jpeg" => Some("image/jpeg"),
            "webp" => Some("image/webp"),
            "svg" => Some("image/svg+xml"),
            _ => None,
        }
    }
}
