//! What proves a webhook's sender: a secret, which is held back from who guesses, or a signature, once the body is there, whose
//! delivery counts once over all cores.

use keyward_core::decision::{Decision, Fault};
use keyward_core::machine::{Awaiting, Listener, Proven, Ruled};
use keyward_core::webhook::Delivery;

use super::{Begun, Snapshot, Worker};
use crate::deliveries::Noted;

/// A decision on a delivery, and what is remembered of it from now on.
pub struct Proved<'a> {
    /// As far as it came.
    pub begun: Begun<'a>,
    /// For [`Worker::forget`].
    pub delivery: Option<Delivery>,
}

impl Worker {
    /// Goes on with a secret that was shown. Whoever tries many has to wait, where trying leads anywhere.
    pub(super) fn prove_shown<'a>(
        &self,
        snapshot: &Snapshot,
        awaiting: Awaiting<'a>,
        listener: &mut impl Listener,
    ) -> Ruled<'a> {
        let (client, is_guessable) = (awaiting.client(), awaiting.is_guessable());
        let held = if is_guessable { self.held(snapshot, client) } else { None };
        let ruled = awaiting.answer(held, listener);
        if let (true, Ruled::Decided(Decision::Deny(denial))) = (is_guessable, &ruled) {
            self.count_guess(snapshot, client, denial);
        }
        ruled
    }

    /// Goes on with the whole body of a request. A delivery that was signed right counts once from now on; whoever refuses it
    /// after all forgets it ([`Worker::forget`]), so that it may come again.
    ///
    /// # Errors
    /// [`Fault::Deliveries`] where there is no room to remember it.
    pub fn prove<'a>(
        &self,
        snapshot: &'a Snapshot,
        awaiting: Awaiting<'a>,
        body: &[u8],
        listener: &mut impl Listener,
    ) -> Result<Proved<'a>, Fault> {
        let (ruled, delivery) = match awaiting.resume(body, listener) {
            Proven::Ruled(ruled) => (ruled, None),
            Proven::Deliver(delivery, delivering) => {
                match self.shared.deliveries().note(delivery, snapshot.now().wall) {
                    Noted::First => (delivering.resume(true, listener), Some(delivery)),
                    Noted::Again => (delivering.resume(false, listener), None),
                    Noted::Full => return Err(Fault::Deliveries),
                }
            }
        };
        let begun = self.settle(snapshot, ruled, None, listener).map_or_else(Begun::Reserve, Begun::Decided);
        Ok(Proved { begun, delivery })
    }

    /// Lets a delivery come again that nobody took.
    pub fn forget(&self, delivery: &Delivery) {
        self.shared.deliveries().forget(delivery);
    }
}
