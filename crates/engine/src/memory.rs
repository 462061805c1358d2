//! What one core knows of credentials: a bounded table that a change overwrites and that an older answer cannot undo.

use std::sync::Arc;

use hashbrown::HashTable;
use keyward_core::api_key::CredentialEntry;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::machine::Recalled;
use keyward_core::principal::Kind;
use keyward_core::time::Timestamp;

use crate::limits;
use crate::lineage::{Lineage, Touched};
use crate::ports::{FeedHead, Use};

/// What is known of one digest: one line of the processor's cache, because with many callers each is one more to fetch.
#[derive(Debug)]
#[repr(align(64))]
struct Slot {
    digest: ApiKeyDigest,
    /// `None`: there is no such key.
    entry: Option<Arc<CredentialEntry>>,
    /// Where in the feed it was read, and whose later change makes it void.
    position: u64,
    lineage: Lineage,
    used: LastUse,
}

const _: () = assert!(size_of::<Slot>() == 64, "a slot is one line");

impl Slot {
    fn said(&self, touched: &Touched) -> Recalled {
        match &self.entry {
            Some(entry) if touched.holds(self.lineage, self.position) => {
                entry.fetch();
                limits::fetch(entry);
                Recalled::Known(Arc::clone(entry))
            }
            // Its user, account or session was changed since: the store says what became of it.
            Some(_) => Recalled::Nothing,
            None => Recalled::Unknown,
        }
    }
}

/// When a key was last accepted, in seconds since the Unix epoch, or 0; and whether that waits to be reported.
#[derive(Clone, Copy, Debug, Default)]
struct LastUse {
    second: u32,
    waits: bool,
}

impl LastUse {
    /// Whether a use changes anything.
    fn tells(self, at: Timestamp) -> bool {
        self.waits || second(at) >= self.second.saturating_add(REPORT_EVERY_SECONDS)
    }

    /// Notes a use that does; whether it is now the first that waits.
    fn note(&mut self, at: Timestamp) -> bool {
        self.second = self.second.max(second(at));
        !self.waits
    }

    fn at(self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.second) * 1000)
    }
}

fn second(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis() / 1000).unwrap_or_default()
}

/// Slots by their digests, whose own bits are their hash: SHA-256 needs no second hashing.
#[derive(Debug, Default)]
struct Table(HashTable<Slot>);

impl Table {
    fn get(&self, digest: &ApiKeyDigest) -> Option<&Slot> {
        self.0.find(hash(digest), |slot| slot.digest == *digest)
    }

    fn get_mut(&mut self, digest: &ApiKeyDigest) -> Option<&mut Slot> {
        self.0.find_mut(hash(digest), |slot| slot.digest == *digest)
    }

    fn remove(&mut self, digest: &ApiKeyDigest) -> Option<Slot> {
        let found = self.0.find_entry(hash(digest), |slot| slot.digest == *digest);
        found.ok().map(|found| found.remove().0)
    }

    /// Puts it in the place of what is known.
    fn insert(&mut self, slot: Slot) {
        match self.get_mut(&slot.digest) {
            Some(known) => *known = slot,
            None => drop(self.0.insert_unique(hash(&slot.digest), slot, |slot| hash(&slot.digest))),
        }
    }
}

fn hash(digest: &ApiKeyDigest) -> u64 {
    digest.as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes)
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
const REPORT_EVERY_SECONDS: u32 = 60;
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
        self.insert(slot);
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
        let used = self.young.get(&digest).or_else(|| self.old.get(&digest)).map(|slot| slot.used);
        self.old.remove(&digest);
        self.insert(Slot { digest, entry: Some(entry), position, lineage, used: used.unwrap_or_default() });
    }

    /// Keeps that there is no such key.
    pub fn keep_unknown(&mut self, digest: ApiKeyDigest) {
        self.old.remove(&digest);
        let (lineage, used) = (Lineage::default(), LastUse::default());
        self.insert(Slot { digest, entry: None, position: 0, lineage, used });
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
        self.young.0.clear();
        self.old.0.clear();
        self.epoch = head.epoch;
        self.changed = [head.position; 256];
        self.touched = Touched::at(head.position);
    }

    /// Notes that a key was accepted. Allocates nothing.
    pub fn note_use(&mut self, digest: &ApiKeyDigest, at: Timestamp) {
        let has_room = self.uses.len() < USES;
        let Some(slot) = self.young.get_mut(digest) else { return };
        if !slot.used.tells(at) {
            return;
        }
        let kind = slot.entry.as_ref().map(|entry| entry.principal.kind);
        let is_told = matches!(kind, Some(Kind::ApiKey | Kind::Session));
        if is_told && (has_room || slot.used.waits) && slot.used.note(at) {
            slot.used.waits = true;
            self.uses.push(*digest);
        }
    }

    /// The uses to report since the last call.
    pub fn take_uses(&mut self) -> Vec<Use> {
        let mut uses = Vec::with_capacity(self.uses.len());
        for digest in self.uses.drain(..) {
            let slot = self.young.get_mut(&digest).or_else(|| self.old.get_mut(&digest));
            if let Some(Slot { entry: Some(entry), used, .. }) = slot {
                used.waits = false;
                uses.push(Use { id: entry.principal.credential.text().into(), at: used.at(), by: None });
            }
        }
        uses
    }

    fn insert(&mut self, slot: Slot) {
        if self.young.0.len() >= self.capacity && self.young.get(&slot.digest).is_none() {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.0.clear();
            // Room for those that move over from the old generation, so that moving one allocates nothing.
            self.young.0.reserve(self.capacity, |slot| hash(&slot.digest));
        }
        self.young.insert(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_waits_once_a_minute_and_grows_newer_while_it_waits() {
        let mut used = LastUse::default();
        let at = |second: i64| Timestamp::from_millis(second * 1000 + 999);
        for (second, begins, reported, last) in [
            (1000, true, false, 1000),
            (1030, false, true, 1030),
            (1089, false, false, 1030),
            (1090, true, false, 1090),
            (1080, false, false, 1090),
            (2000, false, true, 2000),
        ] {
            let began = used.tells(at(second)) && used.note(at(second));
            used.waits |= began;
            assert_eq!((began, used.at()), (begins, Timestamp::from_millis(last * 1000)), "{second}");
            used.waits &= !reported;
        }
    }
}
