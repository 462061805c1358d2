//! `security.basic_auth`: a username and a password with each request.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{BasicPassword, Written};

/// A username and a password with each request (Basic, RFC 7617).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// Whether schemes of kind `basic` read anything.
    pub enabled: bool,
    /// The only username that counts, with `password`; null means Keyward's users.
    pub username: Option<String>,
    /// Its password: best as `${env:NAME}` or `${file:PATH}`.
    #[serde(with = "Written::<Option<BasicPassword>>")]
    pub password: Option<BasicPassword>,
}
