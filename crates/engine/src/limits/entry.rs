//! One cell in the table: whose it is, what it holds, and how far a quota that outlives a crash was written ahead.

use std::net::IpAddr;
use std::time::Duration;

use keyward_core::limit::{Cell, Limit, Subject};
use keyward_core::time::{Monotonic, Now};

use super::reserve::{Ask, portion};
use crate::ports::{Known, Reserved, Unused};

/// Whom a cell is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owned {
    Key(Box<str>),
    Principal(Box<str>),
    Account(Box<str>),
    Address(IpAddr),
    Route(Box<str>),
}

impl Owned {
    pub(super) fn of(subject: Subject<'_>) -> Self {
        match subject {
            Subject::Key(id) => Self::Key(id.into()),
            Subject::Principal(id) => Self::Principal(id.into()),
            Subject::Account(id) => Self::Account(id.into()),
            Subject::Address(address) => Self::Address(address),
            Subject::Route(name) => Self::Route(name.into()),
        }
    }

    pub(super) fn borrowed(&self) -> Subject<'_> {
        match self {
            Self::Key(id) => Subject::Key(id),
            Self::Principal(id) => Subject::Principal(id),
            Self::Account(id) => Subject::Account(id),
            Self::Address(address) => Subject::Address(*address),
            Self::Route(name) => Subject::Route(name),
        }
    }

    /// As a store keeps it.
    pub(super) fn text(&self) -> Box<str> {
        self.borrowed().to_string().into()
    }
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    limit: u64,
    subject: Owned,
    pub(super) cell: Cell,
    pub(super) full_at: Monotonic,
    /// Of a quota that outlives a crash: what was written ahead.
    ahead: Option<Reserved>,
    /// More was asked for already.
    asked: bool,
}

impl Entry {
    pub(super) fn new(hash: u64, limit: &Limit, subject: Owned, cell: Cell) -> Self {
        let (identity, full_at) = (limit.identity(), limit.full_at(cell));
        Self { hash, limit: identity, subject, cell, full_at, ahead: None, asked: false }
    }

    /// Of a quota that nothing was known of: whatever was written ahead before may have been used.
    pub(super) fn kept(ask: &Ask, reserved: Reserved, now: Now) -> Self {
        let (cell, full_at) = begun(reserved, ask.window, now);
        let subject = ask.subject.clone();
        Self { hash: ask.hash, limit: ask.limit, subject, cell, full_at, ahead: Some(reserved), asked: false }
    }

    /// Learns what was written ahead: more of the window that runs, or another window.
    pub(super) fn learn(&mut self, reserved: Reserved, window: Duration, now: Now) {
        if self.ahead.is_none_or(|ahead| ahead.ends_at != reserved.ends_at) {
            (self.cell, self.full_at) = begun(reserved, window, now);
        }
        self.ahead = Some(reserved);
        self.asked = false;
    }

    /// It may be asked for again.
    pub(super) fn learn_nothing(&mut self) {
        self.asked = false;
    }

    pub(super) fn is(&self, hash: u64, limit: u64, subject: Subject<'_>) -> bool {
        self.hash == hash && self.limit == limit && self.subject.borrowed() == subject
    }

    pub(super) fn set(&mut self, limit: &Limit, cell: Cell) {
        (self.cell, self.full_at) = (cell, limit.full_at(cell));
    }

    /// Whether what a charge makes of the cell was written ahead.
    pub(super) fn is_ahead_of(&self, after: Cell) -> bool {
        match (self.ahead, after) {
            (Some(ahead), Cell::Window { ends, used }) => ends == self.full_at && used <= ahead.upto,
            _ => false,
        }
    }

    /// What is known of what was written ahead, by a clock that nobody sets.
    pub(super) fn known(&self, now: Monotonic) -> Known {
        match self.ahead {
            None => Known::Nothing,
            Some(ahead) if now < self.full_at => Known::Running { ends_at: ahead.ends_at, upto: ahead.upto },
            Some(ahead) => Known::Over { ended_at: ahead.ends_at },
        }
    }

    /// What is known, when no more than half of a portion is left and nobody asked for more yet.
    pub(super) fn wants_more(&mut self, limit: &Limit) -> Option<Known> {
        let (Some(Reserved { ends_at, upto, .. }), Cell::Window { used, .. }) = (self.ahead, self.cell) else {
            return None;
        };
        let most = limit.requests();
        let is_low = upto.saturating_sub(used) <= portion(most) / 2;
        if self.asked || !is_low || upto >= most {
            return None;
        }
        self.asked = true;
        Some(Known::Running { ends_at, upto })
    }

    /// What of a kept quota was not used, as long as its window runs.
    pub(super) fn unused(&self, now: Monotonic) -> Option<Unused> {
        let (Some(Reserved { ends_at, upto, .. }), Cell::Window { used, .. }) = (self.ahead, self.cell) else {
            return None;
        };
        let is_some = used < upto && now < self.full_at;
        is_some.then(|| Unused { limit: self.limit, subject: self.subject.text(), ends_at, used })
    }
}

/// A window as this process sees it: its end on its own clock. It is never longer than a window, whatever the other clock
/// says.
fn begun(reserved: Reserved, window: Duration, now: Now) -> (Cell, Monotonic) {
    let left = reserved.ends_at.as_millis().saturating_sub(now.wall.as_millis());
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default()).min(window + Duration::from_millis(1));
    let ends = now.monotonic.after(left);
    (Cell::Window { ends, used: reserved.before }, ends)
}
