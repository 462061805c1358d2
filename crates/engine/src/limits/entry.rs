//! One cell in the table: whose it is, what it holds, and how far a quota that outlives a crash was written ahead.

use std::net::IpAddr;
use std::num::NonZeroU32;

use keyward_core::limit::{Cell, Demand, Limit, Subject};
use keyward_core::time::{Monotonic, Now};

use super::reserve::{Ask, portion};
use crate::ports::Reserved;

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
        match self {
            Self::Key(id) => format!("key {id}").into(),
            Self::Principal(id) => format!("principal {id}").into(),
            Self::Account(id) => format!("account {id}").into(),
            Self::Address(address) => format!("address {address}").into(),
            Self::Route(name) => format!("route {name}").into(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    limit: u64,
    subject: Owned,
    pub(super) cell: Cell,
    pub(super) full_at: Monotonic,
    ahead: Option<Reserved>,
    /// More was asked for already.
    pub(super) asked: bool,
}

impl Entry {
    pub(super) fn new(hash: u64, limit: &Limit, subject: Owned, cell: Cell) -> Self {
        let (identity, full_at) = (limit.identity(), limit.full_at(cell));
        Self { hash, limit: identity, subject, cell, full_at, ahead: None, asked: false }
    }

    /// Of a quota that nothing was known of: whatever was written ahead before may have been used.
    pub(super) fn kept(ask: &Ask, reserved: Reserved, now: Now) -> Self {
        let (cell, full_at) = begun(reserved, now);
        let subject = ask.subject.clone();
        Self { hash: ask.hash, limit: ask.limit, subject, cell, full_at, ahead: Some(reserved), asked: false }
    }

    /// Learns what was written ahead: more of the window that runs, or another window.
    pub(super) fn learn(&mut self, reserved: Reserved, now: Now) {
        if self.ahead.is_none_or(|ahead| ahead.ends_at != reserved.ends_at) {
            (self.cell, self.full_at) = begun(reserved, now);
        }
        self.ahead = Some(reserved);
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
        match (self.ahead, self.cell, after) {
            (Some(ahead), Cell::Window { ends: now_ends, .. }, Cell::Window { ends, used }) => {
                now_ends == ends && used <= ahead.upto
            }
            _ => false,
        }
    }

    /// The window that was written ahead, if it is over.
    pub(super) fn over(&self, now_ends: Monotonic) -> Option<Reserved> {
        self.ahead.filter(|_| self.full_at != now_ends)
    }

    /// What to write ahead when half of a portion is left.
    pub(super) fn wants_more(&mut self, demand: &Demand<'_>, cost: NonZeroU32) -> Option<Ask> {
        let (Some(ahead), Cell::Window { used, .. }) = (self.ahead, self.cell) else { return None };
        let most = demand.limit.requests();
        let is_low = ahead.upto.saturating_sub(used) <= portion(most) / 2;
        if self.asked || !is_low || ahead.upto >= most {
            return None;
        }
        self.asked = true;
        Some(Ask::of(demand, self.hash, cost, None))
    }

    /// What of a kept quota was used, as long as its window runs.
    pub(super) fn used(&self, now: Monotonic) -> Option<(u64, Box<str>, Reserved)> {
        let (Some(ahead), Cell::Window { used, .. }) = (self.ahead, self.cell) else { return None };
        (now < self.full_at).then(|| (self.limit, self.subject.text(), Reserved { upto: used, ..ahead }))
    }
}

/// A window as this process sees it: its end on its own clock.
fn begun(reserved: Reserved, now: Now) -> (Cell, Monotonic) {
    let left = reserved.ends_at.as_millis().saturating_sub(now.wall.as_millis());
    let left = std::time::Duration::from_millis(u64::try_from(left).unwrap_or_default());
    let ends = now.monotonic.after(left);
    (Cell::Window { ends, used: reserved.before }, ends)
}
