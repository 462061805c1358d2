//! How often each credential used each route with each outcome, by the hour: counted on the core and apart from the decisions
//! themselves, so that however coarsely those are folded, no request loses its caller.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use keyward_core::api_key::CredentialEntry;
use keyward_core::route::RouteId;
use keyward_core::time::Timestamp;

use crate::ledger::Closed;

/// How many counts a core keeps that differ, while the store takes none; what else comes is counted without its caller.
const MOST_COUNTS: usize = 65_536;
/// Counts of more callers than this are handed over every twentieth time only, unless they fill half of the room: most of them
/// have grown by then, and each costs a row.
const MANY: usize = 256;
const PATIENCE: u32 = 19;
const HOUR: i64 = 3_600_000;

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
        self.credential.as_ref().map(|entry| &*entry.principal.credential)
    }
}

/// What a request is counted by on its core: places instead of names, because names are long and requests are many.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    hour: Timestamp,
    /// Where the credential stands in memory. A count keeps it, so that nothing else comes to stand there.
    credential: Option<*const CredentialEntry>,
    /// The route, and the version of the configuration that numbers it so.
    route: Option<(u64, RouteId)>,
    outcome: &'static str,
}

struct Slot {
    key: (Option<(u64, RouteId)>, Timestamp),
    count: Count,
}

impl Slot {
    fn key(&self) -> Key {
        let (route, hour) = self.key;
        let credential = self.count.credential.as_ref().map(Arc::as_ptr);
        Key { hour, credential, route, outcome: self.count.outcome }
    }
}

/// One core's counts that are not with the store yet.
#[derive(Default)]
pub(crate) struct Counts {
    table: HashTable<Slot>,
    hashed_by: DefaultHashBuilder,
    /// The names of the routes that were counted, each once.
    routes: Vec<(u64, RouteId, Arc<str>)>,
    /// How many times they were not handed over.
    waited: u32,
}

impl Counts {
    pub(crate) fn add(&mut self, closed: &Closed<'_>) {
        let millis = closed.at.as_millis();
        let hour = Timestamp::from_millis(millis - millis.rem_euclid(HOUR));
        let credential = closed.verdict.credential.as_ref();
        let route = closed.verdict.route.map(|id| (closed.version, id));
        let key = Key { hour, credential: credential.map(Arc::as_ptr), route, outcome: closed.outcome };
        if self.found(key) {
            return;
        }
        if self.table.len() < MOST_COUNTS {
            return self.begin(key, credential.map(Arc::clone), closed);
        }
        let nobodys = Key { credential: None, ..key };
        if !self.found(nobodys) {
            self.begin(nobodys, None, closed);
        }
    }

    /// Counts one more where there is such a count.
    fn found(&mut self, key: Key) -> bool {
        let found = self.table.find_mut(hash(&self.hashed_by, key), |slot| slot.key() == key);
        found.map(|slot| slot.count.count += 1).is_some()
    }

    fn begin(&mut self, key: Key, credential: Option<Arc<CredentialEntry>>, closed: &Closed<'_>) {
        let Key { hour, route, outcome, .. } = key;
        let name = route.and_then(|route| self.name(route, closed.route()?));
        let slot = Slot { key: (route, hour), count: Count { hour, credential, route: name, outcome, count: 1 } };
        let hashed_by = &self.hashed_by;
        self.table.insert_unique(hash(hashed_by, key), slot, |slot| hash(hashed_by, slot.key()));
    }

    fn name(&mut self, (version, id): (u64, RouteId), name: &str) -> Option<Arc<str>> {
        let known = self.routes.iter().find(|known| (known.0, known.1) == (version, id));
        if let Some((.., name)) = known {
            return Some(Arc::clone(name));
        }
        // Routes of earlier configurations are not asked for any more.
        self.routes.retain(|known| known.0 == version);
        let name: Arc<str> = name.into();
        self.routes.push((version, id, Arc::clone(&name)));
        Some(name)
    }

    /// What was counted, unless it is to grow first.
    pub(crate) fn take_some(&mut self) -> Vec<Count> {
        if (MANY + 1..MOST_COUNTS / 2).contains(&self.table.len()) && self.waited < PATIENCE {
            self.waited += 1;
            return Vec::new();
        }
        self.take()
    }

    /// What was counted. The room that it took stays, for what comes next.
    pub(crate) fn take(&mut self) -> Vec<Count> {
        self.waited = 0;
        self.table.drain().map(|slot| slot.count).collect()
    }
}

/// Of what tells most counts apart; the rest is compared.
fn hash(hashed_by: &DefaultHashBuilder, key: Key) -> u64 {
    hashed_by.hash_one((key.credential, key.route.map(|(_, RouteId(id))| id)))
}
