//! Signed tokens of who calls, for one upstream on one core: signed at a credential's first request and given again for half
//! of their lives, so that hardly any request waits for a signature.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::api_key::CredentialEntry;
use keyward_core::machine::Permit;
use keyward_core::time::Timestamp;
use keyward_core::token::{IDENTITY_TYPE, IdentityClaims};

use crate::setup::Vouch;

/// How many tokens are remembered in each of two generations.
const REMEMBERED: usize = 8192;

/// A token, and the very credential that it tells of: another reading of it is another value, and gets another token.
struct Given {
    entry: Arc<CredentialEntry>,
    text: Rc<[u8]>,
    from: Timestamp,
    until: Timestamp,
}

/// The tokens of one upstream.
pub(crate) struct Vouched {
    by: Vouch,
    young: RefCell<HashMap<usize, Given>>,
    old: RefCell<HashMap<usize, Given>>,
}

impl Vouched {
    pub(crate) fn new(by: &Vouch) -> Self {
        Self { by: by.clone(), young: RefCell::default(), old: RefCell::default() }
    }

    /// The token of a permitted caller. `None`: nobody calls by name, or nothing signs for a moment.
    pub(crate) fn token(&self, permit: &Permit, now: Timestamp) -> Option<Rc<[u8]>> {
        let entry = permit.shared_credential()?;
        let place = Arc::as_ptr(entry).addr();
        let counts = |given: &&Given| Arc::ptr_eq(&given.entry, entry) && given.from <= now && now < given.until;
        if let Some(given) = self.young.borrow().get(&place).filter(counts) {
            return Some(Rc::clone(&given.text));
        }
        let kept = self.old.borrow_mut().remove(&place).filter(|given| counts(&given));
        let given = kept.or_else(|| self.sign(entry, now))?;
        let text = Rc::clone(&given.text);
        let mut young = self.young.borrow_mut();
        if young.len() >= REMEMBERED && !young.contains_key(&place) {
            *self.old.borrow_mut() = std::mem::take(&mut *young);
        }
        young.insert(place, given);
        Some(text)
    }

    fn sign(&self, entry: &Arc<CredentialEntry>, now: Timestamp) -> Option<Given> {
        let key = self.by.signer.signs_now()?;
        let (principal, iat) = (&entry.principal, now.as_millis().div_euclid(1000));
        let end = now.after(self.by.expiration);
        let end = entry.ends_at.map_or(end, |ends_at| ends_at.min(end));
        let claims = IdentityClaims {
            iss: &self.by.issuer,
            aud: &self.by.audience,
            sub: &principal.id,
            name: &principal.name,
            kind: principal.kind.as_str(),
            account: principal.account.as_deref(),
            credential: principal.credential.text(),
            mode: principal.mode.as_str(),
            scope: principal.grants.scopes().as_list(),
            exp: end.as_millis().div_euclid(1000),
            iat,
            nbf: iat,
        };
        let text = key.sign(IDENTITY_TYPE, &claims)?.into_bytes().into();
        Some(Given { entry: Arc::clone(entry), text, from: now, until: now.after(half(self.by.expiration)).min(end) })
    }
}

fn half(life: Duration) -> Duration {
    life / 2
}
