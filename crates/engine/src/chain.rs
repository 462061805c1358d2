//! The chain of seals over the audit log: how a record is sealed, and what a walk over all of them finds wrong.

use keyward_core::digest::{MacKey, same};
use keyward_core::time::Timestamp;

/// A record of the audit log as it is kept. Its texts are kept as written: the seal is over their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number: from 1, without gaps, in commit order.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Box<str>,
    /// What.
    pub action: Box<str>,
    /// To what.
    pub subject: Box<str>,
    /// From where.
    pub client: Option<Box<str>>,
    /// By which decision.
    pub decision: Option<Box<str>>,
    /// More, as a JSON object.
    pub detail: Box<str>,
    /// Its seal, once it has one.
    pub seal: Option<Seal>,
}

/// What holds a record in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Which key made it.
    pub key_id: Box<str>,
    /// The seal of the record before; zeros before the first.
    pub previous: [u8; 32],
    /// HMAC-SHA-256 over the record and `previous`.
    pub mac: [u8; 32],
}

/// The last sealed record. Its seal covers everything before it, so it is worth keeping elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Its number.
    pub seq: u64,
    /// Its seal.
    pub mac: [u8; 32],
}

/// What stands before the first record.
pub const BEGINNING: [u8; 32] = [0; 32];

/// Names a key without telling it.
pub fn key_id(key: &MacKey) -> Box<str> {
    let mac = key.mac(&[b"keyward audit key id"]);
    mac.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// The seal of a record after another. Every part is preceded by its length, and an absent one differs from an empty one.
pub fn seal(key: &MacKey, record: &AuditRecord, previous: [u8; 32]) -> Seal {
    let (client, decision) = (optional(record.client.as_deref()), optional(record.decision.as_deref()));
    let key_id = key_id(key);
    let mac = key.mac(&[
        b"keyward audit record 1",
        key_id.as_bytes(),
        &previous,
        &record.seq.to_be_bytes(),
        &record.at.as_millis().to_be_bytes(),
        record.actor.as_bytes(),
        record.action.as_bytes(),
        record.subject.as_bytes(),
        &client,
        &decision,
        record.detail.as_bytes(),
    ]);
    Seal { key_id, previous, mac }
}

fn optional(text: Option<&str>) -> Vec<u8> {
    text.map_or_else(Vec::new, |text| [b"+", text.as_bytes()].concat())
}

/// What is wrong in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The record, or its seal, is not what was sealed: changed, put in, or moved here from elsewhere.
    Altered,
    /// It has no seal, though later ones have.
    NotSealed,
    /// It is sealed, but not after the record that stands before it.
    OutOfOrder,
    /// These numbers were given and are gone.
    Missing,
    /// The head that was kept elsewhere names this record with another seal.
    NotTheHead,
}

/// A flaw and the numbers that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub flaw: Flaw,
    /// From this number.
    pub from: u64,
    /// To this one, included.
    pub to: u64,
}

/// Whether a record is as its own seal says, wherever it stands.
pub fn is_as_sealed(key: &MacKey, record: &AuditRecord) -> bool {
    record.seal.as_ref().is_some_and(|kept| {
        let right = seal(key, record, kept.previous);
        right.key_id == kept.key_id && same(&right.mac, &kept.mac)
    })
}

/// Walks over all sealed records, in the order of their numbers.
#[derive(Debug)]
pub struct Walk<'a> {
    key: &'a MacKey,
    heads: &'a [AuditHead],
    last: u64,
    /// The seal that the next record must follow; `None` where nobody can say.
    previous: Option<[u8; 32]>,
    good: u64,
    found: Vec<Found>,
}

impl<'a> Walk<'a> {
    /// Begins; the heads were kept elsewhere, and each must be met.
    pub fn new(key: &'a MacKey, heads: &'a [AuditHead]) -> Self {
        Self { key, heads, last: 0, previous: Some(BEGINNING), good: 0, found: Vec::new() }
    }

    /// As [`Walk::new`], after the records that were let go: the first of the others must follow the last of these.
    pub fn after(key: &'a MacKey, heads: &'a [AuditHead], pruned: AuditHead) -> Self {
        let mut walk = Self { last: pruned.seq, previous: Some(pruned.mac), ..Self::new(key, heads) };
        if heads.iter().any(|head| head.seq == pruned.seq && !same(&head.mac, &pruned.mac)) {
            walk.note(Flaw::NotTheHead, pruned.seq, pruned.seq);
        }
        walk
    }

    /// The next record; `None` where what is kept under that number cannot be read.
    pub fn step(&mut self, seq: u64, record: Option<&AuditRecord>) {
        if seq > self.last + 1 {
            self.note(Flaw::Missing, self.last + 1, seq - 1);
            self.previous = None;
        }
        self.last = seq;
        let kept = record.and_then(|record| record.seal.as_ref());
        let flaw = self.flaw(record);
        match flaw {
            Some(flaw) => self.note(flaw, seq, seq),
            None if self
                .heads
                .iter()
                .any(|head| head.seq == seq && !kept.is_some_and(|seal| same(&seal.mac, &head.mac))) =>
            {
                self.note(Flaw::NotTheHead, seq, seq);
            }
            None => self.good += 1,
        }
        // Whether a flawed record's own seal still is what it was, the next one tells.
        self.previous = kept.map(|seal| seal.mac).filter(|_| flaw != Some(Flaw::Altered));
    }

    fn flaw(&self, record: Option<&AuditRecord>) -> Option<Flaw> {
        let Some(record) = record else { return Some(Flaw::Altered) };
        let Some(kept) = &record.seal else { return Some(Flaw::NotSealed) };
        if !is_as_sealed(self.key, record) {
            return Some(Flaw::Altered);
        }
        let follows = self.previous.is_none_or(|previous| same(&previous, &kept.previous));
        (!follows).then_some(Flaw::OutOfOrder)
    }

    fn note(&mut self, flaw: Flaw, from: u64, to: u64) {
        match self.found.last_mut() {
            // Neighbours with one flaw are one finding.
            Some(last) if last.flaw == flaw && last.to + 1 == from => last.to = to,
            _ => self.found.push(Found { flaw, from, to }),
        }
    }

    /// A record after the last sealed one: it must be there, and nothing more can be said of it yet.
    pub fn tail(&mut self, seq: u64) {
        if seq > self.last + 1 {
            self.note(Flaw::Missing, self.last + 1, seq - 1);
        }
        self.last = seq;
    }

    /// Ends. `given` is the last number that the store has given to a record. Answers with how many records are as they were sealed, and with what is wrong.
    pub fn end(mut self, given: u64) -> (u64, Vec<Found>) {
        let furthest = self.heads.iter().map(|head| head.seq).max().unwrap_or_default().max(given);
        if furthest > self.last {
            self.note(Flaw::Missing, self.last + 1, furthest);
        }
        (self.good, self.found)
    }
}
