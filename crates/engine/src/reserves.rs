//! Writing ahead what a quota may admit: what is asked of a store, what it answers, and the one rule that leads from one to
//! the other.

use std::time::Duration;

use keyward_core::time::Timestamp;

/// What a quota may admit, to be written ahead of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The limit, by [`keyward_core::limit::Limit::identity`].
    pub limit: u64,
    /// Whose it is, as text.
    pub subject: Box<str>,
    /// How much more.
    pub more: u32,
    /// What the quota admits in a window.
    pub most: u32,
    /// The window.
    pub window: Duration,
    /// When.
    pub now: Timestamp,
    /// What whoever asks knows of it already.
    pub known: Known,
}

/// What a process knows of a window that it wrote ahead of itself. It watched the window on a clock that nobody sets, so
/// its word counts for more than the wall clock's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It begins here.
    Nothing,
    /// The window runs.
    Running {
        /// Its end as it was written.
        ends_at: Timestamp,
        /// Up to what was written.
        upto: u32,
    },
    /// The window is over.
    Over {
        /// Its end as it was written.
        ended_at: Timestamp,
    },
}

/// What was written ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// When the window ends.
    pub ends_at: Timestamp,
    /// Up to what was written before: whoever does not know what was used of it takes it for used.
    pub before: u32,
    /// Up to what may be admitted now.
    pub upto: u32,
}

/// What was written ahead and not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// The limit.
    pub limit: u64,
    /// Whose it is.
    pub subject: Box<str>,
    /// The end of the window.
    pub ends_at: Timestamp,
    /// What was used.
    pub used: u32,
}

impl Reserve {
    /// What is to be written where this is kept: the end of a window and up to what it may admit. Nobody gains by a wall
    /// clock that is set back: what ran goes on, until a window from now at the latest.
    pub fn after(&self, kept: Option<(Timestamp, u32)>) -> Reserved {
        // The millisecond that readings of the clock cut off: a window is never shorter than it should be.
        let fresh = self.now.after(self.window + Duration::from_millis(1));
        let (ends_at, before) = match (self.known, kept) {
            (Known::Running { ends_at, upto }, None) => (ends_at, upto),
            (Known::Running { ends_at, upto }, Some((end, before))) => (ends_at.max(end), upto.max(before)),
            (Known::Over { ended_at }, Some((end, _))) if end == ended_at => (fresh, 0),
            (_, Some((end, before))) if end > self.now => (end.min(fresh), before),
            _ => (fresh, 0),
        };
        let upto = before.saturating_add(self.more).min(self.most.max(before));
        Reserved { ends_at, before, upto }
    }
}
