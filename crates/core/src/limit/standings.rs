//! Where a request's subjects stand with its limits, packed: it goes with every permit.

use std::time::Duration;

use super::{LimitId, Standing};

/// How many are at hand; as many as most routes name, or more.
const AT_HAND: usize = 4;

/// Where a request's subjects stand with the limits that it was charged to. It goes with every permit, so it is small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    at_hand: [Packed; AT_HAND],
    count: u32,
    more: Vec<Packed>,
}

impl FromIterator<Standing> for Standings {
    fn from_iter<T: IntoIterator<Item = Standing>>(all: T) -> Self {
        let mut standings = Self::default();
        all.into_iter().for_each(|standing| standings.push(standing));
        standings
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Packed {
    limit: u32,
    remaining: u32,
    reset: u64,
}

impl Standings {
    /// Adds one.
    pub fn push(&mut self, standing: Standing) {
        let Standing { limit, remaining, reset } = standing;
        let reset = u64::try_from(reset.as_nanos()).unwrap_or(u64::MAX);
        // Configurations have far fewer limits.
        let packed = Packed { limit: u32::try_from(limit.0).unwrap_or(u32::MAX), remaining, reset };
        let place = self.count();
        match self.at_hand.get_mut(place) {
            Some(place) => *place = packed,
            None => self.more.push(packed),
        }
        self.count += 1;
    }

    /// Whether nothing was charged.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All, in the order of the charges.
    pub fn iter(&self) -> impl Iterator<Item = Standing> {
        self.at_hand.iter().take(self.count()).chain(&self.more).map(|packed| Standing {
            limit: LimitId(usize::try_from(packed.limit).unwrap_or(usize::MAX)),
            remaining: packed.remaining,
            reset: Duration::from_nanos(packed.reset),
        })
    }

    fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }
}
