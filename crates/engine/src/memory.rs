//! What one core knows of credentials: a bounded table that a change overwrites and that an older answer cannot undo.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use keyward_core::api_key::CredentialEntry;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::machine::Recalled;
use keyward_core::principal::Kind;
use keyward_core::time::Timestamp;

use crate::lineage::{Lineage, Touched};
use crate::ports::{FeedHead, Use};

/// A digest's own bits are its hash: SHA-256 needs no second hashing.
#[derive(Default)]
pub struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// `derive(Hash)` on an array writes its length first; the bytes that follow count.
    fn write_usize(&mut self, _: usize) {}
}

type Table = HashMap<ApiKeyDigest, Slot, BuildHasherDefault<DigestHasher>>;

#[derive(Debug)]
enum Slot {
    Known(Known),
    Unknown,
}

#[derive(Debug)]
struct Known {
    entry: Arc<CredentialEntry>,
    /// Where in the feed it was read, and whose later change makes it void.
    position: u64,
    lineage: Lineage,
    /// When it was last accepted, and when that was last reported.
    used: Option<Timestamp>,
    reported: Option<Timestamp>,
}

impl Slot {
    fn said(&self, touched: &Touched) -> Recalled {
        match self {
            Self::Known(known) if touched.holds(known.lineage, known.position) => {
                Recalled::Known(Arc::clone(&known.entry))
            }
            // Its user, account or session was changed since: the store says what became of it.
            Self::Known(_) => Recalled::Nothing,
            Self::Unknown => Recalled::Unknown,
        }
    }
}

/// Whether an answer of the store may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not older than the last change to its shard; it is kept.
    Current,
    /// It is older than what this core has heard of since: ask again.
    Outdated,
}

/// One core's table of keys. Two generations: what is not touched while the young one fills is forgotten.
pub struct Memory {
    young: Table,
    old: Table,
    capacity: usize,
    epoch: u64,
    changed: [u64; 256],
    touched: Touched,
    uses: Vec<ApiKeyDigest>,
}

/// How often one key's use is reported at most.
const REPORT_EVERY_MILLIS: i64 = 60_000;
/// How many keys can wait to be reported; further ones are reported at a later use.
const USES: usize = 4096;

impl Memory {
    /// An empty table for at most twice `capacity` keys, as of a place in the feed.
    pub fn new(capacity: usize, head: FeedHead) -> Self {
        Self {
            young: Table::default(),
            old: Table::default(),
            capacity: capacity.max(1),
            epoch: head.epoch,
            changed: [head.position; 256],
            touched: Touched::at(head.position),
            uses: Vec::with_capacity(USES),
        }
    }

    /// What is known of a digest.
    pub fn recall(&mut self, digest: &ApiKeyDigest) -> Recalled {
        if let Some(slot) = self.young.get(digest) {
            return slot.said(&self.touched);
        }
        let Some(slot) = self.old.remove(digest) else { return Recalled::Nothing };
        let said = slot.said(&self.touched);
        self.insert(*digest, slot);
        said
    }

    /// Judges an answer of the store by the feed position it was read at, before it is used or kept.
    pub fn judge(&self, digest: &ApiKeyDigest, head: FeedHead, lineage: Option<Lineage>) -> Verdict {
        let last = self.changed.get(usize::from(digest.shard())).copied().unwrap_or(u64::MAX);
        let holds = lineage.is_none_or(|lineage| self.touched.holds(lineage, head.position));
        if head.epoch == self.epoch && head.position >= last && holds { Verdict::Current } else { Verdict::Outdated }
    }

    /// Keeps a current answer that was read at a place in the feed.
    pub fn keep(&mut self, digest: ApiKeyDigest, entry: Arc<CredentialEntry>, lineage: Lineage, position: u64) {
        let (used, reported) = self.last_use(&digest);
        self.old.remove(&digest);
        self.insert(digest, Slot::Known(Known { entry, position, lineage, used, reported }));
    }

    /// Keeps that there is no such key.
    pub fn keep_unknown(&mut self, digest: ApiKeyDigest) {
        self.old.remove(&digest);
        self.insert(digest, Slot::Unknown);
    }

    /// Overwrites what is known of a key by the state that a change left it in.
    pub fn overwrite(&mut self, digest: ApiKeyDigest, entry: Arc<CredentialEntry>, lineage: Lineage, position: u64) {
        if let Some(changed) = self.changed.get_mut(usize::from(digest.shard())) {
            *changed = position.max(*changed);
        }
        self.keep(digest, entry, lineage, position);
    }

    /// Whatever rests on a user, account or session is void from here on.
    pub fn touch(&mut self, id: &str, position: u64) {
        self.touched.touch(id, position);
    }

    /// Forgets everything; answers older than `head` will not be used.
    pub fn flush(&mut self, head: FeedHead) {
        self.young.clear();
        self.old.clear();
        self.epoch = head.epoch;
        self.changed = [head.position; 256];
        self.touched = Touched::at(head.position);
    }

    /// Notes that a key was accepted. Allocates nothing.
    pub fn note_use(&mut self, digest: &ApiKeyDigest, at: Timestamp) {
        let Some(Slot::Known(known)) = self.young.get_mut(digest) else {
            return;
        };
        if known.entry.principal.kind != Kind::ApiKey {
            return;
        }
        let waiting = known.used != known.reported;
        known.used = known.used.max(Some(at));
        let due = known.reported.is_none_or(|last| at.as_millis() - last.as_millis() >= REPORT_EVERY_MILLIS);
        if !waiting && due && self.uses.len() < USES {
            self.uses.push(*digest);
        } else if !waiting {
            known.used = known.reported;
        }
    }

    /// The uses to report since the last call.
    pub fn take_uses(&mut self) -> Vec<Use> {
        let mut uses = Vec::with_capacity(self.uses.len());
        for digest in self.uses.drain(..) {
            let slot = self.young.get_mut(&digest).or_else(|| self.old.get_mut(&digest));
            if let Some(Slot::Known(known)) = slot {
                known.reported = known.used;
                if let Some(at) = known.used {
                    uses.push(Use { id: known.entry.principal.credential.clone(), at });
                }
            }
        }
        uses
    }

    fn last_use(&self, digest: &ApiKeyDigest) -> (Option<Timestamp>, Option<Timestamp>) {
        match self.young.get(digest).or_else(|| self.old.get(digest)) {
            Some(Slot::Known(known)) => (known.used, known.reported),
            _ => (None, None),
        }
    }

    fn insert(&mut self, digest: ApiKeyDigest, slot: Slot) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&digest) {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            // Room for those that move over from the old generation, so that moving one allocates nothing.
            self.young.reserve(self.capacity);
        }
        self.young.insert(digest, slot);
    }
}
