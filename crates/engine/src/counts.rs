//! How often each credential used each route with each outcome, by the hour: counted on the core and apart from the decisions
//! themselves, so that however coarsely those are folded, no request loses its caller.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;
use keyward_core::time::Timestamp;

use crate::ledger::Closed;

/// How many counts a core keeps that differ, while the store takes none; what else comes is counted without its caller.
const MOST_COUNTS: usize = 16_384;
const HOUR: i64 = 3_600_000;

/// Requests of one hour that have all of this in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The principal's id.
    pub principal: Option<Box<str>>,
    /// The credential's id.
    pub credential: Option<Box<str>>,
    /// The route's name.
    pub route: Option<Box<str>>,
    /// What became of them in the end.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

impl Count {
    fn key(&self) -> Key<'_> {
        (self.hour, self.credential.as_deref(), self.route.as_deref(), self.outcome)
    }
}

/// What a request is counted by. A credential has one principal, so that it need not be looked at.
type Key<'a> = (Timestamp, Option<&'a str>, Option<&'a str>, &'static str);

/// One core's counts that are not with the store yet.
#[derive(Default)]
pub(crate) struct Counts {
    table: HashTable<Count>,
    hashed_by: RandomState,
}

impl Counts {
    pub(crate) fn add(&mut self, closed: &Closed<'_>) {
        let caller = closed.verdict.credential.as_deref().map(|entry| &entry.principal);
        let (credential, principal) = (caller.map(|caller| &*caller.credential), caller.map(|caller| &*caller.id));
        let millis = closed.at.as_millis();
        let hour = Timestamp::from_millis(millis - millis.rem_euclid(HOUR));
        let key = (hour, credential, closed.route(), closed.outcome);
        if self.found(key) {
            return;
        }
        if self.table.len() < MOST_COUNTS {
            return self.begin(key, principal);
        }
        let nobodys = (hour, None, closed.route(), closed.outcome);
        if !self.found(nobodys) {
            self.begin(nobodys, None);
        }
    }

    /// Counts one more where there is such a count.
    fn found(&mut self, key: Key<'_>) -> bool {
        let found = self.table.find_mut(self.hashed_by.hash_one(key), |count| count.key() == key);
        found.map(|count| count.count += 1).is_some()
    }

    fn begin(&mut self, key: Key<'_>, principal: Option<&str>) {
        let (hour, credential, route, outcome) = key;
        let [principal, credential, route] = [principal, credential, route].map(|text| text.map(Into::into));
        let count = Count { hour, principal, credential, route, outcome, count: 1 };
        let hashed_by = &self.hashed_by;
        self.table.insert_unique(hashed_by.hash_one(key), count, |count| hashed_by.hash_one(count.key()));
    }

    pub(crate) fn into_vec(self) -> Vec<Count> {
        self.table.into_iter().collect()
    }
}
