//! A store in memory that fails, hangs or panics on demand, and counts how often it was asked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use keyward_core::api_key::{ApiKeyRecord, Owner};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::principal::Mode;
use keyward_core::time::Timestamp;
use keyward_engine::ports::{Answer, Changes, FeedHead, Found, FoundSessions, Joined, Lookup, Metadata, StoreError};
use keyward_engine::signing::SigningKeyRecord;

use super::{HEAD, tag_key};

/// What the store does when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Willing,
    Failing,
    Hanging,
    Panicking,
}

/// A store that knows one key.
pub struct FakeStore {
    /// The key it knows.
    pub key: String,
    /// A key of the right form that it does not know.
    pub stranger: String,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
    position: AtomicU64,
}

impl FakeStore {
    pub fn new() -> Self {
        let key = |byte| ApiKeySecret::assemble("kw_live_", &[byte; 24], &tag_key()).expose().to_owned();
        Self {
            key: key(1),
            stranger: key(2),
            mood: Mutex::new(Mood::Willing),
            asked: AtomicUsize::new(0),
            position: AtomicU64::new(HEAD.position),
        }
    }

    pub fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// The feed has come so far.
    pub fn goes_to(&self, position: u64) {
        self.position.store(position, Ordering::SeqCst);
    }

    fn head(&self) -> FeedHead {
        FeedHead { position: self.position.load(Ordering::SeqCst), ..HEAD }
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The key that it knows.
    pub fn only(&self) -> Joined {
        self.joined(ApiKeyDigest::of(self.key.as_bytes())).unwrap()
    }

    fn joined(&self, digest: ApiKeyDigest) -> Option<Joined> {
        (digest == ApiKeyDigest::of(self.key.as_bytes())).then(|| Joined {
            key: record(digest),
            account: None,
            owner: owner(),
            budget: None,
            metadata: Metadata::new(),
        })
    }
}

fn owner() -> Owner {
    Owner { id: "user_1".into(), username: "ada".into(), roles: vec!["user".into()], disabled_at: None, account: None }
}

fn record(digest: ApiKeyDigest) -> ApiKeyRecord {
    ApiKeyRecord {
        id: "key_1".into(),
        owner: "user_1".into(),
        account: None,
        name: "first-customer".into(),
        prefix: "kw_live_0".into(),
        digest,
        secret: None,
        mode: Mode::Live,
        scopes: None,
        allowed_ips: Vec::new(),
        external_id: None,
        created_at: Timestamp::from_millis(0),
        expires_at: None,
        last_used_at: None,
        disabled_at: None,
        revoked_at: None,
        revoked_reason: None,
        replaces: None,
        overlap_ends_at: None,
        line: None,
    }
}

impl Lookup for FakeStore {
    fn find<'a>(&'a self, digests: &'a [ApiKeyDigest]) -> Answer<'a, Found> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        Box::pin(async move {
            match mood {
                Mood::Willing => {
                    Ok(Found { head: self.head(), keys: digests.iter().map(|digest| self.joined(*digest)).collect() })
                }
                Mood::Failing => Err(StoreError::Locked),
                Mood::Hanging => std::future::pending().await,
                Mood::Panicking => panic!("the store was asked"),
            }
        })
    }

    fn find_sessions<'a>(&'a self, ids: &'a [Box<str>]) -> Answer<'a, FoundSessions> {
        Box::pin(async { Ok(FoundSessions { head: HEAD, sessions: vec![None; ids.len()] }) })
    }

    fn find_cookies<'a>(&'a self, digests: &'a [ApiKeyDigest]) -> Answer<'a, FoundSessions> {
        Box::pin(async { Ok(FoundSessions { head: HEAD, sessions: vec![None; digests.len()] }) })
    }

    fn signing_keys(&self) -> Answer<'_, Vec<SigningKeyRecord>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn changes(&self, _: FeedHead) -> Answer<'_, Changes> {
        Box::pin(async { Ok(Changes { head: HEAD, changes: Vec::new(), lost: false }) })
    }
}
