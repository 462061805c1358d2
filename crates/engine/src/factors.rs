//! Second factors: what a user shows beside its password. The records, the changes of them, and the port to where they are kept.
//!
//! A factor has a kind, and counts from when it was confirmed on; of which kinds a user may have several is the kind's own affair.

use keyward_core::digest::ApiKeyDigest;
use keyward_core::time::Timestamp;

use crate::audit::AuditEvent;
use crate::people::PasswordHash;
use crate::ports::{Answer, FeedHead};

/// The one authenticator of a user that makes codes by time (RFC 6238).
#[derive(Clone, PartialEq, Eq)]
pub struct Authenticator {
    /// `fac_…`, random.
    pub id: Box<str>,
    /// Its secret, encrypted with the master key.
    pub sealed: Box<[u8]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it counts.
    pub confirmed_at: Option<Timestamp>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authenticator({}, …)", self.id)
    }
}

/// What a user has beside its password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// Its authenticator, confirmed or not.
    pub authenticator: Option<Authenticator>,
    /// The recovery codes that are left, as they are kept.
    pub recovery_codes: Vec<ApiKeyDigest>,
}

/// A second factor that was shown, and is good once. That it is, and was not used before, is found out in the transaction that
/// uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Second {
    /// The code of a time step of an authenticator, already compared.
    Step {
        /// The authenticator.
        authenticator: Box<str>,
        /// The step.
        step: u64,
    },
    /// A recovery code, as it is kept.
    Recovery(ApiKeyDigest),
}

impl Second {
    /// The word for records.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Step { .. } => "totp",
            Self::Recovery(_) => "recovery",
        }
    }
}

/// What somebody proved who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The password that was found to be right, as it is kept.
    pub password: PasswordHash,
    /// What was shown beside it.
    pub second: Option<Second>,
}

/// What became of beginning a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun<T> {
    /// It began; what was shown beside the password is used up.
    Done(T),
    /// The user is paused, or has another password by now.
    Stale,
    /// The user has a second factor, and none that is good was shown: none at all, one that was used before, or one that is no
    /// more.
    Unproven,
}

impl<T> Begun<T> {
    /// What began, if anything did.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(begun) => Some(begun),
            Self::Stale | Self::Unproven => None,
        }
    }
}

/// A change of what a user has beside its password.
#[derive(Clone, Debug)]
pub enum FactorChange<'a> {
    /// An authenticator that counts once it is confirmed; one that never was gives way to it. Not beside one that counts.
    Begin(&'a Authenticator),
    /// It counts from now on, with recovery codes; the step that confirmed it is used up.
    Confirm {
        /// Which.
        authenticator: &'a str,
        /// The step.
        step: u64,
        /// When.
        at: Timestamp,
        /// Recovery codes, as they are kept.
        codes: &'a [ApiKeyDigest],
    },
    /// Other recovery codes in place of those before, where a factor counts.
    Codes(&'a [ApiKeyDigest]),
    /// Nothing but the password from now on. What was shown is used up; `None`: by an operator.
    Remove(Option<&'a Second>),
}

/// What operations on second factors ask of a store.
pub trait SecondFactors: Send + Sync {
    /// What a user has.
    fn factors<'a>(&'a self, user: &'a str) -> Answer<'a, Factors>;
    /// Changes it and tells the feed of the user. `None`: the state does not allow it, or what was shown is not good; nothing was
    /// written.
    fn change_factors<'a>(
        &'a self,
        user: &'a str,
        change: &'a FactorChange<'a>,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<FeedHead>>;
}
