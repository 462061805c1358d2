//! The control side of one node: it applies the feed to every core and proves how fresh their memory is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyward_core::rules::Rules;
use keyward_core::time::Monotonic;

use crate::deliveries::Deliveries;
use crate::imported::ImportedKeys;
use crate::issuers::{Asker, IssuerKeys};
use crate::ports::{Change, Changes, FeedHead};
use crate::signing::VerifyingKeys;

/// How fresh memory must be proven to be for an answer from it: `L` of the design.
pub const LEASE: Duration = Duration::from_secs(2);
/// How long a fill may take: `F` of the design. An older one is abandoned.
pub const FILL: Duration = Duration::from_secs(2);
/// How often the feed is read when nobody hints at a change.
pub const REFRESH_EVERY: Duration = Duration::from_millis(500);

/// What all cores of a node share: two numbers that only the control side writes, one for each core that it alone writes,
/// and the deliveries of webhooks, which nothing else touches.
#[derive(Debug, Default)]
pub struct Shared {
    /// Grows with every note posted; a core that sees it changed reads its mailbox before it decides.
    notes: AtomicU64,
    /// Up to when memory is proven to hold every committed change, in nanoseconds of the node's monotonic clock; 0 = never.
    proven: AtomicU64,
    /// Which version of the configuration each core decides by.
    configured: Box<[AtomicU64]>,
    /// Deliveries of webhooks that counted.
    deliveries: Deliveries,
    /// Which keys of others there are.
    imported: ImportedKeys,
    /// Where keys of other issuers are asked for.
    issuers: Asker,
}

impl Shared {
    /// The number of the last note.
    pub fn notes(&self) -> u64 {
        self.notes.load(Ordering::Acquire)
    }

    /// A core tells which version of the configuration it decides by from now on.
    pub fn decides_by(&self, core: u8, version: u64) {
        if let Some(own) = self.configured.get(usize::from(core)) {
            own.store(version, Ordering::Release);
        }
    }

    /// Deliveries of webhooks that counted.
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// Which keys of others there are.
    pub fn imported(&self) -> &ImportedKeys {
        &self.imported
    }

    /// Where keys of other issuers are asked for.
    pub fn issuers(&self) -> &Asker {
        &self.issuers
    }

    /// The version that every core has come to.
    pub fn configured(&self) -> u64 {
        self.configured.iter().map(|own| own.load(Ordering::Acquire)).min().unwrap_or_default()
    }

    /// How long ago memory was proven to hold every change; `None`: never yet.
    pub fn age(&self, now: Monotonic) -> Option<Duration> {
        let proven = self.proven.load(Ordering::Acquire);
        (proven != 0).then(|| now.since(Monotonic::from_nanos(proven)))
    }

    /// Whether memory may answer at a time.
    pub fn is_fresh(&self, now: Monotonic) -> bool {
        self.age(now).is_some_and(|age| age < LEASE)
    }
}

/// What a core is told.
#[derive(Clone, Debug)]
pub enum Note {
    /// A change of the feed.
    Change(Arc<Change>),
    /// The signing keys that count from here on. What was verified by others is void, so a flush comes with it.
    SigningKeys(Arc<VerifyingKeys>),
    /// The keys of other issuers that count from here on; likewise.
    IssuerKeys(Arc<IssuerKeys>),
    /// The configuration that counts from here on, with its version. What was resolved by another is void.
    Rules(u64, Arc<Rules>, FeedHead),
    /// Everything known may be wrong: another epoch, or a change that this version cannot read.
    Flush(FeedHead),
}

/// The end of a mailbox that a core reads.
pub type Mailbox = Receiver<Note>;

/// One node: where it stands in the feed, and the mailboxes of its cores.
pub struct Node {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

struct State {
    head: FeedHead,
    cores: Vec<Sender<Note>>,
}

impl Node {
    /// A node with as many mailboxes as cores, at a place in the feed that its cores start from.
    pub fn new(head: FeedHead, cores: usize) -> (Self, Vec<Mailbox>) {
        let (senders, mailboxes) = (0..cores).map(|_| channel()).unzip();
        let configured = (0..cores).map(|_| AtomicU64::new(0)).collect();
        let shared = Arc::new(Shared { configured, ..Shared::default() });
        (Self { shared, state: Mutex::new(State { head, cores: senders }) }, mailboxes)
    }

    /// What its cores share.
    pub fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Where the node stands: every change up to here is felt by each decision that begins now.
    pub fn head(&self) -> FeedHead {
        self.state().head
    }

    /// Applies what the feed said. `t0` was read on the node's monotonic clock *before* the feed was read, so that
    /// memory proven by it holds every change committed before `t0`. `keys` are the signing keys, read after the changes
    /// that told of them.
    pub fn apply(&self, t0: Monotonic, changes: Changes, keys: Option<Arc<VerifyingKeys>>) {
        let mut state = self.state();
        if let Some(keys) = keys {
            state.post(Note::SigningKeys(keys));
        }
        if changes.lost {
            state.post(Note::Flush(changes.head));
            state.head = changes.head;
        } else {
            if changes.head.position < state.head.position {
                // Two readings crossed; the later one was applied already and this one proves nothing more.
                return;
            }
            let after = state.head.position;
            for change in changes.changes.into_iter().filter(|change| change.position() > after) {
                match change {
                    Change::Unknown(_) => state.post(Note::Flush(changes.head)),
                    Change::SigningKeys(_) => state.post(Note::Flush(changes.head)),
                    Change::ImportedKey(_, digest) => self.shared.imported.learn(digest),
                    known @ (Change::ApiKey(..) | Change::Ancestor(..)) => state.post(Note::Change(Arc::new(known))),
                }
            }
            state.head = changes.head;
        }
        // Posted first, announced second, proven last: a core that sees the proof sees the notes it rests on.
        self.shared.notes.fetch_add(1, Ordering::Release);
        self.shared.proven.fetch_max(t0.as_nanos(), Ordering::Release);
    }

    /// Gives every core another configuration. A core takes it before the next request that it begins.
    pub fn configure(&self, version: u64, rules: &Arc<Rules>) {
        let mut state = self.state();
        let head = state.head;
        state.post(Note::Rules(version, Arc::clone(rules), head));
        self.shared.notes.fetch_add(1, Ordering::Release);
    }

    /// Gives every core the keys of other issuers. What was verified by others is void.
    pub fn know_issuers(&self, keys: Arc<IssuerKeys>) {
        let mut state = self.state();
        let head = state.head;
        state.post(Note::IssuerKeys(keys));
        state.post(Note::Flush(head));
        self.shared.notes.fetch_add(1, Ordering::Release);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // A panic elsewhere leaves the state whole: each change to it is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn post(&mut self, note: Note) {
        self.cores.retain(|core| core.send(note.clone()).is_ok());
    }
}
