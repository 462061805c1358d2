//! What memory and the signing keys say of a credential; and of strangers, whether they wait, and what they showed wrong.

use std::net::IpAddr;

use keyward_core::decision::{Decision, Denial, Throttled};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::machine::{Listener, Recalled, Recalling, Resumed, Ruled, Strangers, Verified};
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
        let known = if matches!(recalled, Recalled::Nothing) { LookedUp::Nowhere } else { LookedUp::InMemory };
        let strangers = Strangers { tag_key: &self.tag_key, held: &|| self.held(snapshot, client) };
        let found = match recalling.resume(recalled, strangers, listener) {
            Resumed::Ruled(ruled) => Found::Here(ruled),
            Resumed::Fetch(question, fetching) => Found::InStore(question, fetching),
            Resumed::Examine(examining) => match self.examine(snapshot, *examining, listener) {
                Ok(ruled) => Found::Here(ruled),
                Err(examining) => Found::AtIssuer(examining),
            },
            Resumed::Verify(verifying) => {
                let is_signed = self.signing_keys.borrow().verify(verifying.token());
                match verifying.resume(is_signed, listener) {
                    Verified::Decided(decision) => Found::Here(Ruled::Decided(decision)),
                    Verified::Fetch(question, fetching) => Found::InStore(question, fetching),
                }
            }
        };
        let looked_up = if matches!(found, Found::InStore(..)) { LookedUp::InStore } else { known };
        self.tally.looked_up(looked_up);
        if let (LookedUp::Nowhere, Found::Here(Ruled::Decided(Decision::Deny(denial)))) = (looked_up, &found) {
            self.count_wrong(snapshot, client, denial);
        }
        found
    }

    /// Whether strangers from there have to wait.
    fn held(&self, snapshot: &Snapshot, client: IpAddr) -> Option<Throttled> {
        let rules = snapshot.rules().guarding.throttle.as_ref()?;
        self.throttle.holds(rules, client, None, snapshot.now().monotonic)
    }

    /// Counts what was known to be wrong here. What is asked elsewhere is counted there.
    fn count_wrong(&self, snapshot: &Snapshot, client: IpAddr, denial: &Denial) {
        let kind = denial.scheme.and_then(|scheme| snapshot.rules().scheme(scheme)).map(|scheme| scheme.kind);
        if let (Some(rules), true, Some(CredentialKind::ApiKey | CredentialKind::Session)) =
            (snapshot.rules().guarding.throttle.as_ref(), denial.is_wrong_guess(), kind)
        {
            self.throttle.wrong(rules, client, None, snapshot.now().monotonic);
        }
    }
}
