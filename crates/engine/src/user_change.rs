//! Changes of one user as values, and which of its sessions end by them.

use keyward_core::time::Timestamp;

use crate::people::{PasswordHash, UserRecord};

/// A change of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Pause; its sessions end.
    Disable(Timestamp),
    /// End of a pause; its keys count again, its sessions do not.
    Enable,
    /// Another password; its sessions end. The first field is when.
    Password(Timestamp, PasswordHash),
    /// Another password, given by its owner, who goes on in one session; all others of the user end. Nothing, where it has
    /// another by now.
    OwnPassword {
        /// When.
        at: Timestamp,
        /// The hash that it was verified by.
        from: PasswordHash,
        /// The new one.
        to: PasswordHash,
        /// The id of the session.
        session: Box<str>,
    },
    /// Its sessions end; nothing else is changed.
    SignOut(Timestamp),
    /// The same password, hashed anew; sessions go on. Nothing, where it has another by now.
    Renew {
        /// The hash that it was verified by.
        from: PasswordHash,
        /// The new one.
        to: PasswordHash,
    },
    /// Other roles.
    Roles(Vec<Box<str>>),
    /// Another account, or none: its keys go along, but for those that are of yet another. Its sessions go on, unless the account
    /// that it comes to is paused. The first field is when.
    Account(Timestamp, Option<Box<str>>),
    /// Another reference of an operator's, or none.
    ExternalId(Option<Box<str>>),
}

impl UserChange {
    /// Applies the change to a record. `false`: it is so already, nothing to write. What another account is like the store reads:
    /// the record has the one before until then.
    pub fn apply(&self, user: &mut UserRecord) -> bool {
        match self {
            Self::Disable(at) => {
                let paused = user.owner.disabled_at.is_some();
                user.owner.disabled_at = user.owner.disabled_at.or(Some(*at));
                !paused
            }
            Self::Enable => user.owner.disabled_at.take().is_some(),
            Self::Password(_, hash) => {
                user.password = Some(hash.clone());
                true
            }
            Self::SignOut(_) => true,
            Self::Renew { from, to } | Self::OwnPassword { from, to, .. } => {
                let is_same = user.password.as_ref() == Some(from);
                if is_same {
                    user.password = Some(to.clone());
                }
                is_same
            }
            Self::Roles(roles) => {
                let other = user.owner.roles != *roles;
                user.owner.roles.clone_from(roles);
                other
            }
            Self::Account(_, account) => user.owner.account.as_ref().map(|own| &own.id) != account.as_ref(),
            Self::ExternalId(reference) => {
                let other = user.external_id != *reference;
                user.external_id.clone_from(reference);
                other
            }
        }
    }

    /// What the audit log is told of the record as it was, read in the transaction of the change.
    pub fn told_of(&self, before: &UserRecord) -> Option<(&'static str, Box<str>)> {
        match self {
            Self::Roles(_) => Some(("before", before.owner.roles.join(" ").into())),
            Self::Account(..) => before.owner.account.as_ref().map(|account| ("before", account.id.clone())),
            Self::ExternalId(_) => before.external_id.as_ref().map(|reference| ("before", reference.clone())),
            _ => None,
        }
    }

    /// Whether a link by which the user might set its password ends by it.
    pub fn ends_invitation(&self) -> bool {
        matches!(self, Self::Disable(_) | Self::Password(..) | Self::OwnPassword { .. })
    }

    /// Which of the user's sessions end by it, of the user as it is then. A password ends what it began, and nothing of what a key
    /// did; a pause ends all, and so does an account that is paused.
    pub fn ends_sessions(&self, after: &UserRecord) -> Option<Ending<'_>> {
        let (at, reason) = match self {
            Self::Disable(at) => (at, "user disabled"),
            Self::Account(at, _) if after.owner.is_paused() => (at, "account disabled"),
            Self::Password(at, _) | Self::OwnPassword { at, .. } => (at, "password changed"),
            Self::SignOut(at) => (at, "signed out everywhere"),
            Self::Enable | Self::Renew { .. } | Self::Roles(_) | Self::Account(..) | Self::ExternalId(_) => {
                return None;
            }
        };
        let but = match self {
            Self::OwnPassword { session, .. } => Some(&**session),
            _ => None,
        };
        Some(Ending { at: *at, reason, clients: matches!(self, Self::Disable(_) | Self::Account(..)), but })
    }
}

/// Sessions of a user that end together.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// When.
    pub at: Timestamp,
    /// Why, in a word.
    pub reason: &'static str,
    /// Whether what was issued to clients with keys of the user ends as well.
    pub clients: bool,
    /// The one that goes on.
    pub but: Option<&'a str>,
}
