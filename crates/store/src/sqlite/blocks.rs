//! Decisions in blocks: what stands in each 1,024 is noted once they are full, and a list reads only the blocks that may hold what is
//! asked for. An index for each column would cost the writer a page for almost each row; this costs a small row for each block.

use std::collections::HashSet;

use keyward_core::time::Timestamp;
use keyward_engine::decisions::{DecisionFilter, DecisionPage};
use keyward_engine::ports::StoreError;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::asking::Asking;
use super::bloom;
use super::decisions::{SqliteDecisions, kept, stored};
use super::many::Many;
use super::rows::{column, first};
use super::transaction::{Statement, Transaction};

/// How many rows a block has. It is on disk.
const ROWS: i64 = 1024;
/// How many blocks are noted at once.
const NOTED_AT_ONCE: i64 = 32;
/// How many notes are read at once.
const READ_AT_ONCE: i64 = 512;
/// How many blocks that lie together are looked into at once.
const TOGETHER: i64 = if cfg!(test) { 2 } else { 8 };
/// After so many blocks a page ends with what it has: it says where the next goes on. Tests have few rows.
const MOST: i64 = if cfg!(test) { 2 } else { 128 };

const NOTE: Many = Many { before: "INSERT OR REPLACE INTO blocks (block, since, until, holds)", columns: 4, after: "" };

/// What a block holds.
struct Note {
    block: i64,
    since: i64,
    until: i64,
    holds: Vec<u8>,
}

/// Notes what the oldest blocks hold that are full and not noted; whether there are more.
pub(super) async fn note(decisions: &SqliteDecisions) -> Result<bool, StoreError> {
    let select = "SELECT max(coalesce((SELECT max(block) + 1 FROM blocks), 0), coalesce(min(seq), 0) / ?1) AS next, \
         (coalesce(max(seq), 0) + 1) / ?1 AS full FROM (SELECT min(seq) AS seq FROM decisions UNION ALL SELECT max(seq) FROM decisions)";
    let rows = decisions.read(query(select).bind(ROWS)).await?;
    let (next, full): (i64, i64) = (column(first(&rows)?, "next")?, column(first(&rows)?, "full")?);
    let end = full.min(next + NOTED_AT_ONCE);
    let mut notes = Vec::new();
    for block in next..end {
        let select =
            "SELECT at, outcome, route, principal, credential, client FROM decisions WHERE seq >= ?1 AND seq < ?2";
        let rows = decisions.read(query(select).bind(block * ROWS).bind((block + 1) * ROWS)).await?;
        notes.push(Note::of(block, &rows)?);
    }
    if !notes.is_empty() {
        decisions.writer.write(async |transaction| NOTE.run(transaction, &notes, bind).await).await?;
    }
    Ok(end < full)
}

fn bind(insert: Statement, note: &Note) -> Statement {
    insert.bind(note.block).bind(note.since).bind(note.until).bind(note.holds.clone())
}

impl Note {
    fn of(block: i64, rows: &[SqliteRow]) -> Result<Self, StoreError> {
        let (mut since, mut until, mut hashes) = (i64::MAX, i64::MIN, HashSet::new());
        for row in rows {
            let at: i64 = column(row, "at")?;
            (since, until) = (since.min(at), until.max(at));
            for (name, kind) in COLUMNS {
                hashes.extend(column::<Option<&str>>(row, name)?.map(|text| bloom::hash(kind, text)));
            }
        }
        let hashes: Vec<u64> = hashes.into_iter().collect();
        Ok(Self { block, since, until, holds: bloom::of(&hashes) })
    }
}

/// What is asked for, and the kind that it has in a note. The kinds are on disk.
const COLUMNS: [(&str, u8); 5] =
    [("outcome", b'o'), ("route", b'r'), ("principal", b'p'), ("credential", b'c'), ("client", b'a')];

fn wanted(filter: &DecisionFilter) -> Vec<u64> {
    let texts = [&filter.outcome, &filter.route, &filter.principal, &filter.credential, &filter.client];
    let wanted = COLUMNS.iter().zip(texts).filter_map(|((_, kind), text)| Some(bloom::hash(*kind, text.as_deref()?)));
    wanted.collect()
}

/// Lets go of the notes of blocks that are gone.
pub(super) async fn prune(transaction: &mut Transaction) -> Result<(), StoreError> {
    let delete = "DELETE FROM blocks WHERE block < coalesce((SELECT min(seq) FROM decisions), \
         (SELECT seq FROM sqlite_sequence WHERE name = 'decisions'), 0) / ?1";
    transaction.run(query(delete).bind(ROWS)).await.map(drop)
}

/// A page of decisions: those that are in no noted block come first or last, as the order has it.
pub(super) async fn list(decisions: &SqliteDecisions, filter: &DecisionFilter) -> Result<DecisionPage, StoreError> {
    let rows = decisions.read(query("SELECT coalesce(max(block) + 1, 0) AS noted FROM blocks")).await?;
    let noted = column::<i64>(first(&rows)?, "noted")?;
    let (low, high) =
        (filter.after.map_or(0, |after| stored(after).saturating_add(1)), filter.before.map_or(i64::MAX, stored));
    let mut looking = Looking { decisions, filter, low, high, page: DecisionPage::default(), looked: 0 };
    if filter.after.is_some() {
        looking.through(noted).await?;
        looking.rows(noted * ROWS, i64::MAX).await?;
    } else {
        looking.rows(noted * ROWS, i64::MAX).await?;
        looking.through(noted).await?;
    }
    Ok(looking.page)
}

/// One list under way.
struct Looking<'a> {
    decisions: &'a SqliteDecisions,
    filter: &'a DecisionFilter,
    /// From this row on.
    low: i64,
    /// Up to before this row.
    high: i64,
    page: DecisionPage,
    /// Into how many blocks it has looked.
    looked: i64,
}

impl Looking<'_> {
    fn missing(&self) -> i64 {
        i64::from(self.filter.limit) - i64::try_from(self.page.decisions.len()).unwrap_or(i64::MAX)
    }

    /// Looks into rows from one on up to before another.
    async fn rows(&mut self, from: i64, to: i64) -> Result<(), StoreError> {
        let (from, to, missing) = (from.max(self.low), to.min(self.high), self.missing());
        if from >= to || missing <= 0 || self.page.next.is_some() {
            return Ok(());
        }
        let filter = self.filter;
        let asking = Asking::begin("SELECT * FROM decisions")
            .given("outcome = ?", filter.outcome.as_deref())
            .given("route = ?", filter.route.as_deref())
            .given("principal = ?", filter.principal.as_deref())
            .given("credential = ?", filter.credential.as_deref())
            .given("client = ?", filter.client.as_deref())
            .given("at >= ?", filter.since.map(Timestamp::as_millis))
            .given("at <= ?", filter.until.map(Timestamp::as_millis))
            .given("seq >= ?", Some(from))
            .given("seq < ?", Some(to))
            .text(if filter.after.is_some() { " ORDER BY seq LIMIT ?" } else { " ORDER BY seq DESC LIMIT ?" })
            .value(missing);
        for row in &self.decisions.read(asking.statement()).await? {
            self.page.decisions.push(kept(row)?);
        }
        Ok(())
    }

    /// Goes through the noted blocks before one, and looks into those that may hold what is asked for.
    async fn through(&mut self, noted: i64) -> Result<(), StoreError> {
        let wanted = wanted(self.filter);
        let is_forward = self.filter.after.is_some();
        let mut range = (self.low / ROWS, noted.min(self.high.saturating_sub(1) / ROWS + 1));
        while range.0 < range.1 && self.missing() > 0 && self.page.next.is_none() {
            let rows = self.decisions.read(self.notes(range, !wanted.is_empty())).await?;
            let mut run: Option<(i64, i64)> = None;
            for row in &rows {
                let block = column::<i64>(row, "block")?;
                range = if is_forward { (block + 1, range.1) } else { (range.0, block) };
                if !bloom::may_hold(column(row, "holds")?, &wanted) && !wanted.is_empty() {
                    continue;
                }
                run = match run {
                    Some((from, to)) if to == block && to - from < TOGETHER => Some((from, block + 1)),
                    Some((from, to)) if from == block + 1 && to - from < TOGETHER => Some((block, to)),
                    run => {
                        self.blocks(run).await?;
                        Some((block, block + 1))
                    }
                };
                if self.missing() <= 0 || self.page.next.is_some() {
                    return Ok(());
                }
            }
            self.blocks(run).await?;
            if i64::try_from(rows.len()).unwrap_or(0) < READ_AT_ONCE {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Notes of blocks of this range whose times fit, in the order of the list.
    fn notes(&self, (from, to): (i64, i64), with_holds: bool) -> Statement {
        let begin =
            if with_holds { "SELECT block, holds FROM blocks" } else { "SELECT block, x'' AS holds FROM blocks" };
        let forward = self.filter.after.is_some();
        Asking::begin(begin)
            .given("block >= ?", Some(from))
            .given("block < ?", Some(to))
            .given("until >= ?", self.filter.since.map(Timestamp::as_millis))
            .given("since <= ?", self.filter.until.map(Timestamp::as_millis))
            .text(if forward { " ORDER BY block LIMIT ?" } else { " ORDER BY block DESC LIMIT ?" })
            .value(READ_AT_ONCE)
            .statement()
    }

    /// Looks into a run of blocks. A list that goes back ends with what it has, once it has looked into many.
    async fn blocks(&mut self, run: Option<(i64, i64)>) -> Result<(), StoreError> {
        let Some((from, to)) = run else { return Ok(()) };
        self.rows(from * ROWS, to * ROWS).await?;
        self.looked += to - from;
        if self.looked >= MOST && self.filter.after.is_none() && self.missing() > 0 {
            self.page.next = u64::try_from(from * ROWS).ok();
        }
        Ok(())
    }
}
