//! Where a request's subjects stand with its limits, packed: it goes with every permit.

use std::time::Duration;

use super::{LimitId, MOST, Standing};

/// Where a request's subjects stand with the limits that it was charged to. It goes with every permit, so it is small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    all: [Packed; MOST],
    count: u32,
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
    /// Adds one; over [`MOST`], which configurations cannot name, it is left out.
    pub fn push(&mut self, standing: Standing) {
        let Standing { limit, remaining, reset } = standing;
        let reset = u64::try_from(reset.as_nanos()).unwrap_or(u64::MAX);
        let place = usize::try_from(self.count).ok().and_then(|count| self.all.get_mut(count));
        if let (Some(place), Ok(limit)) = (place, u32::try_from(limit.0)) {
            *place = Packed { limit, remaining, reset };
            self.count += 1;
        }
    }

    /// Whether nothing was charged.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All, in the order of the charges.
    pub fn iter(&self) -> impl Iterator<Item = Standing> {
        let count = usize::try_from(self.count).unwrap_or_default();
        self.all.iter().take(count).map(|packed| Standing {
            limit: LimitId(usize::try_from(packed.limit).unwrap_or(usize::MAX)),
            remaining: packed.remaining,
            reset: Duration::from_nanos(packed.reset),
        })
    }
}
