//! How often each credential used each route with each outcome, by the hour: counted on the core and apart from the decisions
//! themselves, so that however coarsely those are folded, no request loses its caller.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use hashbrown::{DefaultHashBuilder, HashTable};
use keyward_core::api_key::CredentialEntry;
use keyward_core::route::RouteId;
use keyward_core::time::Timestamp;

use crate::figures::{Figures, Minute};
use crate::ledger::Closed;

/// How many counts a core keeps that differ, while the store takes none; what else comes is counted without its caller.
const MOST_COUNTS: usize = 65_536;
/// Counts of more callers than this are handed over every twentieth time only, unless they fill half of the room: most of them
/// have grown by then, and each costs a row.
const MANY: usize = 256;
const PATIENCE: u32 = 19;
const HOUR: i64 = 3_600_000;
/// What the names of the control plane's routes begin with.
const CONTROL_PLANE: &str = "admin:";

/// Requests of one hour that have all of this in common.
#[derive(Clone, Debug)]
pub struct Count {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The credential, as it was known then. Two counts may tell of one that was changed between them.
    pub credential: Option<Arc<CredentialEntry>>,
    /// The route's name.
    pub route: Option<Arc<str>>,
    /// What became of them in the end.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

impl Count {
    /// The principal's id.
    pub fn principal_id(&self) -> Option<&str> {
        self.credential.as_ref().map(|entry| &*entry.principal.id)
    }

    /// The credential's id.
    pub fn credential_id(&self) -> Option<&str> {
        self.credential.as_ref().map(|entry| entry.principal.credential.text())
    }
}

/// What requests have in common beside their caller: there are as few as routes and outcomes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct What {
    hour: Timestamp,
    /// The route, and the version of the configuration that numbers it so.
    route: Option<(u64, RouteId)>,
    outcome: &'static str,
}

/// What a request is counted by on its core: places instead of names, because names are long and requests are many.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    /// Where the credential stands in memory. A count keeps it, so that nothing else comes to stand there.
    credential: Option<*const CredentialEntry>,
    /// Where the rest stands among what was counted.
    what: usize,
}

/// Small, because with many callers each is one more place in memory to fetch.
struct Slot {
    credential: Option<Arc<CredentialEntry>>,
    what: usize,
    count: u64,
}

impl Slot {
    fn key(&self) -> Key {
        Key { credential: self.credential.as_ref().map(Arc::as_ptr), what: self.what }
    }
}

/// One core's counts that are not with the store yet. Most stand beside the credentials themselves, which are at hand when they
/// are counted; the table has the rest: those of nobody, and of a credential that is counted as something else just now.
pub(crate) struct Counts {
    owner: u16,
    beside: Vec<Arc<CredentialEntry>>,
    table: HashTable<Slot>,
    hashed_by: DefaultHashBuilder,
    /// Each with the name of its route.
    whats: Vec<(What, Option<Arc<str>>)>,
    places: HashMap<What, usize, DefaultHashBuilder>,
    /// The one that was counted last: mostly the next is of the same.
    last: Option<(What, usize)>,
    /// How many times they were not handed over.
    waited: u32,
    /// The same requests by the minute and without their caller.
    figures: Figures,
}

/// Tells those who count apart.
static OWNERS: AtomicU16 = AtomicU16::new(0);

impl Default for Counts {
    fn default() -> Self {
        Self {
            owner: OWNERS.fetch_add(1, Ordering::Relaxed),
            beside: Vec::new(),
            table: HashTable::new(),
            hashed_by: DefaultHashBuilder::default(),
            whats: Vec::new(),
            places: HashMap::default(),
            last: None,
            waited: 0,
            figures: Figures::default(),
        }
    }
}

impl Counts {
    pub(crate) fn add(&mut self, closed: &Closed<'_>) {
        let what = self.what(closed);
        if self.is_charted(what) {
            self.figures.add(closed.at, what, closed.verdict.outcome, closed.took);
        }
        let credential = closed.verdict.credential.as_ref();
        let who = self.who(what);
        if credential.zip(who).is_some_and(|(entry, who)| entry.written.count(who)) {
            return;
        }
        let key = Key { credential: credential.map(Arc::as_ptr), what };
        if self.found(key) {
            return;
        }
        if self.len() >= MOST_COUNTS {
            let nobodys = Key { credential: None, what };
            if !self.found(nobodys) {
                self.begin(nobodys, None);
            }
            return;
        }
        match credential.zip(who) {
            Some((entry, who)) if entry.written.begin(who) => self.beside.push(Arc::clone(entry)),
            _ => self.begin(key, credential.map(Arc::clone)),
        }
    }

    /// This core and what it counts by, as it stands beside a credential; nothing where there are too many to be named so.
    fn who(&self, what: usize) -> Option<NonZeroU32> {
        let what = u16::try_from(what).ok()?.checked_add(1)?;
        NonZeroU32::new(u32::from(self.owner) << 16 | u32::from(what))
    }

    /// How many there are.
    fn len(&self) -> usize {
        self.beside.len() + self.table.len()
    }

    /// Counts one more where there is such a count.
    fn found(&mut self, key: Key) -> bool {
        let found = self.table.find_mut(self.hashed_by.hash_one(key), |slot| slot.key() == key);
        found.map(|slot| slot.count += 1).is_some()
    }

    fn begin(&mut self, key: Key, credential: Option<Arc<CredentialEntry>>) {
        let (slot, hashed_by) = (Slot { credential, what: key.what, count: 1 }, &self.hashed_by);
        self.table.insert_unique(hashed_by.hash_one(key), slot, |slot| hashed_by.hash_one(slot.key()));
    }

    /// Where what a request has in common with others stands.
    fn what(&mut self, closed: &Closed<'_>) -> usize {
        let millis = closed.at.as_millis();
        let what = What {
            hour: Timestamp::from_millis(millis - millis.rem_euclid(HOUR)),
            route: closed.verdict.route.map(|id| (closed.version, id)),
            outcome: closed.outcome,
        };
        if let Some((last, place)) = self.last
            && last == what
        {
            return place;
        }
        let Self { whats, places, .. } = self;
        let place = *places.entry(what).or_insert_with(|| {
            whats.push((what, closed.route().map(Into::into)));
            whats.len() - 1
        });
        self.last = Some((what, place));
        place
    }

    /// Not what comes to the control plane: whoever looks at a chart would be in it.
    fn is_charted(&self, place: usize) -> bool {
        self.whats
            .get(place)
            .is_some_and(|(_, route)| route.as_deref().is_none_or(|name| !name.starts_with(CONTROL_PLANE)))
    }

    /// What was counted by the minute. Whoever takes the rest takes this first: it goes by the same places.
    pub(crate) fn take_figures(&mut self) -> Vec<Minute> {
        let Self { figures, whats, .. } = self;
        figures.take(|place| whats.get(place).map(|(what, route)| (route, what.outcome)))
    }

    /// What was counted, unless it is to grow first.
    pub(crate) fn take_some(&mut self) -> Vec<Count> {
        if (MANY + 1..MOST_COUNTS / 2).contains(&self.len()) && self.waited < PATIENCE {
            self.waited += 1;
            return Vec::new();
        }
        self.take()
    }

    /// What was counted. The room that it took stays, for what comes next.
    pub(crate) fn take(&mut self) -> Vec<Count> {
        let Self { beside, table, whats, places, .. } = self;
        let beside = beside.drain(..).filter_map(|entry| {
            let (who, count) = entry.written.take()?;
            let what = usize::from(u16::try_from(who.get() & u32::from(u16::MAX)).ok()?.checked_sub(1)?);
            Some(Slot { credential: Some(entry), what, count: count.into() })
        });
        let counts = beside.chain(table.drain()).filter_map(|Slot { credential, what, count }| {
            let (What { hour, outcome, .. }, route) = whats.get(what)?;
            Some(Count { hour: *hour, credential, route: route.clone(), outcome, count })
        });
        let counts = counts.collect();
        whats.clear();
        places.clear();
        (self.last, self.waited) = (None, 0);
        counts
    }
}
