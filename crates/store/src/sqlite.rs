//! The store on SQLite: one file, one connection that writes, a few that read.

mod accounts;
mod asking;
mod audit;
mod blocks;
mod bloom;
mod comeback;
mod copy;
mod decisions;
mod decisions_file;
mod error;
mod factors;
mod feed;
mod figures;
mod file;
mod imported;
mod inspect;
mod keys;
mod links;
mod listed;
mod many;
mod most_used;
mod once;
mod open;
mod overlaps;
mod past_sessions;
mod people;
mod portal;
mod reserves;
mod rows;
mod schema;
mod sessions;
mod signing_keys;
#[cfg(test)]
mod tests;
mod transaction;
mod usage;
mod used;
mod users;

use std::path::PathBuf;
use std::sync::Arc;

use keyward_core::api_key::{ApiKeyRecord, Owner};
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::time::Timestamp;
use keyward_engine::audit::AuditEvent;
use keyward_engine::chain::{AuditHead, AuditRecord};
use keyward_engine::change::KeyChange;
use keyward_engine::ports::{
    Answer, AuditFilter, AuditState, Changes, FeedHead, Found, FoundSessions, Identity, Imported, Joined, KeyFilter,
    KeyPage, Lookup, Metadata, NewUser, Outcome, Overlap, Records, Reserve, Reserved, Reserves, Store, StoreError,
    Unused, Use,
};
use keyward_engine::signing::SigningKeyRecord;
use keyward_engine::version::Expected;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqlitePool, query};

pub use self::comeback::{Comeback, comeback};
pub use self::decisions::SqliteDecisions;
pub use self::decisions_file::DECISIONS_FILE_NAME;
use self::error::store_error;
pub use self::file::FILE_NAME;
pub use self::inspect::{Inspection, inspect};
pub use self::open::OpenError;
use self::transaction::{Statement, Transaction, Writer};
use crate::faults::{Faults, pass};

/// A store in one SQLite file, `keyward.db` in a data directory.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
    is_new: bool,
}

impl SqliteStore {
    /// Lets a test arm mishaps between the store's statements.
    #[must_use]
    pub fn with_faults(mut self, faults: Arc<Faults>) -> Self {
        self.writer.faults = Some(faults);
        self
    }

    /// Whether it was made when it was opened.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Runs one statement that reads: a read transaction of its own, so one snapshot.
    async fn read(&self, statement: Statement) -> Result<Vec<SqliteRow>, StoreError> {
        pass(self.writer.faults.as_ref()).await?;
        statement.fetch_all(&self.readers).await.map_err(store_error)
    }

    async fn read_user(&self, statement: Statement) -> Result<Option<Owner>, StoreError> {
        self.read(statement).await?.first().map(rows::owner).transpose()
    }
}

impl Lookup for SqliteStore {
    fn find<'a>(&'a self, digests: &'a [ApiKeyDigest]) -> Answer<'a, Found> {
        Box::pin(async move { keys::read_found(digests, &self.read(keys::select_digests(digests)).await?) })
    }

    fn find_sessions<'a>(&'a self, ids: &'a [Box<str>]) -> Answer<'a, FoundSessions> {
        Box::pin(async move { sessions::read_found(ids, &self.read(sessions::select_ids(ids)).await?) })
    }

    fn find_cookies<'a>(&'a self, digests: &'a [ApiKeyDigest]) -> Answer<'a, FoundSessions> {
        Box::pin(async move { sessions::read_cookies(digests, &self.read(sessions::select_cookies(digests)).await?) })
    }

    fn signing_keys(&self) -> Answer<'_, Vec<SigningKeyRecord>> {
        Box::pin(async move { self.read(signing_keys::select_all()).await?.iter().map(signing_keys::record).collect() })
    }

    fn imported_keys(&self) -> Answer<'_, Imported> {
        Box::pin(async move { imported::read_all(&self.read(imported::select_all()).await?) })
    }

    fn changes(&self, after: FeedHead) -> Answer<'_, Changes> {
        Box::pin(async move { feed::read_changes(after, &self.read(feed::select_changes(after)).await?) })
    }
}

impl Records for SqliteStore {
    fn ensure_user<'a>(&'a self, user: &'a NewUser, event: &'a AuditEvent) -> Answer<'a, Owner> {
        Box::pin(self.writer.write(async move |transaction| users::ensure(transaction, user, event).await))
    }

    fn user_by_name<'a>(&'a self, username: &'a str) -> Answer<'a, Option<Owner>> {
        Box::pin(self.read_user(users::select_name(username)))
    }

    fn user<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Owner>> {
        Box::pin(self.read_user(users::select_id(id)))
    }

    fn insert_api_key_with<'a>(
        &'a self,
        key: &'a ApiKeyRecord,
        metadata: &'a Metadata,
        event: &'a AuditEvent,
    ) -> Answer<'a, FeedHead> {
        Box::pin(self.writer.write(async move |transaction| keys::insert(transaction, key, metadata, event).await))
    }

    fn api_key<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Joined>> {
        Box::pin(async move { Ok(keys::read_all(&self.read(keys::select_id(id, None)).await?)?.pop()) })
    }

    fn api_keys<'a>(&'a self, filter: &'a KeyFilter, page: &'a KeyPage) -> Answer<'a, Vec<Joined>> {
        Box::pin(async move { keys::read_all(&self.read(listed::select_page(filter, page)).await?) })
    }

    fn change_api_key_if<'a>(
        &'a self,
        id: &'a str,
        (owner, expected): (Option<&'a str>, &'a Expected),
        change: &'a KeyChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<Outcome>> {
        let write = async move |transaction: &mut Transaction| {
            keys::change(transaction, (id, owner), expected, change, event).await
        };
        Box::pin(self.writer.write(write))
    }

    fn rotate_api_key<'a>(
        &'a self,
        owner: Option<&'a str>,
        change: &'a KeyChange,
        successor: &'a ApiKeyRecord,
        event: &'a AuditEvent,
    ) -> Answer<'a, Outcome> {
        let write =
            async move |transaction: &mut Transaction| keys::rotate(transaction, owner, change, successor, event).await;
        Box::pin(self.writer.write(write))
    }

    fn record_event<'a>(&'a self, event: &'a AuditEvent) -> Answer<'a, ()> {
        Box::pin(self.writer.write(async move |transaction| audit::insert(transaction, event).await))
    }

    fn audit<'a>(&'a self, filter: &'a AuditFilter) -> Answer<'a, Vec<(u64, Option<AuditRecord>)>> {
        Box::pin(async move { audit::numbered(&self.read(audit::select_page(filter)).await?) })
    }

    fn audit_after(&self, seq: u64, limit: u32) -> Answer<'_, Vec<(u64, Option<AuditRecord>)>> {
        Box::pin(async move { audit::numbered(&self.read(audit::select_after(seq, limit)).await?) })
    }

    fn audit_state(&self) -> Answer<'_, AuditState> {
        Box::pin(async move { audit::read_state(&self.read(audit::select_state()).await?) })
    }

    fn seal_audit<'a>(&'a self, key: &'a MacKey, limit: u32) -> Answer<'a, u64> {
        Box::pin(async move {
            // Most of the time there is nothing to do, and nobody is held up for that.
            if self.read(audit::select_unsealed(1)).await?.is_empty() {
                return Ok(0);
            }
            self.writer.write(async move |transaction| audit::seal(transaction, key, limit).await).await
        })
    }

    fn audit_before(&self, at: Timestamp) -> Answer<'_, Option<AuditHead>> {
        Box::pin(async move { self.read(audit::select_before(at)).await?.first().map(audit::head).transpose() })
    }

    fn forget_audit(&self, up_to: u64, limit: u32) -> Answer<'_, u64> {
        Box::pin(async move {
            let forgotten =
                self.writer.write(async |transaction| transaction.run(audit::forget(up_to, limit)).await).await?;
            Ok(u64::try_from(forgotten.len()).unwrap_or(u64::MAX))
        })
    }

    fn record_uses<'a>(&'a self, uses: &'a [Use]) -> Answer<'a, ()> {
        Box::pin(async move {
            if uses.is_empty() {
                return Ok(());
            }
            let is_session = |used: &&Use| used.id.starts_with(sessions::ID_PREFIX);
            let (of_sessions, of_keys): (Vec<&Use>, Vec<&Use>) = uses.iter().partition(is_session);
            let write = async |transaction: &mut Transaction| {
                keys::note_uses(transaction, &of_keys).await?;
                overlaps::note(transaction, uses).await?;
                sessions::note_uses(transaction, &of_sessions).await
            };
            self.writer.write(write).await
        })
    }

    fn overlap<'a>(&'a self, id: &'a str) -> Answer<'a, Overlap> {
        Box::pin(async move { overlaps::read(&self.read(overlaps::select(id)).await?) })
    }

    fn quiet_overlaps(&self, at: Timestamp) -> Answer<'_, Vec<Box<str>>> {
        Box::pin(async move {
            let rows = self.read(overlaps::select_quiet(at)).await?;
            rows.iter().map(|row| rows::column(row, "id")).collect()
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.read(query("SELECT one FROM feed_head")).await?;
            self.writer.file.is_in_place().await
        })
    }
}

impl Reserves for SqliteStore {
    fn reserve<'a>(&'a self, reserves: &'a [Reserve]) -> Answer<'a, Vec<Reserved>> {
        Box::pin(self.writer.write(async move |transaction| reserves::write(transaction, reserves).await))
    }

    fn reserved<'a>(&'a self, of: &'a [(u64, Box<str>)]) -> Answer<'a, Vec<Option<(Timestamp, u32)>>> {
        let select = reserves::select(of.iter().map(|(limit, subject)| (*limit, &**subject)));
        Box::pin(async move { self.read(select).await?.iter().map(reserves::kept).collect() })
    }

    fn give_back<'a>(&'a self, unused: &'a [Unused]) -> Answer<'a, ()> {
        Box::pin(self.writer.write(async |transaction| transaction.run(reserves::give_back(unused)).await.map(drop)))
    }
}

impl Store for SqliteStore {
    fn identity(&self) -> Answer<'_, Identity> {
        Box::pin(async move {
            let select = "SELECT h.epoch, h.position AS head, m.tag_key FROM feed_head h, meta m";
            let rows = self.read(query(select)).await?;
            let row = rows::first(&rows)?;
            Ok(Identity { head: rows::head(row)?, tag_key: MacKey::from_bytes(rows::bytes(row, "tag_key")?) })
        })
    }

    fn copy<'a>(&'a self, folder: &'a str) -> Answer<'a, PathBuf> {
        Box::pin(async move {
            pass(self.writer.faults.as_ref()).await?;
            self.writer.file.is_in_place().await?;
            copy::write(&self.writer.file, folder).await
        })
    }

    fn begin_epoch<'a>(&'a self, epoch: u64, event: &'a AuditEvent) -> Answer<'a, FeedHead> {
        Box::pin(self.writer.write(async move |transaction| feed::begin_epoch(transaction, epoch, event).await))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(self.writer.close(&self.readers))
    }
}
