//! The engine's handle on one core: what a door asks for a decision, and for nothing else.

mod again;
mod examining;
mod hearing;
mod looking;
mod proving;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use keyward_core::decision::{Decision, Denial, Fault};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::limit::Limit;
use keyward_core::machine::{
    Awaiting, Examining, Fetching, Listener, Question, Recalled, RequestFacts, Ruled, Spending, Step, decide,
    would_be_asked,
};
use keyward_core::plane::Plane;
use keyward_core::route::RouteId;
use keyward_core::rules::Rules;

use crate::fetcher::{Asker, Fill, Refused};
use crate::issuers::IssuerKeys;
use crate::limits::{Limiter, Unready};
use crate::memory::{Memory, Verdict};
use crate::node::{Mailbox, Shared};
use crate::ports::{Clock, FeedHead, Held, Use};
use crate::signing::VerifyingKeys;
use crate::snapshot::Draft;
pub use crate::snapshot::{Judged, Snapshot};
use crate::tally::Tally;
use crate::throttle::Throttle;
pub use again::Ending;
pub use proving::Proved;

/// How often an outdated answer is asked for again before the worker gives up.
const ATTEMPTS: usize = 4;

/// What a worker is made from.
pub struct Parts {
    /// The node's number.
    pub node: u16,
    /// The core's number.
    pub core: u8,
    /// The configuration.
    pub rules: Arc<Rules>,
    /// Its version.
    pub version: u64,
    /// The key of keyed tags.
    pub tag_key: MacKey,
    /// The signing keys whose tokens count.
    pub signing_keys: Arc<VerifyingKeys>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What the node's cores share.
    pub shared: Arc<Shared>,
    /// This core's mailbox.
    pub mailbox: Mailbox,
    /// Where misses are asked.
    pub asker: Asker,
    /// What limits are charged with.
    pub limiter: Limiter,
    /// Wrong credentials of the whole process.
    pub throttle: Arc<Throttle>,
    /// Where the node stood in the feed when the mailbox was made.
    pub head: FeedHead,
    /// How many keys to remember in one generation.
    pub capacity: usize,
    /// What it counts.
    pub tally: Tally,
}

/// One core's engine. `Send`, not `Sync`: it belongs to one thread at a time.
pub struct Worker {
    plane: Plane,
    node: u16,
    core: u8,
    configuration: RefCell<Configuration>,
    memory: RefCell<Memory>,
    tag_key: MacKey,
    signing_keys: RefCell<Arc<VerifyingKeys>>,
    issuer_keys: RefCell<Arc<IssuerKeys>>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    mailbox: Mailbox,
    seen: Cell<u64>,
    learned: Cell<u64>,
    counter: Cell<u64>,
    asker: Asker,
    limiter: Limiter,
    throttle: Arc<Throttle>,
    tally: Tally,
}

/// What a core decides by.
struct Configuration {
    /// A copy of its own: a shared count of references would be written by every core at every request.
    rules: Arc<Rules>,
    version: u64,
}

/// A decision that memory sufficed for, or the question that is left.
pub enum Begun<'a> {
    /// Concluded.
    Decided(Decision),
    /// The store must be asked.
    Ask(Question, Fetching<'a>),
    /// Its limits must be written ahead first.
    Reserve(Box<Reserving<'a>>),
    /// A signature is to be checked over its whole body.
    Body(Awaiting<'a>),
    /// The keys of another issuer must be asked for.
    Keys(Box<Examining<'a>>),
}

/// What an answer of the store led to.
pub enum Answered<'a> {
    /// Concluded.
    Decided(Decision),
    /// The answer is older than a change this core has heard of; ask again.
    AskAgain(Fetching<'a>),
    /// Its limits must be written ahead first.
    Reserve(Box<Reserving<'a>>),
}

/// Where a credential was found, or may be.
enum Found<'a> {
    /// In memory, by this digest, or refused without it.
    Here(Ruled<'a>, ApiKeyDigest),
    /// The store must be asked.
    InStore(Question, Fetching<'a>),
    /// Another issuer's keys must be asked for.
    AtIssuer(Box<Examining<'a>>),
}

/// A decision whose limits could not be charged at once.
pub struct Reserving<'a> {
    spending: Spending<'a>,
    why: Unready,
    digest: Option<ApiKeyDigest>,
}

impl Worker {
    /// A worker with an empty memory.
    pub fn new(parts: Parts) -> Self {
        Self::of_plane(Plane::Data, parts)
    }

    /// A worker for calls on a plane.
    pub fn of_plane(plane: Plane, parts: Parts) -> Self {
        let rules = Arc::new(parts.rules.of_plane(plane));
        parts.shared.decides_by(parts.core, parts.version);
        parts.tally.know_limits(rules.limits.iter().map(Limit::name));
        Self {
            plane,
            node: parts.node,
            core: parts.core,
            configuration: RefCell::new(Configuration { rules, version: parts.version }),
            memory: RefCell::new(Memory::new(parts.capacity, parts.head)),
            tag_key: parts.tag_key,
            signing_keys: RefCell::new(parts.signing_keys),
            issuer_keys: RefCell::default(),
            clock: parts.clock,
            shared: parts.shared,
            mailbox: parts.mailbox,
            seen: Cell::new(0),
            learned: Cell::new(0),
            counter: Cell::new(0),
            asker: parts.asker,
            limiter: parts.limiter,
            throttle: parts.throttle,
            tally: parts.tally,
        }
    }

    /// The one snapshot of a request: rules, time and number. The mailbox is read first, because another configuration may
    /// be in it.
    pub fn snapshot(&self) -> Snapshot {
        self.catch_up();
        let now = self.clock.now();
        let count = self.counter.get().wrapping_add(1);
        self.counter.set(count);
        let draft = Draft { node: self.node, core: self.core, count };
        let configuration = self.configuration.borrow();
        Snapshot::new(Arc::clone(&configuration.rules), configuration.version, now, draft)
    }

    /// Decides one request, asking the store where memory cannot vouch for a key.
    ///
    /// # Errors
    /// A [`Fault`] where it could not be found out.
    pub async fn decide(&self, snapshot: &Snapshot, facts: RequestFacts<'_>) -> Result<Decision, Fault> {
        self.decide_heard(snapshot, facts, &mut ()).await
    }

    /// As [`Worker::decide`], with a listener to each step.
    ///
    /// # Errors
    /// A [`Fault`] where it could not be found out.
    pub async fn decide_heard(
        &self,
        snapshot: &Snapshot,
        facts: RequestFacts<'_>,
        listener: &mut impl Listener,
    ) -> Result<Decision, Fault> {
        let begun = self.begin(snapshot, facts, listener);
        self.finish(snapshot, begun, listener).await
    }

    /// Goes on with what was begun, for a door that has no body at hand or has given it to [`Worker::prove`] before.
    ///
    /// # Errors
    /// A [`Fault`] where it could not be found out.
    pub async fn finish(
        &self,
        snapshot: &Snapshot,
        begun: Begun<'_>,
        listener: &mut impl Listener,
    ) -> Result<Decision, Fault> {
        let (question, mut fetching) = match begun {
            Begun::Decided(decision) => return Ok(decision),
            Begun::Reserve(reserving) => return self.reserve(snapshot, *reserving, listener).await,
            Begun::Ask(question, fetching) => (question, fetching),
            Begun::Body(_) => return Err(Fault::NoBody),
            Begun::Keys(examining) => return self.examine_and_settle(snapshot, *examining, listener).await,
        };
        for _ in 0..ATTEMPTS {
            let fill = self.asker.ask(question.clone()).await?;
            match self.answer(snapshot, fetching, &fill, listener) {
                Answered::Decided(decision) => return Ok(decision),
                Answered::Reserve(reserving) => return self.reserve(snapshot, *reserving, listener).await,
                Answered::AskAgain(again) => fetching = again,
            }
        }
        Err(Fault::Busy)
    }

    /// Whether a request would come as far as its credential; leads to no permit.
    ///
    /// # Errors
    /// The denial that it would meet before.
    pub fn would_be_asked(&self, snapshot: &Snapshot, facts: RequestFacts<'_>) -> Result<RouteId, Denial> {
        would_be_asked(snapshot.rules(), facts, snapshot.now(), &mut ())
    }

    /// The part of a decision that needs no IO. On a hit this is all of it: no await, no allocation, and no lock but those of
    /// its limits' cells.
    pub fn begin<'a>(
        &self,
        snapshot: &'a Snapshot,
        facts: RequestFacts<'a>,
        listener: &mut impl Listener,
    ) -> Begun<'a> {
        let (ruled, digest) = match decide(snapshot.rules(), facts, snapshot.now(), listener) {
            Step::Ruled(ruled) => (ruled, None),
            Step::Recall(digest, recalling) => match self.look_up(snapshot, &digest, recalling, listener) {
                Found::Here(ruled, digest) => (ruled, Some(digest)),
                Found::InStore(question, fetching) => return Begun::Ask(question, fetching),
                Found::AtIssuer(examining) => return Begun::Keys(examining),
            },
            Step::Shown(awaiting) => (self.prove_shown(snapshot, awaiting, listener), None),
            Step::Body(awaiting) => return Begun::Body(awaiting),
        };
        self.settle(snapshot, ruled, digest, listener).map_or_else(Begun::Reserve, Begun::Decided)
    }

    /// Charges the limits, where it comes to that, and concludes.
    fn settle<'a>(
        &self,
        snapshot: &Snapshot,
        ruled: Ruled<'a>,
        digest: Option<ApiKeyDigest>,
        listener: &mut impl Listener,
    ) -> Result<Decision, Box<Reserving<'a>>> {
        let decision = match ruled {
            Ruled::Decided(decision) => decision,
            Ruled::Spend(spending) => match self.limiter.charge(&spending) {
                Ok(spend) => {
                    self.tally.spent(&spend);
                    spending.resume(spend, listener)
                }
                Err(why) => return Err(Box::new(Reserving { spending, why, digest })),
            },
        };
        self.note_use(digest.as_ref(), snapshot, &decision);
        Ok(decision)
    }

    /// Charges limits that must be written ahead first, and concludes.
    async fn reserve(
        &self,
        snapshot: &Snapshot,
        reserving: Reserving<'_>,
        listener: &mut impl Listener,
    ) -> Result<Decision, Fault> {
        let Reserving { spending, why, digest } = reserving;
        let spend = self.limiter.charge_later(&spending, why).await?;
        self.tally.spent(&spend);
        let decision = spending.resume(spend, listener);
        self.note_use(digest.as_ref(), snapshot, &decision);
        Ok(decision)
    }

    /// Goes on with an answer of the store, unless a change that this core has heard of since makes it too old.
    pub fn answer<'a>(
        &self,
        snapshot: &'a Snapshot,
        fetching: Fetching<'a>,
        fill: &Fill,
        listener: &mut impl Listener,
    ) -> Answered<'a> {
        let digest = *fetching.digest();
        match self.take_in(snapshot, fetching, fill, listener) {
            Ok(ruled) => {
                self.settle(snapshot, ruled, Some(digest), listener).map_or_else(Answered::Reserve, Answered::Decided)
            }
            Err(again) => Answered::AskAgain(*again),
        }
    }

    /// Remembers an answer of the store and judges by it; gives the question back where it is too old.
    fn take_in<'a>(
        &self,
        snapshot: &'a Snapshot,
        fetching: Fetching<'a>,
        fill: &Fill,
        listener: &mut impl Listener,
    ) -> Result<Ruled<'a>, Box<Fetching<'a>>> {
        self.catch_up();
        match fill.refused {
            Some(Refused::Wrong) => return Ok(fetching.resume(None, listener)),
            Some(Refused::Throttled(why)) => return Ok(fetching.throttled(why)),
            None => {}
        }
        let digest = *fetching.digest();
        let mut memory = self.memory.borrow_mut();
        let lineage = fill.held.as_ref().map(Held::lineage);
        if memory.judge(&digest, fill.head, lineage) == Verdict::Outdated {
            return Err(Box::new(fetching));
        }
        let resolve = |held: &Held| held.resolve(snapshot.rules(), fetching.claims(), &self.tag_key);
        let entry = fill.held.as_ref().and_then(resolve).map(Arc::new);
        match (&entry, lineage) {
            // Resolved by a configuration that no longer counts: for this request it does, and for no other.
            _ if !self.is_current(snapshot) => {}
            (Some(entry), Some(lineage)) => memory.keep(digest, Arc::clone(entry), lineage, fill.head.position),
            // A session that is not there may come to be: nothing overwrites an answer about it, so none is kept.
            _ if fetching.may_be_unknown() => memory.keep_unknown(digest),
            _ => {}
        }
        drop(memory);
        Ok(fetching.resume(entry, listener))
    }

    /// Takes the uses of keys noted since the last call; call it about once a second. Reads the mailbox too, so that
    /// it stays short on an idle core.
    pub fn take_uses(&self) -> Vec<Use> {
        self.catch_up();
        self.memory.borrow_mut().take_uses()
    }

    /// What this core counts.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The clock that snapshots are taken by: for the span up to an answer.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The proof is looked at first and the mailbox after it: a proof that comes while a decision runs rests on notes
    /// that were posted before it, and these must be read before memory may speak.
    fn recall(&self, snapshot: &Snapshot, digest: &ApiKeyDigest) -> Recalled {
        let fresh = self.shared.is_fresh(snapshot.now().monotonic);
        self.catch_up();
        // Another configuration may have come since the snapshot: what memory holds from then on is resolved by that.
        if fresh && self.is_current(snapshot) { self.memory.borrow_mut().recall(digest) } else { Recalled::Nothing }
    }

    fn is_current(&self, snapshot: &Snapshot) -> bool {
        self.configuration.borrow().version == snapshot.version()
    }

    fn note_use(&self, digest: Option<&ApiKeyDigest>, snapshot: &Snapshot, decision: &Decision) {
        if let (Some(digest), Decision::Allow(_)) = (digest, decision) {
            self.memory.borrow_mut().note_use(digest, snapshot.now().wall);
        }
    }
}
