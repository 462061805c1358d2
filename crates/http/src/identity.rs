//! What the upstream is told of who calls: the names of those headers and their values.

use http::HeaderName;
use keyward_core::decision::DecisionId;
use keyward_core::principal::Principal;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::edits::Put;

/// The header of each fact.
#[derive(Clone, Debug)]
pub struct IdentityHeaders {
    /// The owner's id.
    pub principal: HeaderName,
    /// The key's name or the username.
    pub name: HeaderName,
    /// What kind of credential it was.
    pub kind: HeaderName,
    /// The account.
    pub account: HeaderName,
    /// The scopes, separated by spaces.
    pub scopes: HeaderName,
    /// The decision's id.
    pub decision: HeaderName,
    /// The credential's id.
    pub credential: HeaderName,
    /// Live or test.
    pub mode: HeaderName,
    /// All of it as a signed token, where that is on. Whatever a client sends there is removed in any case.
    pub token: HeaderName,
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
            &self.token,
        ]
        .into_iter()
    }

    /// A copy that shares no reference count with this one, for a core of its own.
    pub fn unshared(&self) -> Self {
        Self {
            principal: unshared_name(&self.principal),
            name: unshared_name(&self.name),
            kind: unshared_name(&self.kind),
            account: unshared_name(&self.account),
            scopes: unshared_name(&self.scopes),
            decision: unshared_name(&self.decision),
            credential: unshared_name(&self.credential),
            mode: unshared_name(&self.mode),
            token: unshared_name(&self.token),
        }
    }

    /// Gives the field that names the decision on a permitted request. Whatever a client sent under these names must be gone by
    /// then.
    pub(crate) fn visit_decision(&self, decision: DecisionId, put: &mut impl Put) {
        put(self.decision.as_str().as_bytes(), &decision.text());
    }

    /// Gives the fields that tell of a caller: with every request the same.
    pub(crate) fn visit_principal(&self, principal: &Principal, put: &mut impl Put) {
        tell(&self.principal, &principal.id, put);
        tell(&self.name, &principal.name, put);
        // A fact that is absent sends no header.
        if let Some(account) = &principal.account {
            tell(&self.account, account, put);
        }
        tell(&self.credential, principal.credential.text(), put);
        tell(&self.scopes, principal.grants.scopes().as_list(), put);
        put(self.kind.as_str().as_bytes(), principal.kind.as_str().as_bytes());
        put(self.mode.as_str().as_bytes(), principal.mode.as_str().as_bytes());
    }
}

/// Clones of a name that http does not know by heart count references on one shared line; a copy has its own.
pub(crate) fn unshared_name(name: &HeaderName) -> HeaderName {
    HeaderName::from_bytes(name.as_str().as_bytes()).unwrap_or_else(|_| name.clone())
}

fn tell(name: &HeaderName, value: &str, put: &mut impl Put) {
    let name = name.as_str().as_bytes();
    // Over all bytes, whatever the first ones say: so it is done for many at once.
    let is_plain = |byte: u8| (b' '..0x7f).contains(&byte) & (byte != b'%');
    if value.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        put(name, value.as_bytes());
    } else {
        put(name, utf8_percent_encode(value, ENCODED).to_string().as_bytes());
    }
}
