//! What memory and the signing keys say of a credential; and of strangers, whether they wait, and what they showed wrong.

use std::net::IpAddr;

use keyward_core::decision::{Decision, Denial, Throttled};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::machine::{Listener, Recalling, Resumed, Ruled, Strangers, Verified};
use keyward_core::scheme::CredentialKind;

use super::{Found, Snapshot, Worker};
use crate::tally::LookedUp;

impl Worker {
    /// What memory and the signing keys say of a credential, or else what the store must be asked.
    pub(super) fn look_up<'a>(
        &self,
        snapshot: &Snapshot,
        digest: &ApiKeyDigest,
        recalling: Recalling<'a>,
        listener: &mut impl Listener,
    ) -> Found<'a> {
        let recalled = self.recall(snapshot, digest);
        let client = recalling.client();
        let mut known = LookedUp::of(&recalled);
        let imported = self.shared.imported();
        let is_adopting = snapshot.rules().guarding.is_adopting(snapshot.now().wall);
        let strangers = Strangers {
            tag_key: &self.tag_key,
            held: &|| self.held(snapshot, client),
            imported: &|| is_adopting || imported.are_any(),
        };
        let (digest, verified) = match recalling.resume(recalled, strangers, listener) {
            Resumed::Ruled(ruled) => (*digest, Verified::Ruled(ruled)),
            Resumed::Fetch(question, fetching) => (*digest, Verified::Fetch(question, fetching)),
            Resumed::Import(by, importing) => {
                let recalled = self.recall(snapshot, &by);
                known = LookedUp::of(&recalled);
                (by, importing.resume(recalled, |by| imported.expected(by, is_adopting), listener))
            }
            Resumed::Examine(examining) => match self.examine(snapshot, *examining, listener) {
                Ok(ruled) => (*digest, Verified::Ruled(ruled)),
                Err(examining) => {
                    self.tally.looked_up(known);
                    return Found::AtIssuer(examining);
                }
            },
            Resumed::Verify(verifying) => {
                let is_signed = self.signing_keys.borrow().verify(verifying.token());
                (*digest, verifying.resume(is_signed, listener))
            }
        };
        let found = match verified {
            Verified::Ruled(ruled) => Found::Here(ruled, digest),
            Verified::Fetch(question, fetching) => Found::InStore(question, fetching),
        };
        let looked_up = if matches!(found, Found::InStore(..)) { LookedUp::InStore } else { known };
        self.tally.looked_up(looked_up);
        if let (LookedUp::Nowhere, Found::Here(Ruled::Decided(Decision::Deny(denial)), _)) = (looked_up, &found) {
            self.count_wrong(snapshot, client, denial);
        }
        found
    }

    /// Whether strangers from there have to wait.
    pub(super) fn held(&self, snapshot: &Snapshot, client: IpAddr) -> Option<Throttled> {
        let rules = snapshot.rules().guarding.throttle.as_ref()?;
        self.throttle.holds(rules, client, None, snapshot.now().monotonic)
    }

    /// Counts what was known to be wrong here. What is asked elsewhere is counted there.
    fn count_wrong(&self, snapshot: &Snapshot, client: IpAddr, denial: &Denial) {
        let kind = denial.scheme.and_then(|scheme| snapshot.rules().scheme(scheme)).map(|scheme| scheme.kind);
        if let Some(CredentialKind::ApiKey | CredentialKind::Session) = kind {
            self.count_guess(snapshot, client, denial);
        }
    }

    /// Counts what was denied, if it was a guess.
    pub(super) fn count_guess(&self, snapshot: &Snapshot, client: IpAddr, denial: &Denial) {
        if let (Some(rules), true) = (snapshot.rules().guarding.throttle.as_ref(), denial.is_wrong_guess()) {
            self.throttle.wrong(rules, client, None, snapshot.now().monotonic);
        }
    }
}
