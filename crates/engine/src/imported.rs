//! Which keys of others there are: a filter that is asked before what has no tag is refused as a guess, so that guesses cost no
//! look-up in the store.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use keyward_core::api_key::ApiKeyRecord;
use keyward_core::decision::Fault;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::imported::{Expected, ShownKey};

use crate::audit::AuditEvent;
use crate::checked::Checked;
use crate::people::PasswordHash;
use crate::ports::{Answer, FeedHead};

/// What a store holds of keys of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The digests of those that are kept by our own.
    pub digests: Vec<ApiKeyDigest>,
    /// How many there are of which only another's hash is known.
    pub unproven: u64,
}

/// What all cores of a node ask. Nobody locks it for a key that memory knows.
#[derive(Debug, Default)]
pub struct ImportedKeys {
    any: AtomicBool,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Beginnings of digests: two keys share one hardly ever, and then the store tells them apart.
    digests: HashSet<u64>,
    unproven: bool,
}

impl ImportedKeys {
    /// Whether what has no tag may be a key all the same.
    pub fn are_any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Whether the key of a digest may be known. While another verifier is asked, any may.
    pub fn expected(&self, digest: &ApiKeyDigest, is_adopting: bool) -> Expected {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.digests.contains(&digest.short()) {
            Expected::Kept
        } else if known.unproven || is_adopting {
            Expected::Unproven
        } else {
            Expected::No
        }
    }

    /// All that there are.
    pub fn know(&self, imported: &Imported) {
        let digests = imported.digests.iter().map(ApiKeyDigest::short).collect();
        self.set(|known| *known = Known { digests, unproven: imported.unproven > 0 });
    }

    /// One more, by its digest; `None`: one of which only another's hash is known.
    pub fn learn(&self, digest: Option<ApiKeyDigest>) {
        self.set(|known| match digest {
            Some(digest) => drop(known.digests.insert(digest.short())),
            None => known.unproven = true,
        });
    }

    fn set(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut known);
        self.any.store(known.unproven || !known.digests.is_empty(), Ordering::Release);
    }
}

/// What others kept of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignHash {
    /// A quick hash that the key leads to: SHA-256 of it, or HMAC-SHA-256 with one of the peppers.
    Lookup([u8; 32]),
    /// A slow one that says itself how it is checked: bcrypt or argon2.
    Slow(PasswordHash),
}

/// A key of others as it is taken in.
#[derive(Clone, Debug)]
pub struct ImportedKey {
    /// The key; its digest stands for nothing where it comes as a hash.
    pub key: ApiKeyRecord,
    /// A keyed digest of what is taken in, by which it is known when it comes again.
    pub mark: [u8; 32],
    /// What it begins with, as far as that is known.
    pub begins: Box<str>,
    /// What others kept of it; `None`: it came in plain text.
    pub hash: Option<ForeignHash>,
}

/// A key that only a slow hash is known of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedKey {
    /// Its id.
    pub id: Box<str>,
    /// What it begins with, as far as that is known.
    pub begins: Box<str>,
    /// The hash.
    pub hash: PasswordHash,
}

/// What operations on keys of others ask of a store. Every write is one transaction, its audit event in it.
pub trait Imports: Send + Sync {
    /// Takes one in, and tells the feed.
    fn import_api_key<'a>(&'a self, key: &'a ImportedKey, event: &'a AuditEvent) -> Answer<'a, FeedHead>;
    /// Whether something of this mark was taken in before, whatever became of it.
    fn is_imported<'a>(&'a self, mark: &'a [u8; 32]) -> Answer<'a, bool>;
    /// The id of a key that one of these leads to.
    fn imported_by<'a>(&'a self, lookups: &'a [[u8; 32]]) -> Answer<'a, Option<Box<str>>>;
    /// Those that only a slow hash is known of, oldest first.
    fn hashed_keys(&self) -> Answer<'_, Vec<HashedKey>>;
    /// Keeps one by our own digest from now on, drops what others kept of it, and tells the feed. `false`: that was done before.
    fn prove_imported<'a>(&'a self, id: &'a str, digest: &'a ApiKeyDigest, event: &'a AuditEvent) -> Answer<'a, bool>;
    /// What others mixed into their hashes, sealed.
    fn peppers(&self) -> Answer<'_, Vec<Box<[u8]>>>;
    /// Keeps another, sealed.
    fn keep_pepper<'a>(&'a self, sealed: &'a [u8], event: &'a AuditEvent) -> Answer<'a, ()>;
}

/// What another verifier says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It counts.
    Accepted,
    /// It does not.
    Refused,
}

/// What another verifier will say, some time later; `None`: it cannot be told.
pub type Telling<'a> = Pin<Box<dyn Future<Output = Option<Told>> + Send + 'a>>;

/// Asks another verifier about keys.
pub trait Verifiers: Send + Sync {
    /// Shows it a key, in a header of a GET.
    fn ask<'a>(&'a self, url: &'a str, header: &'a str, key: &'a [u8]) -> Telling<'a>;
}

/// What a look at a key of others will say, some time later.
pub type Proving = Pin<Box<dyn Future<Output = Result<Checked, Fault>> + Send>>;

/// What the data path asks of whoever compares keys with hashes of others. It may take long, and each answer is for one question.
pub trait Provers: Send + Sync {
    /// Whether it is such a key; from then on it is kept as our own are.
    fn prove(&self, shown: Arc<ShownKey>) -> Proving;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_told_from_what_may_be_known() {
        let keys = ImportedKeys::default();
        let (one, other) = (ApiKeyDigest::of(b"one"), ApiKeyDigest::of(b"other"));
        let seen = |is_adopting| (keys.are_any(), keys.expected(&one, is_adopting), keys.expected(&other, is_adopting));
        assert_eq!(seen(false), (false, Expected::No, Expected::No), "none were imported");
        assert_eq!(seen(true), (false, Expected::Unproven, Expected::Unproven), "another verifier may know it");
        keys.learn(Some(one));
        assert_eq!(seen(false), (true, Expected::Kept, Expected::No));
        assert_eq!(seen(true), (true, Expected::Kept, Expected::Unproven));
        keys.learn(None);
        assert_eq!(seen(false), (true, Expected::Kept, Expected::Unproven), "it may be one of those");
        keys.know(&Imported::default());
        assert_eq!(seen(false), (false, Expected::No, Expected::No), "the store has none of them any more");
    }
}
