//! The limit step: what a cleared request is to be charged to, and how the machine goes on with what came of it.

use std::num::NonZeroU32;

use super::{Authentication, Cleared, Routed, conclude};
use crate::address::network;
use crate::api_key::CredentialEntry;
use crate::decision::{Decision, Denial, Limited, Reason};
use crate::limit::{Demand, Limit, LimitId, Per, Spend, Standings, Subject};
use crate::listener::{Event, Listener};
use crate::plan::{Counted, Planned};
use crate::route::Destination;
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

    /// Whether nothing is to be charged.
    pub(super) fn is_free(&self) -> bool {
        self.routed.route.limits.is_empty()
            && self.of_plan().is_empty()
            && self.own().is_empty()
            && !self.is_beyond_counting()
    }

    /// Leave to pass where nothing is to be charged.
    pub(super) fn conclude(self) -> Decision {
        conclude(self.cleared, Standings::default())
    }

    /// Whether nobody can say what is to be charged: the caller's account is on a plan that the configuration does not know.
    pub fn is_beyond_counting(&self) -> bool {
        self.plan() == Planned::Unknown
    }

    /// What the caller is counted by here. Keyward's own endpoints count against nothing of it.
    fn counted(&self) -> Option<&Counted> {
        match self.routed.route.destination {
            Destination::Upstream(_) => self.caller().map(|caller| &caller.counted),
            Destination::Own(_) | Destination::Operation(_) => None,
        }
    }

    fn plan(&self) -> Planned {
        self.counted().map_or(Planned::Free, |counted| counted.plan)
    }

    fn of_plan(&self) -> &[LimitId] {
        self.routed.frame.rules.plans.limits(self.plan())
    }

    fn own(&self) -> &[Limit] {
        self.counted().map_or(&[], |counted| &counted.own)
    }

    /// What is to be charged, in the order of the route, then what the caller's plan says, and what it brings along. A limit
    /// that counts callers does not count one who showed nothing.
    pub fn demands(&self) -> impl Iterator<Item = Demand<'_>> {
        let Routed { frame, route, .. } = self.routed;
        let own = (0..self.own().len()).map(LimitId::own);
        route.limits.iter().chain(self.of_plan()).copied().chain(own).filter_map(move |id| {
            let limit = frame.rules.limit(id, self.caller())?;
            let (subject, beside) = match limit.per() {
                Per::Address => (Subject::Address(network(frame.facts.client)), None),
                Per::Route => (Subject::Route(&route.name), None),
                per => {
                    let caller = self.caller()?;
                    (Subject::of_caller(per, caller)?, Some(&caller.written))
                }
            };
            Some(Demand { id, limit, subject, beside })
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
            let caller = cleared.authentication.as_ref().map(|authentication| &*authentication.entry);
            if let Some(limit) = routed.frame.rules.limit(standing.limit, caller) {
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

    /// As [`Spending::is_beyond_counting`].
    pub fn is_beyond_counting(&self) -> bool {
        self.0.is_beyond_counting()
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
