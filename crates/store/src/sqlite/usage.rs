//! Sums of usage on their way into their table: those of few callers are added one by one, those of many wait in the file as
//! they came and are added some seconds later, all together.
//!
//! What waits is remembered beside the file, so that adding it up reads none of it again. Whoever has forgotten, after a
//! failure or at a start, lets SQLite add up what the file has.

use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::{DefaultHashBuilder, HashTable};
use keyward_core::api_key::CredentialEntry;
use keyward_engine::counts::Count;
use keyward_engine::ledger::Batch;
use keyward_engine::ports::StoreError;
use sqlx::query;

use super::many::Many;
use super::rows::{column, first};
use super::transaction::{Statement, Transaction};

const HOUR: i64 = 3_600_000;
/// Up to so many sums of usage are added to the others one by one; more wait and are added later, together.
const COUNTED_AT_ONCE: usize = 256;
/// How many times sums may wait.
pub(super) const MOST_WAITING: i64 = 12;
/// How many batches may come while some wait: about a minute's.
pub(super) const MOST_BATCHES: u32 = 480;

const COUNT: Many = Many {
    before: "INSERT INTO usage (hour, principal, credential, route, outcome, count)",
    columns: 6,
    after: " ON CONFLICT DO UPDATE SET count = count + excluded.count",
};

/// Sums of many callers, as they are.
const WAIT: &str = "INSERT INTO usage_waiting (counts) VALUES (?1)";

/// Those that wait, all together. WHERE true: without it SQLite reads ON CONFLICT as the join's.
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
    /// How many batches came since it first had to.
    batches: u32,
}

/// One change of usage, to be made within a transaction and to be remembered after it.
pub(super) struct Adding<'a> {
    counts: Vec<&'a Count>,
    /// All that waits, this included where it is to wait.
    remembered: Remembered,
    /// Whether that is known for sure.
    is_known: bool,
}

impl Waiting {
    /// Begins to add what these batches counted. What waited is forgotten until [`Waiting::done`]: whoever fails between does
    /// not know what became of it.
    pub(super) fn begin<'a>(&self, batches: &'a [Batch]) -> Adding<'a> {
        let counts: Vec<_> = batches.iter().flat_map(|batch| &batch.counts).collect();
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_known = remembered.is_some();
        let mut adding = Adding { counts, remembered: remembered.unwrap_or_default(), is_known };
        adding.remembered.batches += u32::from(adding.remembered.times > 0);
        if adding.is_to_wait() {
            adding.remembered.times += 1;
            adding.counts.iter().for_each(|count| adding.remembered.add(count));
        }
        adding
    }

    /// Remembers what waits after it was written.
    pub(super) fn done(&self, remembered: Option<Remembered>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = remembered;
    }
}

impl Adding<'_> {
    fn is_to_wait(&self) -> bool {
        self.counts.len() > COUNTED_AT_ONCE
    }

    /// Writes it, and adds what waits to the others once much does or for long: each caller then costs one look into the table
    /// for all of it. Gives what waits still, for [`Waiting::done`].
    pub(super) async fn write(self, transaction: &mut Transaction) -> Result<Option<Remembered>, StoreError> {
        let is_to_wait = self.is_to_wait();
        let Self { counts, remembered, is_known } = self;
        if is_to_wait {
            transaction.run(query(WAIT).bind(json(&counts)?)).await?;
        } else {
            COUNT.run(transaction, &counts, |insert, count| bind(insert, count)).await?;
        }
        let times = if is_known { remembered.times } else { waiting(transaction).await? };
        let is_known = times == remembered.times;
        let waits_for_long = !is_to_wait && (!is_known || remembered.batches >= MOST_BATCHES);
        if times == 0 || !(times >= MOST_WAITING || waits_for_long) {
            return Ok(is_known.then_some(remembered));
        }
        if is_known {
            COUNT.run(transaction, &remembered.in_order(), bind).await?;
        } else {
            transaction.run(query(SETTLE)).await?;
        }
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
    /// By where the credential stands in memory: its names are not read for each batch again.
    fn add(&mut self, count: &Count) {
        let Self { sums, hashed_by, .. } = self;
        let hash = |count: &Count| hashed_by.hash_one(place(count));
        match sums.find_mut(hash(count), |sum| place(sum) == place(count)) {
            Some(sum) => sum.count += count.count,
            None => drop(sums.insert_unique(hash(count), count.clone(), hash)),
        }
    }

    /// By the names of the table and in its order, so that its pages are met one after the other. A credential that stands in
    /// several places, because several cores know it or because it was changed, is one here.
    fn in_order(self) -> Vec<Count> {
        let mut sums: Vec<Count> = self.sums.into_iter().collect();
        sums.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        sums.dedup_by(|next, sum| {
            let is_same = key(next) == key(sum);
            sum.count += if is_same { next.count } else { 0 };
            is_same
        });
        sums
    }
}

/// What a sum is found by while it is kept, and with it its credential: nothing else comes to stand there.
fn place(count: &Count) -> (i64, Option<*const CredentialEntry>, Option<&str>, &str) {
    let credential = count.credential.as_ref().map(Arc::as_ptr);
    (hour(count.hour.as_millis()), credential, count.route.as_deref(), count.outcome)
}

/// Hour, principal, credential, route and outcome, as the table has them: an empty text stands for nobody and for no route.
fn key(count: &Count) -> (i64, &str, &str, &str, &str) {
    let [principal, credential, route] =
        [count.principal_id(), count.credential_id(), count.route.as_deref()].map(Option::unwrap_or_default);
    (hour(count.hour.as_millis()), principal, credential, route, count.outcome)
}

fn bind(insert: Statement, count: &Count) -> Statement {
    let (hour, principal, credential, route, outcome) = key(count);
    let insert = insert.bind(hour).bind(principal).bind(credential).bind(route).bind(outcome);
    insert.bind(i64::try_from(count.count).unwrap_or(i64::MAX))
}

fn json(counts: &[&Count]) -> Result<String, StoreError> {
    let rows = counts.iter().map(|count| {
        let (hour, principal, credential, route, outcome) = key(count);
        (hour, principal, credential, route, outcome, count.count)
    });
    serde_json::to_string(&rows.collect::<Vec<_>>()).map_err(|error| StoreError::Other(error.to_string()))
}

/// The beginning of the hour of a time in milliseconds.
pub(super) fn hour(millis: i64) -> i64 {
    millis - millis.rem_euclid(HOUR)
}
