//! Decisions of a flood on one core, counted by what they have in common: the more differ, the less they must have in common.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use hashbrown::DefaultHashBuilder;
use keyward_core::decision::DecisionId;
use keyward_core::time::Timestamp;

use crate::ledger::Closed;
use crate::mark::{Level, Mark};

/// How many folds a core keeps at each level before it folds more coarsely.
/// The first two are few on purpose: each fold is a row to be written, and with thousands of callers a second rows would cost
/// more than their requests. Usage is counted apart, by caller.
const MOST: [(Level, usize); 3] = [(Level::Full, 32), (Level::AnyAddress, 48), (Level::AnyCaller, 4096)];
/// More folds than this are handed over every fourth time only, so that a second of a flood is counted in about as many rows,
/// and not in four times as many.
const MANY: usize = 16;
const PATIENCE: u32 = 3;

/// Decisions of one second that have in common what their level says, counted.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The id that stands for all of them: its serial number is 0.
    pub id: DecisionId,
    /// What they have in common.
    pub level: Level,
    /// `allowed`, or the reason's name.
    pub verdict: &'static str,
    /// The rule that spoke.
    pub detail: Option<Cow<'static, str>>,
    /// The route's name.
    pub route: Option<Box<str>>,
    /// The principal's id.
    pub principal: Option<Box<str>>,
    /// The credential's id.
    pub credential: Option<Box<str>>,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// When the first of them was decided.
    pub at: Timestamp,
    /// All their spans from head to head together.
    pub took: Duration,
    /// How often each outcome and status came of them.
    pub results: Vec<(&'static str, u16, u64)>,
}

/// One core's folds that are not with the store yet.
#[derive(Default)]
pub(crate) struct Folds {
    by_mark: HashMap<(u64, u64, Level), Vec<Fold>, DefaultHashBuilder>,
    /// How many there are.
    len: usize,
    /// How many times they were not handed over.
    waited: u32,
}

impl Folds {
    /// Counts a decision; whether there was room for it.
    pub(crate) fn add(&mut self, closed: &Closed<'_>) -> bool {
        let mark = Mark::in_id(closed.id.within());
        let second = closed.id.second();
        for (level, most) in MOST {
            let key = (second, mark.at(level), level);
            let same =
                self.by_mark.get_mut(&key).and_then(|same| same.iter_mut().find(|fold| fold.holds(level, closed)));
            if let Some(fold) = same {
                fold.add(closed);
                return true;
            }
            if self.len < most {
                self.len += 1;
                self.by_mark.entry(key).or_default().push(Fold::begin(level, mark, closed));
                return true;
            }
        }
        false
    }

    /// What was counted, unless it is to grow first.
    pub(crate) fn take_some(&mut self) -> Vec<Fold> {
        if self.len > MANY && self.waited < PATIENCE {
            self.waited += 1;
            return Vec::new();
        }
        self.take()
    }

    /// What was counted.
    pub(crate) fn take(&mut self) -> Vec<Fold> {
        (self.len, self.waited) = (0, 0);
        self.by_mark.drain().flat_map(|(_, folds)| folds).collect()
    }
}

impl Fold {
    /// How many decisions it stands for.
    pub fn count(&self) -> u64 {
        self.results.iter().map(|(.., count)| count).sum()
    }

    fn begin(level: Level, mark: Mark, closed: &Closed<'_>) -> Self {
        let verdict = closed.verdict;
        let caller = verdict.credential.as_deref().map(|entry| &entry.principal);
        let caller = caller.filter(|_| level != Level::AnyCaller);
        let mut fold = Self {
            id: DecisionId::of_lane(closed.id.lane(), closed.id.second(), mark.at(level)),
            level,
            verdict: verdict.outcome,
            detail: verdict.detail.clone(),
            route: closed.route().map(Into::into),
            principal: caller.map(|caller| caller.id.clone()),
            credential: caller.map(|caller| caller.credential.text().into()),
            client: (level == Level::Full).then_some(closed.client),
            at: closed.at,
            took: Duration::ZERO,
            results: Vec::with_capacity(1),
        };
        fold.add(closed);
        fold
    }

    fn holds(&self, level: Level, closed: &Closed<'_>) -> bool {
        let verdict = closed.verdict;
        let credential = || verdict.credential.as_deref().map(|entry| entry.principal.credential.text());
        let what = self.verdict == verdict.outcome && self.detail == verdict.detail;
        let caller = level == Level::AnyCaller || self.credential.as_deref() == credential();
        let client = level != Level::Full || self.client == Some(closed.client);
        what && caller && client && self.route.as_deref() == closed.route()
    }

    fn add(&mut self, closed: &Closed<'_>) {
        self.at = self.at.min(closed.at);
        self.took += closed.took;
        let same = |result: &&mut (&'static str, u16, u64)| (result.0, result.1) == (closed.outcome, closed.status);
        match self.results.iter_mut().find(same) {
            Some((.., count)) => *count += 1,
            None => self.results.push((closed.outcome, closed.status, 1)),
        }
    }
}
