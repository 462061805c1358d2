//! The port to users, accounts and sessions, and the rules of which state allows which change of them.

use keyward_core::address::IpNet;
use keyward_core::api_key::Owner;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::limit::{Budget, Pace};
use keyward_core::plan::Terms;
use keyward_core::session::SessionRecord;
use keyward_core::time::Timestamp;

use crate::audit::AuditEvent;
use crate::factors::{Begun, Proof};
use crate::ports::{AccountFilter, Answer, FeedHead, JoinedSession, NewUser, Page, SessionsBy, UserFilter};
use crate::signing::SigningKeyRecord;
use crate::version::Expected;

pub use crate::user_change::{Ending, UserChange};

/// A user as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// What decisions need of it.
    pub owner: Owner,
    /// argon2id as a PHC string; `None`: nobody can sign in as this user.
    pub password: Option<PasswordHash>,
    /// An operator's own reference.
    pub external_id: Option<Box<str>>,
    /// Whether a second factor of it counts.
    pub second_factor: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What is kept of a password: an argon2id PHC string. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub Box<str>);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// An account as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// `acc_…`, random.
    pub id: Box<str>,
    /// What people call it.
    pub name: Box<str>,
    /// An operator's own reference.
    pub external_id: Option<Box<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is paused.
    pub disabled_at: Option<Timestamp>,
    /// Where its keys and tokens may be used from; empty = anywhere.
    pub allowed_ips: Vec<IpNet>,
    /// How it is counted.
    pub terms: Terms,
}

/// A change of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountChange {
    /// Pause of its keys and users; their sessions end.
    Disable(Timestamp),
    /// End of a pause; keys and users count again, sessions do not.
    Enable,
    /// Another list of where its keys and tokens may be used from.
    Addresses(Vec<IpNet>),
    /// Another plan; `None`: the one for whoever has none.
    Plan(Option<Box<str>>),
    /// Other limits of its own, in place of those of its plan; empty: those of its plan.
    Limits(Vec<Pace>),
    /// Another budget; `None`: without bound.
    Budget(Option<Budget>),
    /// Another reference of an operator's, or none.
    ExternalId(Option<Box<str>>),
}

impl AccountChange {
    /// Applies the change to a record. `false`: it is so already, nothing to write.
    pub fn apply(&self, account: &mut AccountRecord) -> bool {
        match self {
            Self::Disable(at) => {
                let paused = account.disabled_at.is_some();
                account.disabled_at = account.disabled_at.or(Some(*at));
                !paused
            }
            Self::Enable => account.disabled_at.take().is_some(),
            Self::Addresses(list) => {
                let other = account.allowed_ips != *list;
                account.allowed_ips.clone_from(list);
                other
            }
            Self::Plan(plan) => {
                let other = account.terms.plan != *plan;
                account.terms.plan.clone_from(plan);
                other
            }
            Self::Limits(limits) => {
                let other = account.terms.limits != *limits;
                account.terms.limits.clone_from(limits);
                other
            }
            Self::Budget(budget) => {
                let other = account.terms.budget != *budget;
                account.terms.budget = *budget;
                other
            }
            Self::ExternalId(reference) => {
                let other = account.external_id != *reference;
                account.external_id.clone_from(reference);
                other
            }
        }
    }
}

/// What became of making a record whose names must be its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made<T> {
    /// It is there.
    Done(T),
    /// The name, or the operator's reference, is another's.
    Taken,
}

impl<T> Made<T> {
    /// The record, if it is there.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(made) => Some(made),
            Self::Taken => None,
        }
    }
}

/// What became of changing a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed<T> {
    /// There is no such record.
    NotFound,
    /// Something is in the way; nothing was written.
    Refused(Obstacle),
    /// It was committed as this change of the feed, or nothing was left to do.
    Done(FeedHead, T),
}

/// What is in the way of a change of a user or an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The operator's reference is another's.
    Taken,
    /// The user stands for its account in the customer portal, so that links of that account would lead into another.
    Bound,
}

/// A refresh token to be kept.
#[derive(Clone, Debug)]
pub struct NewRefreshToken {
    /// SHA-256 of the whole token.
    pub digest: ApiKeyDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// What became of showing a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spent {
    /// There is no such token.
    Unknown,
    /// It is too old; the id of its session.
    Expired(Box<str>),
    /// Its session is over, or its user is paused; the id of its session.
    Over(Box<str>),
    /// It would count, but its session may not be carried on like this; nothing was written. The id of its session.
    Unfit(Box<str>, Unfit),
    /// It was given to another; nothing was written. The id of its session.
    Foreign(Box<str>),
    /// It was spent before: its session was ended by this change of the feed.
    Reused(FeedHead, Box<JoinedSession>),
    /// It is spent now, and its successor is kept.
    Done(Box<JoinedSession>),
}

/// Why a session may not be carried on as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It has more scopes than fit into a token.
    TooManyScopes,
    /// It was not given a scope that is asked for.
    NotGranted,
}

/// Whether a session may be carried on, as it is now.
pub type Fits<'a> = &'a (dyn Fn(&JoinedSession) -> Result<(), Unfit> + Send + Sync);

/// Who shows a refresh token: each is bound to whom it was given (RFC 6749 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// Nobody who says who they are: a user's own.
    User,
    /// A client that showed this pair's key and its secret.
    Client(&'a str),
    /// Nobody who says who they are, where a client's secret is not asked for.
    Anybody,
}

impl Bearer<'_> {
    /// Whether a session is its own.
    pub fn holds(self, session: &SessionRecord) -> bool {
        match (self, &session.client) {
            (Self::User, client) => client.is_none(),
            (Self::Client(id), client) => client.as_ref().is_some_and(|client| *client.key == *id),
            (Self::Anybody, _) => true,
        }
    }
}

/// A refresh token that somebody shows, and what is to follow it.
#[derive(Clone, Copy, Debug)]
pub struct ShownRefreshToken<'a> {
    /// SHA-256 of the whole token.
    pub digest: &'a ApiKeyDigest,
    /// Who shows it.
    pub bearer: Bearer<'a>,
    /// Its successor.
    pub successor: &'a NewRefreshToken,
}

/// A refresh token as it is kept, with its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRefreshToken {
    /// The session that it carries on.
    pub family: JoinedSession,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// Since when it is spent.
    pub spent_at: Option<Timestamp>,
}

/// What of sessions is past.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// Refresh tokens whose time ended before this.
    pub refresh_tokens: Timestamp,
    /// Sessions by cookie that began before this.
    pub cookies: Timestamp,
}

/// What operations on people ask of a store. Every write is one transaction, its audit event in it.
pub trait People: Send + Sync {
    /// Makes a user, unless its name or reference is taken.
    fn insert_user<'a>(&'a self, user: &'a NewUser, event: &'a AuditEvent) -> Answer<'a, Made<UserRecord>>;
    /// A user by the name that it signs in with.
    fn find_user<'a>(&'a self, username: &'a str) -> Answer<'a, Option<UserRecord>>;
    /// The users that a text may mean, by id, by name, or by the operator's reference.
    fn users_called<'a>(&'a self, who: &'a str) -> Answer<'a, Vec<UserRecord>>;
    /// A user by id, and as of which change of the feed.
    fn user_as_of<'a>(&'a self, id: &'a str) -> Answer<'a, (FeedHead, Option<UserRecord>)>;
    /// Users that fit, newest first.
    fn users<'a>(&'a self, filter: &'a UserFilter, page: &'a Page) -> Answer<'a, Vec<UserRecord>>;
    /// Changes a user, ends its sessions where the change does, and tells the feed. `None`: it is not in a version that was
    /// expected.
    fn change_user_if<'a>(
        &'a self,
        id: &'a str,
        expected: &'a Expected,
        change: &'a UserChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<Changed<UserRecord>>>;
    /// As [`People::change_user_if`], whatever its version.
    fn change_user<'a>(
        &'a self,
        id: &'a str,
        change: &'a UserChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Changed<UserRecord>> {
        let changing = self.change_user_if(id, &Expected::Any, change, event);
        Box::pin(async move { Ok(changing.await?.unwrap_or(Changed::NotFound)) })
    }
    /// Makes an account, unless its name or reference is taken.
    fn insert_account<'a>(
        &'a self,
        account: &'a AccountRecord,
        event: &'a AuditEvent,
    ) -> Answer<'a, Made<AccountRecord>>;
    /// The accounts that a text may mean, by id, by name, or by the operator's reference.
    fn accounts_called<'a>(&'a self, which: &'a str) -> Answer<'a, Vec<AccountRecord>>;
    /// Accounts that fit, newest first.
    fn accounts<'a>(&'a self, filter: &'a AccountFilter, page: &'a Page) -> Answer<'a, Vec<AccountRecord>>;
    /// Changes an account, ends its users' sessions where the change does, and tells the feed. `None`: it is not in a version that was
    /// expected.
    fn change_account_if<'a>(
        &'a self,
        id: &'a str,
        expected: &'a Expected,
        change: &'a AccountChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<Changed<AccountRecord>>>;
    /// As [`People::change_account_if`], whatever its version.
    fn change_account<'a>(
        &'a self,
        id: &'a str,
        change: &'a AccountChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Changed<AccountRecord>> {
        let changing = self.change_account_if(id, &Expected::Any, change, event);
        Box::pin(async move { Ok(changing.await?.unwrap_or(Changed::NotFound)) })
    }
    /// Begins a session of a user who proved to be it, and uses up what was shown beside the password, both or neither.
    fn begin_session<'a>(
        &'a self,
        session: &'a SessionRecord,
        proof: &'a Proof,
        refresh: &'a NewRefreshToken,
        event: &'a AuditEvent,
    ) -> Answer<'a, Begun<JoinedSession>>;
    /// Begins a session by cookie, known by the cookie's digest; otherwise as [`People::begin_session`].
    fn begin_cookie_session<'a>(
        &'a self,
        session: &'a SessionRecord,
        proof: &'a Proof,
        cookie: &'a ApiKeyDigest,
        event: &'a AuditEvent,
    ) -> Answer<'a, Begun<JoinedSession>>;
    /// Begins the session of a client whose pair was verified.
    fn begin_client_session<'a>(
        &'a self,
        session: &'a SessionRecord,
        refresh: &'a NewRefreshToken,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<JoinedSession>>;
    /// A refresh token by its digest, spent or not.
    fn find_refresh_token<'a>(&'a self, digest: &'a ApiKeyDigest) -> Answer<'a, Option<KeptRefreshToken>>;
    /// Spends a refresh token once and keeps its successor, if it is the bearer's and the session that it carries on
    /// `fits`; ends the session of one that was spent before, with `reuse` as the audit event (its subject is filled in
    /// here).
    fn spend_refresh_token<'a>(
        &'a self,
        shown: &'a ShownRefreshToken<'a>,
        fits: Fits<'a>,
        reuse: &'a AuditEvent,
    ) -> Answer<'a, Spent>;
    /// Ends a session and tells the feed.
    fn end_session<'a>(
        &'a self,
        id: &'a str,
        reason: &'static str,
        event: &'a AuditEvent,
    ) -> Answer<'a, Changed<SessionRecord>>;
    /// Sessions in the order of their ids, after one of them (or after none: `""`); of one kind, where one is given.
    fn sessions<'a>(&'a self, by: Option<SessionsBy>, after: &'a str, limit: u32) -> Answer<'a, Vec<SessionRecord>>;
    /// What a user has that can still be carried on at a time, clients' sessions left out; the last begun first. Those by cookie
    /// are among them until they end, used or not.
    fn sessions_of<'a>(&'a self, user: &'a str, at: Timestamp, limit: u32) -> Answer<'a, Vec<SessionRecord>>;
    /// Lets go of what is past, so many of each kind at most, and of the sessions that have no refresh token left by it; how many
    /// tokens and cookies went. Nobody can carry such a session on, so the feed is not told; what happened in it stays in the
    /// audit log.
    fn forget_sessions(&self, past: Past, limit: u32) -> Answer<'_, u64>;
    /// Keeps a signing key and tells the feed.
    fn insert_signing_key<'a>(&'a self, key: &'a SigningKeyRecord, event: &'a AuditEvent) -> Answer<'a, FeedHead>;
    /// Takes a signing key out of those that count, and tells the feed.
    fn retire_signing_key<'a>(
        &'a self,
        id: &'a str,
        at: Timestamp,
        event: &'a AuditEvent,
    ) -> Answer<'a, Changed<SigningKeyRecord>>;
}
