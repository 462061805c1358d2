//! What the upstream is told of who calls: the names of those headers and their values.

use http::{HeaderMap, HeaderName, HeaderValue};
use keyward_core::decision::DecisionId;
use keyward_core::machine::Permit;
use keyward_core::principal::Principal;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The header of each fact; `None` tells nothing of it.
#[derive(Clone, Debug)]
pub struct IdentityHeaders {
    /// The owner's id.
    pub principal: Option<HeaderName>,
    /// The key's name or the username.
    pub name: Option<HeaderName>,
    /// What kind of credential it was.
    pub kind: Option<HeaderName>,
    /// The account.
    pub account: Option<HeaderName>,
    /// The scopes, separated by spaces.
    pub scopes: Option<HeaderName>,
    /// The decision's id.
    pub decision: Option<HeaderName>,
    /// The credential's id.
    pub credential: Option<HeaderName>,
    /// Live or test.
    pub mode: Option<HeaderName>,
}

/// What may not stand in a value as it is; `%` itself is encoded, so that decoding is unambiguous.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

impl IdentityHeaders {
    /// All names in use.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        [
            &self.principal,
            &self.name,
            &self.kind,
            &self.account,
            &self.scopes,
            &self.decision,
            &self.credential,
            &self.mode,
        ]
        .into_iter()
        .flatten()
    }

    /// Sets the headers for a permitted request. Whatever a client sent under these names must be gone by then.
    pub fn set(&self, headers: &mut HeaderMap, permit: &Permit, decision: DecisionId) {
        set(headers, self.decision.as_ref(), std::str::from_utf8(&decision.text()).ok());
        if let Some(principal) = permit.principal() {
            self.set_principal(headers, principal);
        }
    }

    fn set_principal(&self, headers: &mut HeaderMap, principal: &Principal) {
        set(headers, self.principal.as_ref(), Some(&principal.id));
        set(headers, self.name.as_ref(), Some(&principal.name));
        set(headers, self.kind.as_ref(), Some(principal.kind.as_str()));
        set(headers, self.account.as_ref(), principal.account.as_deref());
        set(headers, self.credential.as_ref(), Some(&principal.credential));
        set(headers, self.mode.as_ref(), Some(principal.mode.as_str()));
        if self.scopes.is_some() {
            set(headers, self.scopes.as_ref(), Some(&principal.grants.scopes().to_list()));
        }
    }
}

fn set(headers: &mut HeaderMap, name: Option<&HeaderName>, value: Option<&str>) {
    let (Some(name), Some(value)) = (name, value) else { return };
    let plain = value.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b'%');
    let value = if plain {
        HeaderValue::from_str(value)
    } else {
        HeaderValue::from_str(&utf8_percent_encode(value, ENCODED).to_string())
    };
    if let Ok(value) = value {
        headers.insert(name, value);
    }
}
