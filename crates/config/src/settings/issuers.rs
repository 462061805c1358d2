//! `security.issuers`: others whose tokens count.

use keyward_core::foreign;
use schemars::JsonSchema;
use serde::Deserialize;

/// Types of access tokens, where nothing else is said: that of RFC 9068, and the one of tokens that name none.
const TYPES: [&str; 2] = ["at+jwt", "JWT"];

/// Somebody else whose tokens count (`docs/reference/issuers.md`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// `iss` of its tokens, byte for byte.
    pub issuer: String,
    /// Where its keys are; null: its metadata below `issuer` says it.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// Whom its tokens must be meant for: `aud`, or one of its list.
    pub audience: String,
    /// The claim that holds scopes, as a text with spaces or as a list; `scope` unless said otherwise.
    #[serde(default)]
    pub scope_claim: Option<String>,
    /// `typ` in the header of its tokens; `at+jwt` and `JWT` unless said otherwise. `JWT` is also that of a token without one.
    #[serde(default)]
    pub types: Option<Vec<String>>,
}

impl Issuer {
    /// As decisions see it.
    pub(crate) fn rules(&self) -> foreign::Issuer {
        let usual = || TYPES.iter().map(|typ| (*typ).into()).collect();
        let said = |types: &Vec<String>| types.iter().map(|typ| typ.as_str().into()).collect();
        foreign::Issuer {
            name: self.issuer.as_str().into(),
            audience: self.audience.as_str().into(),
            scope_claim: self.scope_claim.as_deref().unwrap_or("scope").into(),
            types: self.types.as_ref().map_or_else(usual, said),
        }
    }
}
