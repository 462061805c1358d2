//! What is written down of each decision: a plain value that leaves the data path over a bounded queue.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keyward_core::decision::DecisionId;
use keyward_core::time::Timestamp;
use tokio::sync::mpsc;

/// One answered request.
#[derive(Clone, Debug)]
pub struct Record {
    /// The decision's id.
    pub id: DecisionId,
    /// When it was decided.
    pub at: Timestamp,
    /// From the request's head to the answer's head.
    pub took: Duration,
    /// The client's address.
    pub client: IpAddr,
    /// The method.
    pub method: Box<str>,
    /// The path, without the query: queries carry secrets.
    pub path: Box<str>,
    /// The route's name.
    pub route: Option<Box<str>>,
    /// `allowed`, or the reason's name.
    pub outcome: &'static str,
    /// More of the reason, for the operator.
    pub detail: Option<Box<str>>,
    /// The principal's id, where known.
    pub principal: Option<Box<str>>,
    /// The credential's id, where known.
    pub credential: Option<Box<str>>,
    /// The status that was answered.
    pub status: u16,
}

/// Where records go. Cheap to clone, one per core.
#[derive(Clone)]
pub struct Journal {
    sender: Option<mpsc::Sender<Record>>,
    lost: Arc<AtomicU64>,
}

/// Where records come out, and how many did not fit.
pub struct Records {
    receiver: mpsc::Receiver<Record>,
    lost: Arc<AtomicU64>,
}

/// A queue of at most `bound` records.
pub fn journal(bound: usize) -> (Journal, Records) {
    let (sender, receiver) = mpsc::channel(bound);
    let lost = Arc::new(AtomicU64::new(0));
    (Journal { sender: Some(sender), lost: Arc::clone(&lost) }, Records { receiver, lost })
}

impl Journal {
    /// A journal that nobody reads.
    pub fn none() -> Self {
        Self { sender: None, lost: Arc::default() }
    }

    /// Whether anybody reads it, so that a record is worth its while.
    pub fn is_read(&self) -> bool {
        self.sender.is_some()
    }

    /// Hands over a record, made only if somebody reads. A full queue drops it and counts it.
    pub fn note(&self, record: impl FnOnce() -> Record) {
        let Some(sender) = &self.sender else { return };
        match sender.try_reserve() {
            Ok(place) => place.send(record()),
            Err(_) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Records {
    /// The next record; `None` when every journal is gone.
    pub async fn next(&mut self) -> Option<Record> {
        self.receiver.recv().await
    }

    /// As [`Records::next`], for a thread of its own.
    pub fn next_blocking(&mut self) -> Option<Record> {
        self.receiver.blocking_recv()
    }

    /// Whether none waits now.
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// How many were dropped since the last call.
    pub fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}
