//! Which records a listing asks a store for, and in which order.

use keyward_core::principal::Mode;
use keyward_core::time::Timestamp;

use crate::ports::Joined;

/// Which records of the audit log to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By this actor.
    pub actor: Option<Box<str>>,
    /// This action.
    pub action: Option<Box<str>>,
    /// To this subject.
    pub subject: Option<Box<str>>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// With smaller numbers than this.
    pub before: Option<u64>,
    /// At most this many.
    pub limit: u32,
}

/// A page of a listing: newest first.
#[derive(Clone, Debug)]
pub struct Page {
    /// The last entry of the page before: its creation time and id.
    pub after: Option<(Timestamp, Box<str>)>,
    /// At most this many.
    pub limit: u32,
}

impl Page {
    /// The place after which the page begins, as time and id; later than any record where it is the first.
    pub fn place(&self) -> (i64, &str) {
        // Ids are ASCII.
        self.after.as_ref().map_or((i64::MAX, "\u{10ffff}"), |(time, id)| (time.as_millis(), &**id))
    }
}

/// Which keys to list; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Of this user, by id.
    pub owner: Option<Box<str>>,
    /// Of this account, by id.
    pub account: Option<Box<str>>,
    /// Not accepted since this time. One that never was counts from when it was made.
    pub unused_since: Option<Timestamp>,
    /// Made before this time.
    pub made_before: Option<Timestamp>,
    /// Neither revoked nor past its end at this time.
    pub living_at: Option<Timestamp>,
    /// With this text in its name, id, prefix or reference, or, where no owner is given, in its owner's name, id or reference.
    /// ASCII letters count in either case; no character stands for others.
    pub search: Option<Box<str>>,
    /// In this state at this time.
    pub status: Option<(KeyStatus, Timestamp)>,
    /// Of this mode.
    pub mode: Option<Mode>,
}

/// What state a key is in: the first of these that it is, from below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It counts.
    Active,
    /// It is past its end.
    Expired,
    /// It, its owner or an account of theirs is paused.
    Disabled,
    /// It is refused for ever.
    Revoked,
}

impl KeyStatus {
    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "active" => Self::Active,
            "expired" => Self::Expired,
            "disabled" => Self::Disabled,
            "revoked" => Self::Revoked,
            _ => return None,
        })
    }
}

/// By what keys are listed; those that have it in common by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOrder {
    /// When they were made.
    #[default]
    Created,
    /// Their name, ASCII letters in either case.
    Name,
    /// When they were last accepted; never is before all.
    LastUsed,
    /// From when on they are refused; never is after all.
    Expires,
}

/// Where a key stands by a [`KeyOrder`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// By a time, in milliseconds.
    Time(i64),
    /// By a name.
    Name(Box<str>),
}

impl KeyOrder {
    /// Where a key stands.
    pub fn place(self, key: &Joined) -> KeyPlace {
        let key = &key.key;
        match self {
            Self::Created => KeyPlace::Time(key.created_at.as_millis()),
            Self::Name => KeyPlace::Name(key.name.clone()),
            Self::LastUsed => KeyPlace::Time(key.last_used_at.map_or(i64::MIN, Timestamp::as_millis)),
            Self::Expires => KeyPlace::Time(key.expires_at.map_or(i64::MAX, Timestamp::as_millis)),
        }
    }
}

/// A page of keys.
#[derive(Clone, Debug)]
pub struct KeyPage {
    /// By what.
    pub order: KeyOrder,
    /// Whether the least comes first.
    pub ascending: bool,
    /// The last key of the page before: where it stands, and its id.
    pub after: Option<(KeyPlace, Box<str>)>,
    /// At most this many.
    pub limit: u32,
}

impl KeyPage {
    /// The newest.
    pub const fn first(limit: u32) -> Self {
        Self { order: KeyOrder::Created, ascending: false, after: None, limit }
    }
}

/// Which users to list; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// With this text in its name, id or reference, as of [`KeyFilter::search`].
    pub search: Option<Box<str>>,
    /// Of this account, by id.
    pub account: Option<Box<str>>,
    /// Whether it, or its account, is paused.
    pub paused: Option<bool>,
    /// With this role.
    pub role: Option<Box<str>>,
}

/// Which accounts to list; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// With this text in its name, id or reference, as of [`KeyFilter::search`].
    pub search: Option<Box<str>>,
    /// With this reference.
    pub external_id: Option<Box<str>>,
    /// On this plan, by the name that it was given.
    pub plan: Option<Box<str>>,
    /// Whether it is paused.
    pub paused: Option<bool>,
}

/// By what sessions are carried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionsBy {
    /// A cookie of a browser.
    Cookie,
    /// Tokens.
    Tokens,
}
