//! How the machine goes on with a webhook's body: whether its signature is right, and whether the delivery came before.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Proven, Routed, Ruled, Step};
use crate::api_key::Rejection;
use crate::decision::{Decision, Denial, Throttled};
use crate::listener::{Event, Listener};
use crate::route::RouteId;
use crate::scheme::{Presented, SchemeId};
use crate::webhook::{Delivery, Webhook, WebhookFault};

/// A decision that waits for the whole body of the request, or for the word on whether strangers have to wait.
#[derive(Debug)]
pub struct Awaiting<'a> {
    routed: Routed<'a>,
    scheme: SchemeId,
    webhook: &'a Webhook,
    presented: Presented<'a>,
}

impl<'a> Awaiting<'a> {
    /// A signature waits for the body; what is shown as it is does not.
    pub(super) fn begin(
        routed: Routed<'a>,
        (scheme, webhook): (SchemeId, &'a Webhook),
        presented: Presented<'a>,
    ) -> Step<'a> {
        let awaiting = Self { routed, scheme, webhook, presented };
        if webhook.needs_body() { Step::Body(awaiting) } else { Step::Shown(awaiting) }
    }

    /// Where it comes from.
    pub fn client(&self) -> IpAddr {
        self.routed.frame.facts.client
    }

    /// Whether what was shown may be found by trying: strangers then wait once they were wrong too often.
    pub fn is_guessable(&self) -> bool {
        self.webhook.is_guessable()
    }

    /// Goes on without a body. Nothing is compared for whoever has to wait.
    pub fn answer(self, held: Option<Throttled>, listener: &mut impl Listener) -> Ruled<'a> {
        if let Some(throttled) = held {
            return Ruled::Decided(Decision::Deny(self.routed.throttled(self.scheme, throttled)));
        }
        match self.check(&[], listener) {
            Ok(_) => self.judge(listener),
            Err(denial) => Ruled::Decided(Decision::Deny(denial)),
        }
    }

    /// The route that it is for.
    pub fn route(&self) -> RouteId {
        self.routed.id
    }

    /// The most bytes that the body may have.
    pub fn most(&self) -> u64 {
        self.webhook.most()
    }

    /// Goes on with the body as it came, without its framing.
    pub fn resume(self, body: &[u8], listener: &mut impl Listener) -> Proven<'a> {
        match self.check(body, listener) {
            Err(denial) => Proven::Ruled(Ruled::Decided(Decision::Deny(denial))),
            Ok(None) => Proven::Ruled(self.judge(listener)),
            Ok(Some(delivery)) => Proven::Deliver(delivery, Delivering(self)),
        }
    }

    /// Whether a delivery that was signed right when it came would still pass, up to its limits. It makes no
    /// [`super::Permit`].
    ///
    /// # Errors
    /// The denial that it would meet.
    pub fn still(self, listener: &mut impl Listener) -> Result<(), Denial> {
        match self.judge(listener) {
            Ruled::Decided(Decision::Deny(denial)) => Err(denial),
            Ruled::Decided(Decision::Allow(_)) | Ruled::Spend(_) => Ok(()),
        }
    }

    fn check(&self, body: &[u8], listener: &mut impl Listener) -> Result<Option<Delivery>, Denial> {
        let frame = self.routed.frame;
        let verdict = self.webhook.verify(self.presented.expose(), frame.facts.headers, body, frame.now.wall);
        listener.hear(Event::Signed(verdict.map(drop)));
        verdict.map_err(|fault| self.refuse(fault))
    }

    fn refuse(&self, fault: WebhookFault) -> Denial {
        let shows_secret = matches!(fault, WebhookFault::Late | WebhookFault::Early);
        let known = shows_secret.then(|| Arc::clone(self.webhook.entry()));
        self.routed.reject(self.scheme, fault.rejection(), known)
    }

    fn judge(&self, listener: &mut impl Listener) -> Ruled<'a> {
        self.routed.judge(Arc::clone(self.webhook.entry()), self.scheme, listener)
    }
}

/// A decision on a delivery that was signed right, and waits for the word on whether it came before.
#[derive(Debug)]
pub struct Delivering<'a>(Awaiting<'a>);

impl<'a> Delivering<'a> {
    /// Goes on with the word.
    pub fn resume(self, is_first: bool, listener: &mut impl Listener) -> Ruled<'a> {
        let Self(awaiting) = self;
        listener.hear(Event::Repeated(!is_first));
        if is_first {
            return awaiting.judge(listener);
        }
        let entry = Some(Arc::clone(awaiting.webhook.entry()));
        Ruled::Decided(Decision::Deny(awaiting.routed.reject(awaiting.scheme, Rejection::Repeated, entry)))
    }
}
