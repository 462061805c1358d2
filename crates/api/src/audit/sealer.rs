//! The audit log's one sealer, and the copy of its head beside the store.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::digest::{MacKey, same};
use keyward_engine::chain::AuditHead;
use keyward_engine::ports::{FeedHead, Store, StoreError};
use tokio::sync::Mutex;

use super::{BATCH, retention};
use crate::service::Service;

/// How long a record waits for its seal.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a copy of the head is kept beside the store, so that a store that lost its end, or was put back, is noticed.
pub trait HeadKeeper: Send + Sync {
    /// The head as last kept.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    fn read(&self) -> io::Result<Option<AuditHead>>;
    /// Keeps a head in its place, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    fn write(&self, head: &AuditHead) -> io::Result<()>;
    /// Keeps how far the feed has come, for whoever opens the store next.
    ///
    /// # Errors
    /// It cannot be written.
    fn witness(&self, feed: FeedHead) -> io::Result<()>;
}

/// Seals records. There is one for each store at a time: whoever holds the data directory.
pub struct Sealer {
    pub(super) key: MacKey,
    pub(super) keeper: Box<dyn HeadKeeper>,
    /// Held by whoever walks over the log or lets records go, so that no walk meets half of what is let go.
    pub(super) walking: Mutex<()>,
}

impl Sealer {
    /// With a key that is not kept in the store.
    pub fn new(key: MacKey, keeper: Box<dyn HeadKeeper>) -> Self {
        Self { key, keeper, walking: Mutex::new(()) }
    }

    /// Seals all that is committed and moves the kept head on.
    ///
    /// # Errors
    /// The store's; what was sealed before stays sealed.
    pub async fn seal(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut any = false;
        while store.seal_audit(&self.key, BATCH).await? > 0 {
            any = true;
        }
        if !any {
            return Ok(());
        }
        // Whatever moves the feed leaves a record, so that what was just sealed is all that can have moved it.
        let feed = store.identity().await?.head;
        self.keep_head(store).await?;
        self.keeper.witness(feed).map_err(|error| StoreError::Other(error.to_string()))
    }

    /// A kept head that the store does not hold is evidence, and stays until somebody takes it away.
    async fn keep_head(&self, store: &dyn Store) -> Result<(), StoreError> {
        let Some(head) = store.audit_state().await?.head else { return Ok(()) };
        let kept = self.keeper.read().map_err(|error| StoreError::Other(error.to_string()))?;
        if let Some(kept) = kept {
            let rows = store.audit_after(kept.seq.saturating_sub(1), 1).await?;
            let seal = rows.first().and_then(|(_, record)| record.as_ref()?.seal.as_ref());
            let is_there = seal.is_some_and(|seal| same(&seal.mac, &kept.mac));
            if !is_there && retention::let_go(store, &self.key).await?.is_none_or(|last| last.seq < kept.seq) {
                return Ok(());
            }
        }
        self.keeper.write(&head).map_err(|error| StoreError::Other(error.to_string()))
    }
}

/// Seals for as long as the server runs. A batch that fails is tried again.
pub async fn run(service: Arc<Service>) {
    loop {
        let _ = service.sealer.seal(&*service.store).await;
        tokio::time::sleep(PAUSE).await;
    }
}
