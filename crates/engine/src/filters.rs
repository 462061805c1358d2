//! Which records a listing asks a store for.

use keyward_core::time::Timestamp;

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
}
