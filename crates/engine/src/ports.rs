//! The ports: what the engine and the operations ask of a store, a clock and a source of randomness.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use keyward_core::api_key::{ApiKeyRecord, CredentialEntry, Owner};
use keyward_core::decision::Fault;
use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_core::rules::Rules;
use keyward_core::time::Timestamp;
use keyward_core::token::Claims;

use crate::audit::AuditEvent;
use crate::chain::{AuditHead, AuditRecord};
pub use crate::chance::{Clock, Random};
use crate::change::{KeyChange, Refusal};
use crate::factors::SecondFactors;
use crate::lineage::Lineage;
use crate::links::Links;
use crate::once::OnceOnly;
use crate::people::{PasswordHash, People};
use crate::sightings::{Seen, Sighting};
use crate::signing::SigningKeyRecord;
use crate::version::Expected;

pub use crate::checked::{Checked, CheckedUser, Checking, Passwords};
pub use crate::filters::{
    AccountFilter, AuditFilter, KeyFilter, KeyOrder, KeyPage, KeyPlace, KeyStatus, Page, SessionsBy, UserFilter,
};
pub use crate::held_session::JoinedSession;
pub use crate::imported::{
    ForeignHash, HashedKey, Imported, ImportedKey, Imports, Provers, Proving, Telling, Told, Verifiers,
};
pub use crate::joined::{Joined, Metadata};
pub use crate::reserves::{Known, Reserve, Reserved, Unused};

/// What a port answers, some time later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store did not do what it was asked. Nothing is half written when it says so.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another program holds the database longer than we wait.
    #[error("the database is locked by another program")]
    Locked,
    /// The disk, or the quota on it, is full.
    #[error("the disk is full")]
    Full,
    /// The database cannot be written.
    #[error("the database is read-only")]
    ReadOnly,
    /// The file is damaged or no database.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// Anything else the database says.
    #[error("the database failed: {0}")]
    Other(String),
}

impl From<&StoreError> for Fault {
    fn from(_: &StoreError) -> Self {
        Self::Store
    }
}

/// A place in the feed of changes. Numbers are in commit order within one epoch; a restore or rewind starts another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedHead {
    /// Which life of the store this is; random, made anew by a restore.
    pub epoch: u64,
    /// The number of the last change.
    pub position: u64,
}

/// What a store knows of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A key.
    ApiKey(Box<Joined>),
    /// The session of a token.
    Session(Box<JoinedSession>),
    /// The session of a cookie.
    Cookie(Box<JoinedSession>),
    /// A user who showed its password.
    User(Box<CheckedUser>),
    /// The one username and password of the configuration, by what memory knows them by.
    OnlyUser(ApiKeyDigest),
}

impl Held {
    /// The credential resolved along its lineage, ready to be judged. `claims` are those of the presented token; a session
    /// without them is no credential.
    pub fn resolve(&self, rules: &Rules, claims: Option<&Claims>, tag_key: &MacKey) -> Option<CredentialEntry> {
        match self {
            Self::ApiKey(joined) => Some(joined.resolve(rules)),
            Self::Session(joined) => Some(joined.resolve(rules, claims?)),
            Self::Cookie(joined) => joined.resolve_cookie(rules, tag_key),
            Self::User(checked) => Some(checked.resolve(rules)),
            // By these rules: of others it may be nobody's.
            Self::OnlyUser(digest) => rules.guarding.basic.as_ref()?.find(digest).cloned(),
        }
    }

    /// Whose change it must feel.
    pub fn lineage(&self) -> Lineage {
        match self {
            Self::ApiKey(joined) => joined.lineage(),
            Self::Session(joined) | Self::Cookie(joined) => joined.lineage(),
            Self::User(checked) => checked.lineage(),
            // Of a user that has no record; another configuration makes memory forget it.
            Self::OnlyUser(_) => Lineage::default(),
        }
    }
}

/// What a look-up found, and as of which change.
#[derive(Clone, Debug)]
pub struct Found {
    /// The feed's head in the same read transaction.
    pub head: FeedHead,
    /// One answer for each digest asked for, in that order.
    pub keys: Vec<Option<Joined>>,
}

/// What a look-up of sessions found, and as of which change.
#[derive(Clone, Debug)]
pub struct FoundSessions {
    /// The feed's head in the same read transaction.
    pub head: FeedHead,
    /// One answer for each id or digest asked for, in that order.
    pub sessions: Vec<Option<JoinedSession>>,
}

/// What happened since a place in the feed.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The feed's head in the same read transaction.
    pub head: FeedHead,
    /// The changes after the given place, in order; empty where `lost`.
    pub changes: Vec<Change>,
    /// The given place is not in this feed (another epoch, further than its head, or pruned): everything must be dropped.
    pub lost: bool,
}

/// One change that memory must learn of.
#[derive(Clone, Debug)]
pub enum Change {
    /// A key was made or changed; the record as it is now.
    ApiKey(u64, Box<Joined>),
    /// Whatever rests on this user, account or session was changed.
    Ancestor(u64, Box<str>),
    /// A key of others was taken in, or proven: its digest, or `None` as long as only another's hash of it is known.
    ImportedKey(u64, Option<ApiKeyDigest>),
    /// The signing keys were changed.
    SigningKeys(u64),
    /// A change of a kind that this version does not know: memory is dropped.
    Unknown(u64),
}

impl Change {
    /// Its number in the feed.
    pub fn position(&self) -> u64 {
        match self {
            Self::ApiKey(position, _)
            | Self::Ancestor(position, _)
            | Self::ImportedKey(position, _)
            | Self::SigningKeys(position)
            | Self::Unknown(position) => *position,
        }
    }
}

/// What the data path asks of a store.
pub trait Lookup: Send + Sync {
    /// Keys by digest, with their owners, in one read transaction.
    fn find<'a>(&'a self, digests: &'a [ApiKeyDigest]) -> Answer<'a, Found>;
    /// Sessions by id, with their users, in one read transaction.
    fn find_sessions<'a>(&'a self, ids: &'a [Box<str>]) -> Answer<'a, FoundSessions>;
    /// Sessions by the digests of their cookies, with their users, in one read transaction.
    fn find_cookies<'a>(&'a self, digests: &'a [ApiKeyDigest]) -> Answer<'a, FoundSessions>;
    /// Every signing key, retired ones included.
    fn signing_keys(&self) -> Answer<'_, Vec<SigningKeyRecord>>;
    /// The keys of others; none, for a store that takes none in.
    fn imported_keys(&self) -> Answer<'_, Imported> {
        Box::pin(async { Ok(Imported::default()) })
    }
    /// The changes after a place in the feed.
    fn changes(&self, after: FeedHead) -> Answer<'_, Changes>;
}

/// What limits ask of a store.
pub trait Reserves: Send + Sync {
    /// Writes ahead, in one transaction; one answer for each, in order. Windows that are over are let go in passing.
    fn reserve<'a>(&'a self, reserves: &'a [Reserve]) -> Answer<'a, Vec<Reserved>>;
    /// What is written of these, each a limit and a subject, as it stands: the end of the window and up to what it may admit.
    fn reserved<'a>(&'a self, of: &'a [(u64, Box<str>)]) -> Answer<'a, Vec<Option<(Timestamp, u32)>>>;
    /// Gives back what was written ahead and not used, in one transaction.
    fn give_back<'a>(&'a self, unused: &'a [Unused]) -> Answer<'a, ()>;
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// `user_…`, random.
    pub id: Box<str>,
    /// What it signs in with.
    pub username: Box<str>,
    /// Names of roles.
    pub roles: Vec<Box<str>>,
    /// The account that it belongs to, if any.
    pub account: Option<Box<str>>,
    /// An operator's own reference.
    pub external_id: Option<Box<str>>,
    /// What it signs in with; `None`: not at all.
    pub password: Option<PasswordHash>,
    /// When.
    pub created_at: Timestamp,
}

/// How far the audit log has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditState {
    /// The last sealed record.
    pub head: Option<AuditHead>,
    /// The last record.
    pub last: u64,
    /// The last number that was ever given.
    pub given: u64,
}

/// What became of a change.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// There is no such key (or it is somebody else's).
    NotFound,
    /// The key's state does not allow it; nothing was written.
    Refused(Refusal),
    /// It was committed as this change of the feed, or nothing was left to do.
    Done(FeedHead, Box<Joined>),
}

/// What operations ask of a store. Every write is one transaction that ends in an explicit commit or rollback; the event
/// that a write is given is kept in its transaction, both or neither.
pub trait Records: Send + Sync {
    /// Makes a user, unless one of that name exists; answers with the one that is there then. The event is kept only
    /// where one was made.
    fn ensure_user<'a>(&'a self, user: &'a NewUser, event: &'a AuditEvent) -> Answer<'a, Owner>;
    /// A user by name.
    fn user_by_name<'a>(&'a self, username: &'a str) -> Answer<'a, Option<Owner>>;
    /// A user by id.
    fn user<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Owner>>;
    /// Keeps a new key, with what operators keep beside it, and tells the feed.
    fn insert_api_key_with<'a>(
        &'a self,
        key: &'a ApiKeyRecord,
        metadata: &'a Metadata,
        event: &'a AuditEvent,
    ) -> Answer<'a, FeedHead>;
    /// As [`Records::insert_api_key_with`], with nothing beside it.
    fn insert_api_key<'a>(&'a self, key: &'a ApiKeyRecord, event: &'a AuditEvent) -> Answer<'a, FeedHead> {
        const NONE: &Metadata = &Metadata::new();
        self.insert_api_key_with(key, NONE, event)
    }
    /// A key by id.
    fn api_key<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Joined>>;
    /// A page of keys.
    fn api_keys<'a>(&'a self, filter: &'a KeyFilter, page: &'a KeyPage) -> Answer<'a, Vec<Joined>>;
    /// Applies a change to one key, if the key (of `owner`, where given) and its state allow it, and tells the feed.
    /// The event is kept only where something changed. `None`: it is not in a version that was expected.
    fn change_api_key_if<'a>(
        &'a self,
        id: &'a str,
        of: (Option<&'a str>, &'a Expected),
        change: &'a KeyChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<Outcome>>;
    /// As [`Records::change_api_key_if`], whatever its version.
    fn change_api_key<'a>(
        &'a self,
        id: &'a str,
        owner: Option<&'a str>,
        change: &'a KeyChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Outcome> {
        let changing = self.change_api_key_if(id, (owner, &Expected::Any), change, event);
        Box::pin(async move { Ok(changing.await?.unwrap_or(Outcome::NotFound)) })
    }
    /// Keeps `successor`, with what is kept beside the key that it `replaces`, and ends that one as [`KeyChange::Replace`] says,
    /// both or neither. Answers with the old key; the head covers both.
    fn rotate_api_key<'a>(
        &'a self,
        owner: Option<&'a str>,
        change: &'a KeyChange,
        successor: &'a ApiKeyRecord,
        event: &'a AuditEvent,
    ) -> Answer<'a, Outcome>;
    /// Keeps an event that comes without another change, such as a failed sign-in.
    fn record_event<'a>(&'a self, event: &'a AuditEvent) -> Answer<'a, ()>;
    /// Records of the audit log, newest first, with their numbers; `None` stands for one that cannot be read.
    fn audit<'a>(&'a self, filter: &'a AuditFilter) -> Answer<'a, Vec<(u64, Option<AuditRecord>)>>;
    /// As [`Store::audit`], after a number and in order.
    fn audit_after(&self, seq: u64, limit: u32) -> Answer<'_, Vec<(u64, Option<AuditRecord>)>>;
    /// How far the audit log has come.
    fn audit_state(&self) -> Answer<'_, AuditState>;
    /// Seals the oldest records that have no seal, at most so many; how many it were.
    fn seal_audit<'a>(&'a self, key: &'a MacKey, limit: u32) -> Answer<'a, u64>;
    /// The last of the sealed records that stand before every record of this time or later; `None`: there is none.
    fn audit_before(&self, at: Timestamp) -> Answer<'_, Option<AuditHead>>;
    /// Lets go of sealed records up to a number, at most so many; how many it were. Whoever calls this has recorded it
    /// before, sealed.
    fn forget_audit(&self, up_to: u64, limit: u32) -> Answer<'_, u64>;
    /// Notes when keys and sessions were last used, and by whom where that is said; later times win, and of one key the last
    /// [`crate::sightings::KEPT`] are kept. Not told to the feed.
    fn record_uses<'a>(&'a self, uses: &'a [Use]) -> Answer<'a, ()>;
    /// What is known of the overlap of a key that was replaced.
    fn overlap<'a>(&'a self, id: &'a str) -> Answer<'a, Overlap>;
    /// Keys whose overlap ends because nobody used them for as long as was asked for, at a time.
    fn quiet_overlaps(&self, at: Timestamp) -> Answer<'_, Vec<Box<str>>>;
    /// Answers when a read and the file behind it work.
    fn ping(&self) -> Answer<'_, ()>;
}

/// One key, or one session by cookie, was accepted at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Its id.
    pub id: Box<str>,
    /// When.
    pub at: Timestamp,
    /// By whom, where that is noted: of keys that were replaced.
    pub by: Option<Box<Seen>>,
}

/// What is known of the overlap of a key that was replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    /// It ends early once the key was not used for so long.
    pub quiet: Option<Duration>,
    /// Who used it since, the last first.
    pub seen: Vec<Sighting>,
}

/// What a store keeps once and hands out at start.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Where the feed stands.
    pub head: FeedHead,
    /// The key of the keyed tags in API keys.
    pub tag_key: MacKey,
}

/// A whole store.
pub trait Store: Lookup + Records + People + SecondFactors + Links + Reserves + Imports + OnceOnly {
    /// What it keeps once.
    fn identity(&self) -> Answer<'_, Identity>;
    /// Writes a consistent copy of the whole store into a new folder of this name beside it, while work goes on; where.
    fn copy<'a>(&'a self, folder: &'a str) -> Answer<'a, PathBuf>;
    /// Begins another epoch of the feed, so that whoever remembers anything of the store drops it.
    fn begin_epoch<'a>(&'a self, epoch: u64, event: &'a AuditEvent) -> Answer<'a, FeedHead>;
    /// Closes it; what was acknowledged is on disk.
    fn close(&self) -> Answer<'_, ()>;
}
