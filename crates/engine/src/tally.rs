//! What one core counts: plain numbers that it alone writes, laid out for the control plane a few times a second.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use keyward_core::limit::{LimitId, Spend};
use keyward_core::machine::Recalled;

use crate::worker::Ending;

/// The upper ends of spans up to a decision, in nanoseconds.
pub const DECIDED_WITHIN: [u64; 12] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    25_000_000,
    100_000_000,
    1_000_000_000,
];
/// The upper ends of spans from a request's head to its answer's head, in nanoseconds.
pub const ANSWERED_WITHIN: [u64; 12] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    50_000_000,
    250_000_000,
    1_000_000_000,
    5_000_000_000,
    30_000_000_000,
];

/// Spans counted by their upper ends; the last number is of those beyond all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// How many lie within each end and beyond the one before.
    pub counts: [u64; 13],
    /// All of them together.
    pub sum: Duration,
}

impl Spans {
    fn note(&mut self, ends: &[u64; 12], span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(ends.partition_point(|end| *end < nanos)) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(span);
    }

    fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.sum = self.sum.saturating_add(other.sum);
    }
}

/// Requests of one outcome and one class of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// `allowed`, or why not: one of the words of records.
    pub outcome: &'static str,
    /// The hundreds of the status.
    pub class: u16,
    /// How many.
    pub count: u64,
}

/// What a limit did, by its name: it stays when another configuration numbers limits otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    /// The limit's name.
    pub name: Box<str>,
    /// Requests that were charged to it.
    pub charged: u64,
    /// Requests that it turned away.
    pub exceeded: u64,
}

/// How a presented credential was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookedUp {
    /// Memory knew it, or knew that there is none.
    InMemory,
    /// The store was asked.
    InStore,
    /// Nobody had to be asked: its tag or its signature is wrong.
    Nowhere,
}

impl LookedUp {
    /// As far as memory goes.
    pub(crate) fn of(recalled: &Recalled) -> Self {
        if matches!(recalled, Recalled::Nothing) { Self::Nowhere } else { Self::InMemory }
    }
}

/// Why a TLS handshake with a client came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    /// The client hung up.
    Ended,
    /// It did not come to its end in time.
    Late,
    /// The client showed no certificate that is believed, where one is asked for.
    ClientCertificate,
    /// The client refused: our certificate, for example.
    Alert,
    /// What was sent is no TLS, or none that both sides speak.
    Protocol,
}

impl HandshakeFault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ended, Self::Late, Self::ClientCertificate, Self::Alert, Self::Protocol];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Late => "late",
            Self::ClientCertificate => "client_certificate",
            Self::Alert => "refused_by_client",
            Self::Protocol => "protocol",
        }
    }
}

/// Everything since the core began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that came to their end; there are as few kinds as words.
    pub requests: Vec<Requests>,
    /// Spans from a request's head to its decision.
    pub decided: Spans,
    /// Spans from a request's head to its answer's head.
    pub answered: Spans,
    /// Limits since the core began, those of earlier configurations too.
    pub limits: Vec<Limited>,
    /// Look-ups that memory answered.
    pub in_memory: u64,
    /// Look-ups that the store answered.
    pub in_store: u64,
    /// Look-ups that needed neither.
    pub nowhere: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Connections that were closed at once, because there were too many.
    pub turned_away: u64,
    /// Exchanges that were ended while they ran, in the order of [`Ending::ALL`].
    pub ended: [u64; Ending::ALL.len()],
    /// Connections of trusted proxies that were closed, because they did not say whom they are for.
    pub unannounced: u64,
    /// TLS handshakes that came to nothing, in the order of [`HandshakeFault::ALL`].
    pub handshakes_failed: [u64; HandshakeFault::ALL.len()],
}

impl Totals {
    /// Adds another core's.
    pub fn add(&mut self, other: &Self) {
        for more in &other.requests {
            self.count(more.outcome, more.class, more.count);
        }
        self.decided.add(&other.decided);
        self.answered.add(&other.answered);
        for more in &other.limits {
            let place = self.limit(&more.name);
            if let Some(limit) = self.limits.get_mut(place) {
                limit.charged += more.charged;
                limit.exceeded += more.exceeded;
            }
        }
        self.in_memory += other.in_memory;
        self.in_store += other.in_store;
        self.nowhere += other.nowhere;
        self.connections += other.connections;
        self.turned_away += other.turned_away;
        self.ended.iter_mut().zip(other.ended).for_each(|(count, more)| *count += more);
        self.unannounced += other.unannounced;
        self.handshakes_failed.iter_mut().zip(other.handshakes_failed).for_each(|(count, more)| *count += more);
    }

    /// Where a limit is counted.
    fn limit(&mut self, name: &str) -> usize {
        self.limits.iter().position(|limit| *limit.name == *name).unwrap_or_else(|| {
            self.limits.push(Limited { name: name.into(), charged: 0, exceeded: 0 });
            self.limits.len() - 1
        })
    }

    fn count(&mut self, outcome: &'static str, class: u16, count: u64) {
        let same = |one: &&mut Requests| (one.class, one.outcome) == (class, outcome);
        match self.requests.iter_mut().find(same) {
            Some(one) => one.count += count,
            None => self.requests.push(Requests { outcome, class, count }),
        }
    }
}

/// One core's numbers.
#[derive(Default)]
pub struct Tally {
    totals: RefCell<Totals>,
    /// Where the limits of the configuration in force are counted.
    limits: RefCell<Vec<usize>>,
    shown: Shown,
}

/// What the control plane sees of a core's numbers.
#[derive(Clone, Debug, Default)]
pub struct Shown(Arc<Mutex<Totals>>);

impl Shown {
    /// As they were when they were last laid out.
    pub fn totals(&self) -> Totals {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tally {
    /// Where the control plane sees the numbers.
    pub fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// A credential was looked up.
    pub fn looked_up(&self, how: LookedUp) {
        let mut totals = self.totals.borrow_mut();
        match how {
            LookedUp::InMemory => totals.in_memory += 1,
            LookedUp::InStore => totals.in_store += 1,
            LookedUp::Nowhere => totals.nowhere += 1,
        }
    }

    /// These limits are in force from now on, in the order of their numbers.
    pub fn know_limits<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let mut totals = self.totals.borrow_mut();
        *self.limits.borrow_mut() = names.map(|name| totals.limit(name)).collect();
    }

    /// A request was charged to its limits, or one of them turned it away.
    pub fn spent(&self, spend: &Spend) {
        let (mut totals, limits) = (self.totals.borrow_mut(), self.limits.borrow());
        let mut of = |id: LimitId, count: fn(&mut Limited) -> &mut u64| {
            if let Some(limit) = limits.get(id.0).and_then(|place| totals.limits.get_mut(*place)) {
                *count(limit) += 1;
            }
        };
        match spend {
            Spend::Within(standings) => standings.iter().for_each(|one| of(one.limit, |limit| &mut limit.charged)),
            Spend::Exceeded(id, ..) => of(*id, |limit| &mut limit.exceeded),
        }
    }

    /// A request was decided on.
    pub fn decided(&self, took: Duration) {
        self.totals.borrow_mut().decided.note(&DECIDED_WITHIN, took);
    }

    /// A request came to its end.
    pub fn answered(&self, outcome: &'static str, status: u16, took: Duration) {
        let mut totals = self.totals.borrow_mut();
        totals.count(outcome, status / 100, 1);
        totals.answered.note(&ANSWERED_WITHIN, took);
    }

    /// A connection was closed at once.
    pub fn turned_away(&self) {
        self.totals.borrow_mut().turned_away += 1;
    }

    /// A running exchange was ended.
    pub fn ended(&self, why: Ending) {
        let mut totals = self.totals.borrow_mut();
        for (count, one) in totals.ended.iter_mut().zip(Ending::ALL) {
            *count += u64::from(one == why);
        }
    }

    /// A connection of a trusted proxy did not begin with what it is for.
    pub fn unannounced(&self) {
        self.totals.borrow_mut().unannounced += 1;
    }

    /// A TLS handshake came to nothing.
    pub fn handshake_failed(&self, fault: HandshakeFault) {
        if let Some(count) = self.totals.borrow_mut().handshakes_failed.get_mut(fault as usize) {
            *count += 1;
        }
    }

    /// Lays the numbers out, with how many connections are open. While somebody looks at them it is left for the next time:
    /// a core waits for nobody.
    pub fn lay_out(&self, connections: usize) {
        let mut totals = self.totals.borrow_mut();
        totals.connections = u64::try_from(connections).unwrap_or(u64::MAX);
        let mut shown = match self.shown.0.try_lock() {
            Ok(shown) => shown,
            Err(TryLockError::Poisoned(shown)) => shown.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        shown.clone_from(&totals);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_fall_under_their_upper_end() {
        let mut spans = Spans::default();
        let ends = [(0, 0), (1_000, 0), (1_001, 1), (1_000_000_000, 11), (1_000_000_001, 12), (u64::MAX, 12)];
        for (nanos, place) in ends {
            let before = spans.counts[place];
            spans.note(&DECIDED_WITHIN, Duration::from_nanos(nanos));
            assert_eq!(spans.counts[place], before + 1, "{nanos}");
        }
        assert!(DECIDED_WITHIN.is_sorted() && ANSWERED_WITHIN.is_sorted());
    }

    #[test]
    fn what_is_shown_is_what_was_laid_out_last_and_cores_add_up() {
        let (one, other) = (Tally::default(), Tally::default());
        for (outcome, status) in [("allowed", 200), ("allowed", 204), ("allowed", 404), ("Rejected", 401)] {
            one.answered(outcome, status, Duration::from_micros(200));
        }
        one.looked_up(LookedUp::InMemory);
        let shown = one.shown();
        assert_eq!(shown.totals(), Totals::default(), "nothing was laid out");
        one.lay_out(3);
        one.looked_up(LookedUp::InMemory);
        other.answered("allowed", 299, Duration::from_micros(1));
        other.turned_away();
        other.lay_out(4);
        let mut all = shown.totals();
        all.add(&other.shown().totals());
        let requests: Vec<_> = all.requests.iter().map(|one| (one.outcome, one.class, one.count)).collect();
        assert_eq!(requests, [("allowed", 2, 3), ("allowed", 4, 1), ("Rejected", 4, 1)]);
        assert_eq!((all.connections, all.turned_away, all.in_memory, all.answered.counts[1]), (7, 1, 1, 4));
    }

    #[test]
    fn a_core_waits_for_nobody_who_looks() {
        let tally = Tally::default();
        tally.decided(Duration::from_micros(1));
        let looking = tally.shown.0.lock().unwrap();
        tally.lay_out(1);
        assert_eq!(looking.connections, 0);
        drop(looking);
        tally.lay_out(1);
        assert_eq!(tally.shown().totals().connections, 1);
    }
}
