//! `security.api_keys.adopt`: who is asked about keys that nobody here knows, and until when.

use keyward_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// The verifier that was in front of the API before (`docs/reference/adopting.md`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// What is asked: a GET with the key in it. 2xx: it counts; 401, 403 and 404: it does not; anything else: it cannot be told.
    pub url: String,
    /// Which header of that GET has the key; `X-API-Key` unless said otherwise.
    #[serde(default)]
    pub header: Option<String>,
    /// From then on nobody is asked.
    #[serde(with = "Written::<Timestamp>")]
    pub until: Timestamp,
    /// Whose keys they become, by name; the first administrator unless said otherwise.
    #[serde(default)]
    pub owner: Option<String>,
    /// What they may do; their owner's scopes, less `self:` and `keyward:`, unless said otherwise.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
}

impl Adopt {
    /// The header's name.
    pub fn header(&self) -> &str {
        self.header.as_deref().unwrap_or("X-API-Key")
    }
}
