//! Limits: how often a subject may do something, as arithmetic on one cell; whoever keeps the cells brings the time.
//!
//! A *quota* admits at most `requests` in each window, which starts with its first request. A *rate* is the generic cell rate
//! algorithm (ITU-T I.371, Annex A) as a bucket: `burst` at once, then `requests` in each window, evenly. A *budget* is a quota of one
//! key or account alone, whose window may never end.

mod pace;
mod standings;
mod subject;

use std::num::NonZeroU32;
use std::time::Duration;

use crate::digest::ApiKeyDigest;
use crate::time::{Monotonic, whole_seconds};
use crate::written::Written;
pub use pace::{Budget, Pace, window_word};
pub use standings::Standings;
pub use subject::{KeyName, Subject};

/// How many limits a route can name.
pub const MOST_OF_ROUTE: usize = 8;
/// How many limits a plan can have, or an account of its own in place of them.
pub const MOST_OF_PLAN: usize = 4;
/// How many limits one request can be charged to: those of its route and its plan, and the budgets of its key and its account.
pub const MOST: usize = MOST_OF_ROUTE + MOST_OF_PLAN + 2;
/// From which window on a crash does not refill a quota.
const KEPT_FROM: Duration = Duration::from_secs(3600);
/// The window of what is not filled up again: longer than anything here lives.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// Where the places of limits begin that a caller brings along.
const OWN: usize = 1 << 24;

/// A limit's place in the rules, or among those that a caller brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LimitId(pub usize);

impl LimitId {
    /// A place among those that a caller brings along.
    pub const fn own(place: usize) -> Self {
        Self(OWN + place)
    }

    /// Its place among those that a caller brings along, if it is one of them.
    pub const fn own_place(self) -> Option<usize> {
        self.0.checked_sub(OWN)
    }
}

/// For whom a limit counts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// Each key, its successors by rotation included; a token counts for its user.
    Key,
    /// Each user, over all of its credentials.
    Principal,
    /// Each account; whoever has none counts alone.
    Account,
    /// Each address; IPv6 by /64.
    Address,
    /// Everybody on one route together.
    Route,
}

impl Per {
    /// The word for configuration and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Principal => "principal",
            Self::Account => "account",
            Self::Address => "address",
            Self::Route => "route",
        }
    }
}

/// What becomes of a request when a limit cannot be looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFault {
    /// 503.
    #[default]
    Deny,
    /// It passes, uncounted.
    Allow,
}

/// In which header fields a caller is told where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitFields {
    /// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
    #[default]
    Ietf,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` (Unix seconds), of the limit that is nearest to its end.
    Legacy,
    /// Both.
    Both,
    /// None.
    None,
}

/// One limit of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    name: Box<str>,
    per: Per,
    requests: u32,
    window: Duration,
    burst: Option<NonZeroU32>,
    on_fault: OnFault,
    kind: Kind,
    identity: u64,
    policy: Box<str>,
}

/// Who asks for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Route,
    Plan,
    Budget,
}

/// What one subject has used up. No cell means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Of a quota.
    Window {
        /// When the window is over.
        ends: Monotonic,
        /// What was admitted in it.
        used: u32,
    },
    /// Of a rate.
    Bucket {
        /// How much was admitted and has not drained away: a request is the window's nanoseconds, and each nanosecond drains
        /// as many as there are requests in a window. Whole numbers throughout, so that nothing is gained by rounding.
        debt: u128,
        /// When that was so.
        at: Monotonic,
    },
}

/// Where a subject stands with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which limit.
    pub limit: LimitId,
    /// How much is left at once.
    pub remaining: u32,
    /// Until nothing is used up any more.
    pub reset: Duration,
}

/// What became of a charge to one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charged {
    /// Within: the cell as it is from now on.
    Within(Cell),
    /// Over: nothing changes; the same charge passes after this span, if nothing else is charged meanwhile.
    Over(Duration),
}

impl Limit {
    /// A limit. With a burst it is a rate, else a quota.
    pub fn new(name: &str, per: Per, requests: NonZeroU32, window: Duration, burst: Option<NonZeroU32>) -> Self {
        let limit = Self {
            name: name.into(),
            per,
            requests: requests.get(),
            window: window.max(Duration::from_millis(1)),
            burst,
            on_fault: OnFault::default(),
            kind: Kind::Route,
            identity: 0,
            policy: Box::default(),
        };
        limit.known_by(name)
    }

    /// One of a plan, per account. What was used of it is known by its window, not by the plan: who changes plans begins no
    /// window anew.
    pub fn of_plan(name: &str, requests: NonZeroU32, window: Duration, burst: Option<NonZeroU32>) -> Self {
        let limit = Self { kind: Kind::Plan, ..Self::new(name, Per::Account, requests, window, burst) };
        // No limit of a configuration can have a name with a colon.
        limit.known_by("plan:")
    }

    /// Whether it counts only those who are on a plan.
    pub fn is_of_a_plan(&self) -> bool {
        self.kind == Kind::Plan
    }

    /// What a key or an account may use.
    pub fn of_budget(name: &str, per: Per, budget: Budget) -> Self {
        let window = budget.every.unwrap_or(FOREVER);
        let mut limit = Self { kind: Kind::Budget, ..Self::new(name, per, NonZeroU32::MIN, window, None) };
        limit.requests = budget.granted;
        limit.known_by("budget:")
    }

    /// Whether what was used of it comes back by itself; of a budget that is not filled up again it does not.
    pub fn comes_back(&self) -> bool {
        self.kind != Kind::Budget || self.window < FOREVER
    }

    /// How much of a quota that outlives a crash is written ahead at once, which is what a crash can cost at most: a twentieth
    /// of it; of a budget, which may never come back, a hundredth.
    pub fn portion(&self) -> u32 {
        match self.kind {
            Kind::Budget => (self.requests / 100).clamp(1, 100),
            Kind::Route | Kind::Plan => (self.requests / 20).clamp(1, 1000),
        }
    }

    /// With another rule for faults.
    #[must_use]
    pub fn on_fault(mut self, rule: OnFault) -> Self {
        self.on_fault = rule;
        self
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For whom it counts apart.
    pub fn per(&self) -> Per {
        self.per
    }

    /// How many requests in a window.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// The window.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// What it admits at once: the burst of a rate, all of a quota.
    pub fn at_once(&self) -> u32 {
        self.burst.map_or(self.requests, NonZeroU32::get)
    }

    /// Whether it is a quota.
    pub fn is_quota(&self) -> bool {
        self.burst.is_none()
    }

    /// What becomes of a request when it cannot be looked up.
    pub fn fault_rule(&self) -> OnFault {
        self.on_fault
    }

    /// What its cells are known by, so that they outlive a reload: of a quota, another number of requests changes nothing
    /// of what was used; of a rate, the cells' unit would be another.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// An item of the field `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Once all else is known of it.
    fn known_by(mut self, name: &str) -> Self {
        let rate = self.burst.map(|_| self.requests);
        let text = format!("{name}\n{}\n{}\n{rate:?}", self.per.as_str(), self.window.as_nanos());
        self.identity = ApiKeyDigest::of(text.as_bytes()).short();
        let window = self.comes_back().then(|| format!(";w={}", whole_seconds(self.window)));
        self.policy = format!("\"{}\";q={}{}", self.name, self.requests, window.unwrap_or_default()).into();
        self
    }

    /// Charges a cell.
    pub fn charge(&self, cell: Option<Cell>, cost: NonZeroU32, now: Monotonic) -> Charged {
        match self.burst {
            None => self.charge_window(cell, cost.get(), now),
            Some(burst) => {
                // Time that was drained once is not drained again for a core whose reading of the clock is a little older.
                let now = match cell {
                    Some(Cell::Bucket { at, .. }) => now.max(at),
                    _ => now,
                };
                self.charge_bucket(self.debt(cell, now), cost.get(), burst.get(), now)
            }
        }
    }

    fn charge_window(&self, cell: Option<Cell>, cost: u32, now: Monotonic) -> Charged {
        let (ends, used) = self.running(cell, now).unwrap_or((now.after(self.window), 0));
        match used.checked_add(cost).filter(|used| *used <= self.requests) {
            Some(used) => Charged::Within(Cell::Window { ends, used }),
            None => Charged::Over(ends.since(now)),
        }
    }

    fn charge_bucket(&self, debt: u128, cost: u32, burst: u32, now: Monotonic) -> Charged {
        let after = debt + self.price(cost);
        let over = after.saturating_sub(self.price(burst));
        if over == 0 {
            Charged::Within(Cell::Bucket { debt: after, at: now })
        } else {
            Charged::Over(self.drains_in(over))
        }
    }

    /// The window that runs, if one does.
    fn running(&self, cell: Option<Cell>, now: Monotonic) -> Option<(Monotonic, u32)> {
        match cell {
            Some(Cell::Window { ends, used }) if now < ends => Some((ends, used)),
            _ => None,
        }
    }

    fn debt(&self, cell: Option<Cell>, now: Monotonic) -> u128 {
        match cell {
            Some(Cell::Bucket { debt, at }) => {
                debt.saturating_sub(now.since(at).as_nanos().saturating_mul(u128::from(self.requests)))
            }
            _ => 0,
        }
    }

    fn price(&self, cost: u32) -> u128 {
        self.window.as_nanos().saturating_mul(u128::from(cost))
    }

    fn drains_in(&self, debt: u128) -> Duration {
        // Of a rate it is never 0.
        let requests = self.requests.max(1);
        Duration::from_nanos(quotient(debt + u128::from(requests - 1), requests.into()))
    }

    /// Where a subject stands by its cell.
    pub fn standing(&self, limit: LimitId, cell: Option<Cell>, now: Monotonic) -> Standing {
        let (remaining, reset) = match self.burst {
            None => match self.running(cell, now) {
                Some((ends, used)) => (self.requests.saturating_sub(used), ends.since(now)),
                None => (self.requests, self.window),
            },
            Some(burst) => {
                let debt = self.debt(cell, now);
                let left = quotient(self.price(burst.get()).saturating_sub(debt), self.window.as_nanos().max(1));
                (u32::try_from(left).unwrap_or(u32::MAX), self.drains_in(debt))
            }
        };
        Standing { limit, remaining, reset }
    }

    /// From when on a cell says no more than that nothing is used up: it may be forgotten.
    pub fn full_at(&self, cell: Cell) -> Monotonic {
        match cell {
            Cell::Window { ends, .. } => ends,
            Cell::Bucket { debt, at } => at.after(self.drains_in(debt)),
        }
    }

    /// Whether what was used outlives a crash: a budget, and a quota of an hour or more. Shorter ones may start afresh.
    pub fn is_kept(&self) -> bool {
        self.is_quota() && (self.window >= KEPT_FROM || self.kind == Kind::Budget)
    }
}

/// Of numbers that are nearly always small, which processors divide far faster; as large as it can be where it is larger.
fn quotient(dividend: u128, divisor: u128) -> u64 {
    match (u64::try_from(dividend), u64::try_from(divisor)) {
        (Ok(dividend), Ok(divisor)) => dividend / divisor,
        _ => u64::try_from(dividend / divisor).unwrap_or(u64::MAX),
    }
}

/// One limit that a request is to be charged to.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// Which limit.
    pub id: LimitId,
    /// Its rule.
    pub limit: &'a Limit,
    /// Whose cell.
    pub subject: Subject<'a>,
    /// What is kept beside the credential that the subject is known by: the way to its cell, for whoever keeps the cells.
    pub beside: Option<&'a Written>,
}

/// What became of all charges of one request: all were made, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spend {
    /// Made.
    Within(Standings),
    /// Not made: this limit is exceeded, and the request would pass after this span.
    Exceeded(LimitId, Duration, Standings),
}

#[cfg(test)]
mod tests;
