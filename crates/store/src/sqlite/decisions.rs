//! Decisions in SQLite: batches go in, pages and ids lead out.

use keyward_core::decision::DecisionId;
use keyward_core::time::Timestamp;
use keyward_engine::decisions::{
    DecisionFilter, DecisionPage, Decisions, FigureFilter, Figures, KeptDecision, Retention, Usage, UsageFilter,
    UsedBy, UsedFilter, UsersFilter,
};
use keyward_engine::folds::Fold;
use keyward_engine::ledger::{Batch, Lost};
use keyward_engine::mark::{Level, Mark};
use keyward_engine::ports::{Answer, StoreError};
use keyward_engine::record::Record;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqlitePool, query};

use super::blocks;
use super::error::store_error;
use super::figures;
use super::many::Many;
use super::most_used;
use super::rows::{column, first, position, unreadable};
use super::transaction::{Statement, Transaction, Writer};
use super::usage::{Waiting, hour};
use super::used;

/// How many rows one step of pruning lets go of, so that it holds up no batch for long.
const PRUNED_AT_ONCE: i64 = 5000;
/// The outcome of decisions of which only the number is known.
const LOST: &str = "lost";
/// One part in so many of a full file is the most that usage may take.
const USAGE_SHARE: i64 = 4;

/// Decisions in a file of their own, `decisions.db` in a data directory.
#[derive(Debug)]
pub struct SqliteDecisions {
    pub(super) writer: Writer,
    pub(super) readers: SqlitePool,
    pub(super) waiting: Waiting,
}

impl SqliteDecisions {
    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<SqliteRow>, StoreError> {
        statement.fetch_all(&self.readers).await.map_err(store_error)
    }
}

impl Decisions for SqliteDecisions {
    fn keep<'a>(&'a self, batches: &'a [Batch]) -> Answer<'a, ()> {
        Box::pin(async move {
            let usage = self.waiting.begin(batches);
            let waiting = self
                .writer
                .write(async move |transaction| {
                    for batch in batches {
                        INSERT.run(transaction, &batch.records, bind_record).await?;
                        INSERT.run(transaction, &batch.folds, bind_fold).await?;
                        INSERT.run(transaction, batch.lost.as_slice(), bind_lost).await?;
                    }
                    figures::write(transaction, batches).await?;
                    usage.write(transaction).await
                })
                .await?;
            self.waiting.done(waiting);
            Ok(())
        })
    }

    fn list<'a>(&'a self, filter: &'a DecisionFilter) -> Answer<'a, DecisionPage> {
        Box::pin(blocks::list(self, filter))
    }

    fn find(&self, id: DecisionId) -> Answer<'_, Vec<KeptDecision>> {
        Box::pin(async move {
            let mark = Mark::in_id(id.within());
            let mut select = query(
                "SELECT * FROM decisions WHERE second = ?1 AND lane = ?2 AND (within = ?3 OR (level = 1 AND within = ?4) \
                 OR (level = 2 AND within = ?5) OR (level = 3 AND within = ?6)) ORDER BY level, seq",
            )
            .bind(id.second().cast_signed())
            .bind(id.lane())
            .bind(id.within().cast_signed());
            for level in [Level::Full, Level::AnyAddress, Level::AnyCaller] {
                select = select.bind(mark.at(level).cast_signed());
            }
            self.read(select).await?.iter().map(kept).collect()
        })
    }

    fn oldest(&self) -> Answer<'_, Option<Timestamp>> {
        Box::pin(async move {
            let rows = self.read(query("SELECT min(second) AS second FROM decisions")).await?;
            let second: Option<i64> = column(first(&rows)?, "second")?;
            Ok(second.map(|second| Timestamp::from_millis(second.saturating_mul(1000))))
        })
    }

    fn usage<'a>(&'a self, filter: &'a UsageFilter) -> Answer<'a, Vec<Usage>> {
        Box::pin(used::rows(self, filter))
    }

    fn most_used<'a>(&'a self, filter: &'a UsersFilter) -> Answer<'a, Vec<UsedBy>> {
        Box::pin(most_used::list(self, filter))
    }

    fn used<'a>(&'a self, filter: &'a UsedFilter) -> Answer<'a, Figures> {
        Box::pin(used::chart(self, filter))
    }

    fn figures<'a>(&'a self, filter: &'a FigureFilter) -> Answer<'a, Figures> {
        Box::pin(figures::read(self, filter))
    }

    fn note(&self) -> Answer<'_, bool> {
        Box::pin(async move { Ok(blocks::note(self).await? | most_used::note(self).await?) })
    }

    fn prune(&self, retention: Retention) -> Answer<'_, bool> {
        Box::pin(async move {
            let most = i64::try_from(retention.max_bytes).unwrap_or(i64::MAX);
            let usage = query("DELETE FROM usage WHERE hour < ?1").bind(hour(retention.usage_since.as_millis()));
            let old = query(
                "DELETE FROM decisions WHERE seq IN (SELECT seq FROM decisions WHERE second < ?1 LIMIT ?2) RETURNING seq",
            )
            .bind(retention.since.as_millis().div_euclid(1000))
            .bind(PRUNED_AT_ONCE);
            let more = self
                .writer
                .write(async move |transaction| {
                    transaction.run(usage).await?;
                    figures::prune(transaction, retention).await?;
                    let old = transaction.run(old).await?.len();
                    let gone = old + make_room(transaction, most).await?;
                    blocks::prune(transaction).await?;
                    Ok(gone > 0)
                })
                .await?;
            // What is free beyond that goes back to the system, a little at a time. It runs outside of any transaction.
            query("PRAGMA incremental_vacuum(2000)").fetch_all(&self.writer.pool).await.map_err(store_error)?;
            Ok(more)
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(self.writer.close(&self.readers))
    }
}

/// Lets go of the oldest where the file is larger than it may be; how many rows went. Usage may have its share of the file and
/// no more, so that it never takes the place of every decision; up to that, decisions go first.
async fn make_room(transaction: &mut Transaction, most: i64) -> Result<usize, StoreError> {
    let size = "SELECT (p.page_count - f.freelist_count) * s.page_size AS bytes \
         FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s";
    if bytes(transaction, query(size)).await? <= most {
        return Ok(0);
    }
    let of_usage = "SELECT sum(pgsize) AS bytes FROM dbstat WHERE name = 'usage' AND aggregate = TRUE";
    let oldest = if bytes(transaction, query(of_usage)).await? > most / USAGE_SHARE {
        query("DELETE FROM usage WHERE hour = (SELECT min(hour) FROM usage) RETURNING hour")
    } else {
        query("DELETE FROM decisions WHERE seq IN (SELECT seq FROM decisions ORDER BY seq LIMIT ?1) RETURNING seq")
            .bind(PRUNED_AT_ONCE)
    };
    Ok(transaction.run(oldest).await?.len())
}

async fn bytes(transaction: &mut Transaction, statement: Statement) -> Result<i64, StoreError> {
    let rows = transaction.run(statement).await?;
    Ok(column::<Option<i64>>(first(&rows)?, "bytes")?.unwrap_or_default())
}

const INSERT: Many = Many {
    before: "INSERT INTO decisions (second, lane, within, level, count, at, micros, client, method, path, route, outcome, \
         detail, principal, credential, results)",
    columns: 16,
    after: "",
};

fn bind_record(insert: Statement, record: &Record) -> Statement {
    bind_id(insert, record.id)
        .bind(Level::Single.number())
        .bind(1)
        .bind(record.at.as_millis())
        .bind(micros(record.took))
        .bind(record.client.to_canonical().to_string())
        .bind(&*record.method)
        .bind(&*record.path)
        .bind(record.route.as_deref())
        .bind(record.outcome)
        .bind(record.detail.as_deref())
        .bind(record.principal.as_deref())
        .bind(record.credential.as_deref())
        .bind(results(&[(record.outcome, record.status, 1)]))
}

fn bind_fold(insert: Statement, fold: &Fold) -> Statement {
    let count = fold.count();
    bind_id(insert, fold.id)
        .bind(fold.level.number())
        .bind(stored(count))
        .bind(fold.at.as_millis())
        .bind(micros(fold.took) / stored(count).max(1))
        .bind(fold.client.map(|client| client.to_canonical().to_string()))
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(fold.route.as_deref())
        .bind(fold.verdict)
        .bind(fold.detail.as_deref())
        .bind(fold.principal.as_deref())
        .bind(fold.credential.as_deref())
        .bind(results(&fold.results))
}

/// Of these nothing is known but how many they are and when the first was made.
fn bind_lost(insert: Statement, lost: &Lost) -> Statement {
    let millis = lost.at.as_millis();
    let nothing = |insert: Statement, count: usize| (0..count).fold(insert, |insert, _| insert.bind(None::<&str>));
    let insert = insert.bind(millis.div_euclid(1000)).bind(0).bind(0).bind(Level::AnyCaller.number());
    let insert = nothing(insert.bind(stored(lost.count)).bind(millis).bind(0), 4);
    nothing(insert.bind(LOST), 4)
}

fn bind_id(insert: Statement, id: DecisionId) -> Statement {
    insert.bind(id.second().cast_signed()).bind(id.lane()).bind(id.within().cast_signed())
}

/// As JSON: `[[outcome, status, count], …]`.
fn results(results: &[(&str, u16, u64)]) -> String {
    Value::from_iter(results.iter().map(|result| json!(result))).to_string()
}

pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn kept(row: &SqliteRow) -> Result<KeptDecision, StoreError> {
    let within = column::<i64>(row, "within")?.cast_unsigned();
    let lane = u32::try_from(column::<i64>(row, "lane")?).map_err(|_| unreadable("lane"))?;
    let level: u8 = column(row, "level")?;
    let results: Vec<(Box<str>, u16, u64)> = match column::<Option<&str>>(row, "results")? {
        Some(text) => serde_json::from_str(text).map_err(|_| unreadable("results"))?,
        None => Vec::new(),
    };
    Ok(KeptDecision {
        seq: number(row, "seq")?,
        id: DecisionId::of_lane(lane, number(row, "second")?, within),
        level: Level::ALL.into_iter().find(|known| known.number() == level).ok_or_else(|| unreadable("level"))?,
        count: number(row, "count")?,
        at: Timestamp::from_millis(column(row, "at")?),
        micros: number(row, "micros")?,
        client: column(row, "client")?,
        method: column(row, "method")?,
        path: column(row, "path")?,
        route: column(row, "route")?,
        outcome: column(row, "outcome")?,
        detail: column(row, "detail")?,
        principal: column(row, "principal")?,
        credential: column(row, "credential")?,
        results,
    })
}

pub(super) fn number(row: &SqliteRow, name: &'static str) -> Result<u64, StoreError> {
    position(column(row, name)?)
}
