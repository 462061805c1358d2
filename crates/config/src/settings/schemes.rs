//! `schemes`: where in a request a credential is read.

use http::HeaderName;
use keyward_core::scheme::CredentialKind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// Where in a request a credential is read: in a header of its own, or in `Authorization`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// What the credential is.
    #[serde(with = "Written::<CredentialKind>")]
    pub kind: CredentialKind,
    /// The header that holds the credential alone.
    #[serde(default, with = "Written::<Option<HeaderName>>")]
    pub header: Option<HeaderName>,
    /// The word before the credential in `Authorization`.
    #[serde(default)]
    pub authorization: Option<String>,
}
