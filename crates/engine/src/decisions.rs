//! The port to what is kept of decisions: a store of its own, whose loss costs no credential.

use std::time::Duration;

use keyward_core::decision::DecisionId;
use keyward_core::time::Timestamp;

use crate::figures::Class;
use crate::ledger::Batch;
use crate::mark::Level;
use crate::ports::Answer;

/// A decision as it was kept: on its own, or counted with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDecision {
    /// Its place in the order in which records came; a page goes on from here.
    pub seq: u64,
    /// Its id; of a fold, that which stands for all of it.
    pub id: DecisionId,
    /// What it was counted by.
    pub level: Level,
    /// How many decisions it stands for.
    pub count: u64,
    /// When it (or the first of them) was decided.
    pub at: Timestamp,
    /// From head to head, in microseconds; of a fold the mean.
    pub micros: u64,
    /// The client's address, where they have it in common.
    pub client: Option<Box<str>>,
    /// The method of a single one.
    pub method: Option<Box<str>>,
    /// The path of a single one, without its query.
    pub path: Option<Box<str>>,
    /// The route's name.
    pub route: Option<Box<str>>,
    /// `allowed` or the reason's name; of a single one what became of it in the end.
    pub outcome: Box<str>,
    /// The rule that spoke.
    pub detail: Option<Box<str>>,
    /// The principal's id.
    pub principal: Option<Box<str>>,
    /// The credential's id.
    pub credential: Option<Box<str>>,
    /// How often each outcome and status came of it.
    pub results: Vec<(Box<str>, u16, u64)>,
}

/// Which decisions to list.
#[derive(Clone, Debug, Default)]
pub struct DecisionFilter {
    /// With this outcome.
    pub outcome: Option<Box<str>>,
    /// On this route.
    pub route: Option<Box<str>>,
    /// Of this principal.
    pub principal: Option<Box<str>>,
    /// With this credential.
    pub credential: Option<Box<str>>,
    /// From this address.
    pub client: Option<Box<str>>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// That came before this place.
    pub before: Option<u64>,
    /// That came after this place; they are listed oldest first then.
    pub after: Option<u64>,
    /// At most this many.
    pub limit: u32,
}

/// A page of decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionPage {
    /// Those that were found, at most as many as were asked for.
    pub decisions: Vec<KeptDecision>,
    /// There may be more, though fewer were found than were asked for: looking goes on before this place.
    pub next: Option<u64>,
}

/// How many requests an hour saw, of one credential on one route with one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The credential's id, where known.
    pub credential: Option<Box<str>>,
    /// The principal's id, where known.
    pub principal: Option<Box<str>>,
    /// The route's name.
    pub route: Option<Box<str>>,
    /// `allowed`, or the reason's name.
    pub outcome: Box<str>,
    /// How many.
    pub count: u64,
}

/// Which part of the usage to sum.
#[derive(Clone, Debug)]
pub struct UsageFilter {
    /// Of this principal; `None`: of all.
    pub principal: Option<Box<str>>,
    /// With this credential.
    pub credential: Option<Box<str>>,
    /// On this route.
    pub route: Option<Box<str>>,
    /// With this outcome.
    pub outcome: Option<Box<str>>,
    /// From the hour of this time on.
    pub since: Timestamp,
    /// Up to the hour of this time.
    pub until: Timestamp,
    /// Leave out so many rows first.
    pub skip: u32,
    /// At most this many rows.
    pub limit: u32,
}

/// Whose usage to sum.
#[derive(Clone, Copy, Debug)]
pub struct UsersFilter {
    /// From the hour of this time on.
    pub since: Timestamp,
    /// Up to the hour of this time.
    pub until: Timestamp,
    /// At most this many of them.
    pub limit: u32,
}

/// Whose usage to sum for a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// Of this principal,
    pub principal: Box<str>,
    /// with this credential; `None`: with any.
    pub credential: Option<Box<str>>,
}

/// Which usage to sum for a chart.
#[derive(Clone, Debug)]
pub struct UsedFilter {
    /// Of all of these together.
    pub whose: Vec<Whose>,
    /// From the hour of this time on.
    pub since: Timestamp,
    /// Up to the hour of this time.
    pub until: Timestamp,
    /// How much a point stands for: whole hours; points are multiples of it since 1970.
    pub step: Duration,
}

/// How many requests a credential came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedBy {
    /// The principal's id.
    pub principal: Box<str>,
    /// The credential's id.
    pub credential: Box<str>,
    /// How many.
    pub count: u64,
}

/// Which figures to sum.
#[derive(Clone, Copy, Debug)]
pub struct FigureFilter {
    /// From the minute of this time on, or from its hour where the step is of whole hours.
    pub since: Timestamp,
    /// Before this time.
    pub until: Timestamp,
    /// How much a point stands for: whole minutes; points are multiples of it since 1970.
    pub step: Duration,
}

/// Figures for a chart, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// By the beginning of their point and by outcome: how many.
    pub requests: Vec<(Timestamp, Box<str>, u64)>,
    /// By route and outcome over all points.
    pub routes: Vec<RouteFigure>,
    /// Of those that were let pass, by the beginning of their point: how many took how long.
    pub spans: Vec<(Timestamp, Class, u64)>,
}

/// How many requests of one route ended so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteFigure {
    /// The route's name.
    pub route: Option<Box<str>>,
    /// `allowed`, or why not.
    pub outcome: Box<str>,
    /// How many.
    pub count: u64,
}

/// What may stay.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Decisions before this go.
    pub since: Timestamp,
    /// Figures by the minute before this go.
    pub minutes_since: Timestamp,
    /// Usage, and figures by the hour, before this go.
    pub usage_since: Timestamp,
    /// While the data are larger than this, in bytes, the oldest go: usage while it takes more than a quarter, else decisions.
    pub max_bytes: u64,
}

/// What is kept of decisions.
pub trait Decisions: Send + Sync {
    /// Keeps batches and adds them to the usage, all of it or nothing.
    fn keep<'a>(&'a self, batches: &'a [Batch]) -> Answer<'a, ()>;
    /// A page of decisions: newest first, unless the filter asks for those after a place.
    fn list<'a>(&'a self, filter: &'a DecisionFilter) -> Answer<'a, DecisionPage>;
    /// The decision of an id, or the folds that it may have been counted in.
    fn find(&self, id: DecisionId) -> Answer<'_, Vec<KeptDecision>>;
    /// When the oldest decision was made that is kept.
    fn oldest(&self) -> Answer<'_, Option<Timestamp>>;
    /// Usage, newest hour first.
    fn usage<'a>(&'a self, filter: &'a UsageFilter) -> Answer<'a, Vec<Usage>>;
    /// The credentials that most requests came with, those with most first. Who was among the first of no hour may be missing.
    fn most_used<'a>(&'a self, filter: &'a UsersFilter) -> Answer<'a, Vec<UsedBy>>;
    /// Usage for a chart; how long requests took is not in it.
    fn used<'a>(&'a self, filter: &'a UsedFilter) -> Answer<'a, Figures>;
    /// Figures for a chart.
    fn figures<'a>(&'a self, filter: &'a FigureFilter) -> Answer<'a, Figures>;
    /// Notes what came lately, so that lists need not look at all of it; whether there is more to note.
    fn note(&self) -> Answer<'_, bool> {
        Box::pin(async { Ok(false) })
    }
    /// Lets go of some of what may not stay; whether there is more of it.
    fn prune(&self, retention: Retention) -> Answer<'_, bool>;
    /// Closes it.
    fn close(&self) -> Answer<'_, ()>;
}
