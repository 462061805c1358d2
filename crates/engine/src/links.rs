//! One-time links: what is kept of them, and the port to where that is.

use keyward_core::digest::ApiKeyDigest;
use keyward_core::time::Timestamp;

use crate::audit::AuditEvent;
use crate::people::{PasswordHash, UserRecord};
use crate::ports::{Answer, FeedHead};

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
}
