//! A token of another issuer: checked by the keys that this core has, or once those were asked for that it has not.

use std::sync::Arc;

use keyward_core::decision::{Decision, Fault};
use keyward_core::machine::{Examined, Examining, Listener, Ruled};

use super::{Snapshot, Worker};
use crate::issuers::Word;
use crate::lineage::Lineage;

impl Worker {
    /// What the keys at hand say; the token back where there is none of the name that it says.
    pub(super) fn examine<'a>(
        &self,
        snapshot: &Snapshot,
        examining: Examining<'a>,
        listener: &mut impl Listener,
    ) -> Result<Ruled<'a>, Box<Examining<'a>>> {
        let word = self.issuer_keys.borrow().verify(examining.token());
        match word {
            Word::NoKey => Err(Box::new(examining)),
            Word::Signed | Word::NotSigned => Ok(self.conclude(snapshot, examining, word, listener)),
        }
    }

    /// Asks for the keys and goes on.
    pub(super) async fn examine_later<'a>(
        &self,
        snapshot: &Snapshot,
        examining: Examining<'a>,
        listener: &mut impl Listener,
    ) -> Result<Ruled<'a>, Fault> {
        let token = examining.token();
        self.shared.issuers().ask(&token.issuer().name, &token.kid).await?;
        // What there is was posted before that was said.
        self.catch_up();
        let word = self.issuer_keys.borrow().verify(examining.token());
        Ok(self.conclude(snapshot, examining, word, listener))
    }

    /// As [`Worker::examine_later`], up to the decision.
    pub(super) async fn examine_and_settle(
        &self,
        snapshot: &Snapshot,
        examining: Examining<'_>,
        listener: &mut impl Listener,
    ) -> Result<Decision, Fault> {
        let digest = *examining.digest();
        let ruled = self.examine_later(snapshot, examining, listener).await?;
        match self.settle(snapshot, ruled, Some(digest), listener) {
            Ok(decision) => Ok(decision),
            Err(reserving) => self.reserve(snapshot, *reserving, listener).await,
        }
    }

    /// Judges by the word on the signature, and remembers a token that is right: until other keys, or another configuration.
    fn conclude<'a>(
        &self,
        snapshot: &Snapshot,
        examining: Examining<'a>,
        word: Word,
        listener: &mut impl Listener,
    ) -> Ruled<'a> {
        let digest = *examining.digest();
        let Examined { entry, ruled } = examining.resume(word == Word::Signed, listener);
        if let Some(entry) = entry.filter(|_| self.is_current(snapshot)) {
            // No change of the store is about it.
            self.memory.borrow_mut().keep(digest, Arc::clone(&entry), Lineage::default(), u64::MAX);
        }
        ruled
    }
}
