//! Reads the feed at intervals and at hints, applies it, and says when a change is felt everywhere: the receipt.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyward_core::time::Monotonic;
use tokio::sync::{Notify, watch};

use crate::node::{FILL, LEASE, Node, REFRESH_EVERY};
use crate::ports::{Change, Changes, Clock, FeedHead, Lookup, StoreError};
use crate::signing::{VerifyingKeys, VerifyingSource};

/// How much faster or slower than true a node's clock may run, in parts of a thousand.
const DRIFT_PER_MILLE: u32 = 10;

/// What a revocation rests on, node by node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// One entry per node that serves.
    pub nodes: Vec<NodeReceipt>,
}

/// One node's part of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReceipt {
    /// The node's name.
    pub node: Box<str>,
    /// Whether the node itself said so; otherwise the time has passed after which it cannot know otherwise.
    pub acknowledged: bool,
    /// How long it took since the commit.
    pub took: Duration,
}

/// The task's handle: hints and waiting.
pub struct Refresher {
    name: Box<str>,
    node: Arc<Node>,
    store: Arc<dyn Lookup>,
    clock: Arc<dyn Clock>,
    source: Arc<dyn VerifyingSource>,
    hint: Notify,
    applied: watch::Sender<FeedHead>,
    signing_keys: RwLock<Arc<VerifyingKeys>>,
}

impl Refresher {
    /// A refresher of one node whose cores begin with these signing keys. Nothing runs before [`Refresher::refresh`] or
    /// [`Refresher::run`].
    pub fn new(
        name: &str,
        node: Arc<Node>,
        store: Arc<dyn Lookup>,
        clock: Arc<dyn Clock>,
        source: Arc<dyn VerifyingSource>,
        signing_keys: Arc<VerifyingKeys>,
    ) -> Self {
        let (applied, _) = watch::channel(node.head());
        let signing_keys = RwLock::new(signing_keys);
        Self { name: name.into(), node, store, clock, source, hint: Notify::new(), applied, signing_keys }
    }

    /// The signing keys that count now: what every core checks tokens by, or is about to.
    pub fn signing_keys(&self) -> Arc<VerifyingKeys> {
        Arc::clone(&self.signing_keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the node stands, as it moves on.
    pub fn heads(&self) -> watch::Receiver<FeedHead> {
        self.applied.subscribe()
    }

    /// Reads the feed once and applies it. Where that fails nothing is proven, and memory stops answering in time.
    pub async fn refresh(&self) -> bool {
        let t0 = self.clock.now().monotonic;
        let after = self.node.head();
        match tokio::time::timeout(FILL, self.read(after)).await {
            Ok(Ok((changes, keys))) => {
                if let Some(keys) = &keys {
                    *self.signing_keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(keys);
                }
                self.node.apply(t0, changes, keys);
                self.applied.send_replace(self.node.head());
                true
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// The changes, and the signing keys where these changed.
    async fn read(&self, after: FeedHead) -> Result<(Changes, Option<Arc<VerifyingKeys>>), StoreError> {
        let changes = self.store.changes(after).await?;
        if changes.lost || changes.changes.iter().any(|change| matches!(change, Change::Unknown(_))) {
            self.node.shared().imported().know(&self.store.imported_keys().await?);
        }
        let about_keys = |change: &Change| matches!(change, Change::SigningKeys(_) | Change::Unknown(_));
        if !changes.lost && !changes.changes.iter().any(about_keys) {
            return Ok((changes, None));
        }
        let keys = self.source.verifying(&self.store.signing_keys().await?);
        Ok((changes, Some(Arc::new(keys))))
    }

    /// Refreshes for ever: at intervals, and at once when [`Refresher::receipt`] hints at a change.
    pub async fn run(&self) {
        loop {
            self.refresh().await;
            tokio::select! {
                () = self.hint.notified() => {}
                () = tokio::time::sleep(REFRESH_EVERY) => {}
            }
        }
    }

    /// Whether memory can answer now.
    pub fn is_fresh(&self) -> bool {
        self.node.shared().is_fresh(self.clock.now().monotonic)
    }

    /// Waits until no decision that begins from now on can miss a change that was committed at `committed`: either the
    /// node has applied it, or its memory has gone out of date and its fills were abandoned.
    pub async fn receipt(&self, change: FeedHead, committed: Monotonic) -> Receipt {
        let mut applied = self.applied.subscribe();
        self.hint.notify_one();
        let felt = applied.wait_for(|head| head.epoch != change.epoch || head.position >= change.position);
        let acknowledged = matches!(tokio::time::timeout(bound(), felt).await, Ok(Ok(_)));
        let took = self.clock.now().monotonic.since(committed);
        Receipt { nodes: vec![NodeReceipt { node: self.name.clone(), acknowledged, took }] }
    }
}

/// `L(1 + drift) + F`.
fn bound() -> Duration {
    LEASE + LEASE * DRIFT_PER_MILLE / 1000 + FILL
}
