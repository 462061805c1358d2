//! One-time links: what is kept of them, and the port to where that is.

use keyward_core::api_key::Owner;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::session::SessionRecord;
use keyward_core::time::Timestamp;

use crate::audit::AuditEvent;
use crate::people::{PasswordHash, UserRecord};
use crate::ports::{Answer, FeedHead, JoinedSession, NewUser};

/// A link to be kept. Whoever has its token is let in once.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// SHA-256 of the whole token.
    pub digest: ApiKeyDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// A link by which a user sets its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Whom it invites.
    pub user: UserRecord,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// What operations on links ask of a store.
pub trait Links: Send + Sync {
    /// Keeps an invitation of a user, in place of the one before. `false`: there is no such user, or it is paused; nothing was
    /// written.
    fn invite<'a>(&'a self, user: &'a str, link: &'a NewLink, event: &'a AuditEvent) -> Answer<'a, bool>;
    /// The invitation that a digest is of, used by nobody and ended by nothing; it may be too old.
    fn invitation<'a>(&'a self, digest: &'a ApiKeyDigest) -> Answer<'a, Option<Invitation>>;
    /// Uses up an invitation and gives its user the password, both or neither; its sessions end, and the feed is told. `None`: it
    /// does not count any more at the time of the event; nothing was written.
    fn accept_invitation<'a>(
        &'a self,
        digest: &'a ApiKeyDigest,
        password: &'a PasswordHash,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<FeedHead>>;
    /// The user who stands for an account in the customer portal: made as `new` where there is none yet, with the event. `None`:
    /// there is no such account, or the name of `new` is another's; nothing was written.
    fn portal_user<'a>(
        &'a self,
        account: &'a str,
        new: &'a NewUser,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<Owner>>;
    /// Keeps a link to the portal. `false`: there is no such user, or it is paused; nothing was written.
    fn keep_portal_link<'a>(&'a self, user: &'a str, link: &'a NewLink, event: &'a AuditEvent) -> Answer<'a, bool>;
    /// Whom a link to the portal lets in, as long as nobody has used it; it may be too old.
    fn portal_link<'a>(&'a self, digest: &'a ApiKeyDigest) -> Answer<'a, Option<Owner>>;
    /// Uses up a link and begins the session of its user, both or neither. `None`: it does not count when the session begins;
    /// nothing was written.
    fn begin_portal_session<'a>(
        &'a self,
        session: &'a SessionRecord,
        link: &'a ApiKeyDigest,
        cookie: &'a ApiKeyDigest,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<JoinedSession>>;
}
