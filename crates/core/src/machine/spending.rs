//! The limit step: what a cleared request is to be charged to, and how the machine goes on with what came of it.

use std::num::NonZeroU32;

use super::{Authentication, Cleared, Routed, conclude};
use crate::address::network;
use crate::api_key::CredentialEntry;
use crate::decision::{Decision, Denial, Limited, Reason};
use crate::limit::{Demand, Per, Spend, Subject};
use crate::listener::{Event, Listener};
use crate::time::Now;

/// A decision that waits for its limits to be charged: all of them, or none.
#[derive(Debug)]
pub struct Spending<'a> {
    routed: Routed<'a>,
    cleared: Cleared,
}

impl<'a> Spending<'a> {
    pub(super) fn new(routed: Routed<'a>, cleared: Cleared) -> Self {
        Self { routed, cleared }
    }

    /// What is to be charged, in the order of the route. A limit that counts callers does not count one who showed nothing.
    pub fn demands(&self) -> impl Iterator<Item = Demand<'_>> {
        let Routed { frame, route, .. } = self.routed;
        route.limits.iter().filter_map(move |id| {
            let limit = frame.rules.limit(*id)?;
            let subject = match limit.per() {
                Per::Address => Subject::Address(network(frame.facts.client)),
                Per::Route => Subject::Route(&route.name),
                per => Subject::of_caller(per, self.caller()?)?,
            };
            Some(Demand { id: *id, limit, subject })
        })
    }

    /// What each of them is to be charged.
    pub fn cost(&self) -> NonZeroU32 {
        self.routed.route.cost
    }

    /// The one time of the request.
    pub fn now(&self) -> Now {
        self.routed.frame.now
    }

    fn caller(&self) -> Option<&CredentialEntry> {
        self.cleared.authentication.as_ref().map(|authentication| &*authentication.entry)
    }

    /// For whoever only looks.
    pub fn looking(self) -> Looking<'a> {
        Looking(self)
    }

    /// Goes on with what came of the charges.
    pub fn resume(self, spend: Spend, listener: &mut impl Listener) -> Decision {
        let Self { routed, cleared } = self;
        let (standings, exceeded) = match spend {
            Spend::Within(standings) => (standings, None),
            Spend::Exceeded(limit, wait, standings) => (standings, Some(Limited { limit, retry_after: wait })),
        };
        for standing in standings.iter() {
            if let Some(limit) = routed.frame.rules.limit(standing.limit) {
                let is_over = exceeded.is_some_and(|over: Limited| over.limit == standing.limit);
                listener.hear(Event::Limit(limit, &standing, !is_over));
            }
        }
        match exceeded {
            None => conclude(cleared, standings),
            Some(over) => {
                let standings = Some(Box::new(standings));
                Decision::Deny(Denial { standings, ..refusal(&routed, cleared, over) })
            }
        }
    }
}

/// A decision whose limits are looked at and not charged. It makes no [`super::Permit`].
#[derive(Debug)]
pub struct Looking<'a>(Spending<'a>);

impl<'a> Looking<'a> {
    /// What would be charged.
    pub fn demands(&self) -> impl Iterator<Item = Demand<'_>> {
        self.0.demands()
    }

    /// What each of them would be charged.
    pub fn cost(&self) -> NonZeroU32 {
        self.0.cost()
    }

    /// The one time of the request.
    pub fn now(&self) -> Now {
        self.0.now()
    }

    /// What a limit that is exceeded makes of it.
    ///
    /// # Errors
    /// The denial.
    pub fn find(self, spend: Spend, listener: &mut impl Listener) -> Result<(), Denial> {
        match self.0.resume(spend, listener) {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(denial) => Err(denial),
        }
    }
}

fn refusal(routed: &Routed<'_>, cleared: Cleared, over: Limited) -> Denial {
    let (credential, scheme) = cleared.authentication.map(|Authentication { entry, scheme }| (entry, scheme)).unzip();
    Denial { scheme, ..routed.denial(Reason::Limited(over), credential) }
}
