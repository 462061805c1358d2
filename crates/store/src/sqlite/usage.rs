//! Sums of usage on their way into their table: those of few callers are added one by one, those of many wait in the file as
//! they came and are added some seconds later, all together.
//!
//! What waits is remembered beside the file, so that adding it up reads none of it again. Whoever has forgotten, after a
//! failure or at a start, lets SQLite add up what the file has.

use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use hashbrown::{DefaultHashBuilder, HashTable};
use keyward_engine::counts::Count;
use keyward_engine::ledger::Batch;
use keyward_engine::ports::StoreError;
use sqlx::query;

use super::rows::{column, first};
use super::transaction::Transaction;

const HOUR: i64 = 3_600_000;
/// Up to so many sums of usage are added to the others one by one; more wait and are added later, together.
const COUNTED_AT_ONCE: usize = 256;
/// How many times sums may wait.
pub(super) const MOST_WAITING: i64 = 40;

// WHERE true: without it SQLite reads ON CONFLICT as the join's.
const COUNT: &str = "INSERT INTO usage (hour, principal, credential, route, outcome, count) SELECT r.value ->> 0, \
     r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5 FROM json_each(?1) r WHERE true \
     ON CONFLICT DO UPDATE SET count = count + excluded.count";

/// Sums of many callers, as they are.
const WAIT: &str = "INSERT INTO usage_waiting (counts) VALUES (?1)";

/// Those that wait, all together.
const SETTLE: &str = "INSERT INTO usage (hour, principal, credential, route, outcome, count) SELECT r.value ->> 0, \
     r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, sum(r.value ->> 5) FROM usage_waiting w, \
     json_each(w.counts) r WHERE true GROUP BY 1, 2, 3, 4, 5 ON CONFLICT DO UPDATE SET count = count + excluded.count";

/// What waits in the file, where that is known without looking.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Option<Remembered>>);

/// All that waits, added up.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    sums: HashTable<Count>,
    hashed_by: DefaultHashBuilder,
    /// How many times it had to wait.
    times: i64,
}

/// One change of usage, to be made within a transaction and to be remembered after it.
pub(super) struct Adding {
    /// As the table has them.
    rows: String,
    is_small: bool,
    /// All that waits, this included where it is to wait.
    remembered: Remembered,
    /// Whether that is known for sure.
    is_known: bool,
}

impl Waiting {
    /// Begins to add what these batches counted. What waited is forgotten until [`Waiting::done`]: whoever fails between does
    /// not know what became of it.
    pub(super) fn begin(&self, batches: &[Batch]) -> Result<Adding, StoreError> {
        let counts = || batches.iter().flat_map(|batch| &batch.counts);
        let is_small = counts().nth(COUNTED_AT_ONCE).is_none();
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_known = remembered.is_some();
        let mut remembered = remembered.unwrap_or_default();
        if !is_small {
            remembered.times += 1;
            counts().for_each(|count| remembered.add(count));
        }
        Ok(Adding { rows: rows(counts())?, is_small, remembered, is_known })
    }

    /// Remembers what waits after it was written.
    pub(super) fn done(&self, remembered: Option<Remembered>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = remembered;
    }
}

impl Adding {
    /// Writes it, and adds what waits to the others once much does or nothing more comes: each caller then costs one look into
    /// the table for all of it. Gives what waits still, for [`Waiting::done`].
    pub(super) async fn write(self, transaction: &mut Transaction) -> Result<Option<Remembered>, StoreError> {
        let Self { rows, is_small, remembered, is_known } = self;
        transaction.run(query(if is_small { COUNT } else { WAIT }).bind(rows)).await?;
        let times = if is_known { remembered.times } else { waiting(transaction).await? };
        let is_known = times == remembered.times;
        if times == 0 || (times < MOST_WAITING && !is_small) {
            return Ok(is_known.then_some(remembered));
        }
        transaction.run(if is_known { query(COUNT).bind(remembered.rows()?) } else { query(SETTLE) }).await?;
        transaction.run(query("DELETE FROM usage_waiting")).await?;
        Ok(Some(Remembered::default()))
    }
}

/// How many times something waits in the file.
async fn waiting(transaction: &mut Transaction) -> Result<i64, StoreError> {
    let rows = transaction.run(query("SELECT count(*) AS count FROM usage_waiting")).await?;
    column(first(&rows)?, "count")
}

impl Remembered {
    fn add(&mut self, count: &Count) {
        let Self { sums, hashed_by, .. } = self;
        let hash = |count: &Count| hashed_by.hash_one(key(count));
        match sums.find_mut(hash(count), |sum| key(sum) == key(count)) {
            Some(sum) => sum.count += count.count,
            None => drop(sums.insert_unique(hash(count), count.clone(), hash)),
        }
    }

    /// In the order of the table, whose pages are then met one after the other.
    fn rows(&self) -> Result<String, StoreError> {
        let mut sums: Vec<&Count> = self.sums.iter().collect();
        sums.sort_unstable_by_key(|count| key(count));
        rows(sums)
    }
}

/// Hour, principal, credential, route and outcome, as the table has them: an empty text stands for nobody and for no route.
fn key(count: &Count) -> (i64, &str, &str, &str, &str) {
    let [principal, credential, route] =
        [count.principal_id(), count.credential_id(), count.route.as_deref()].map(Option::unwrap_or_default);
    (hour(count.hour.as_millis()), principal, credential, route, count.outcome)
}

fn rows<'a>(counts: impl IntoIterator<Item = &'a Count>) -> Result<String, StoreError> {
    let rows = counts.into_iter().map(|count| {
        let (hour, principal, credential, route, outcome) = key(count);
        (hour, principal, credential, route, outcome, count.count)
    });
    serde_json::to_string(&rows.collect::<Vec<_>>()).map_err(|error| StoreError::Other(error.to_string()))
}

/// The beginning of the hour of a time in milliseconds.
pub(super) fn hour(millis: i64) -> i64 {
    millis - millis.rem_euclid(HOUR)
}
