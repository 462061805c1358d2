//! Lineage: whose change a remembered credential must feel, without an index of who has which credential.
//!
//! Each id falls into one of many buckets, and a bucket knows the number of the last change to any id in it. What was
//! read before that change is not believed any more. Two ids in one bucket cost a question too many, never one too few.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// How many buckets.
const BUCKETS: usize = 4096;

/// The buckets of the ids that a credential rests on: user, accounts, session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lineage([u16; 4]);

impl Lineage {
    /// From ids; at most four.
    pub fn of<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut buckets = [0; 4];
        let mut ids = ids.into_iter();
        // The first id stands in for those that are missing.
        let Some(first) = ids.next().map(bucket) else { return Self(buckets) };
        buckets.fill(first);
        for (slot, id) in buckets.iter_mut().skip(1).zip(ids) {
            *slot = bucket(id);
        }
        Self(buckets)
    }
}

fn bucket(id: &str) -> u16 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    u16::try_from(hasher.finish() % BUCKETS as u64).unwrap_or_default()
}

/// The last change in each bucket, and in any.
#[derive(Debug)]
pub struct Touched {
    buckets: Box<[u64]>,
    last: u64,
}

impl Touched {
    /// Nothing newer than a place in the feed.
    pub fn at(position: u64) -> Self {
        Self { buckets: vec![position; BUCKETS].into(), last: position }
    }

    /// Something changed.
    pub fn touch(&mut self, id: &str, position: u64) {
        if let Some(last) = self.buckets.get_mut(usize::from(bucket(id))) {
            *last = position.max(*last);
        }
        self.last = position.max(self.last);
    }

    /// Whether what was read at a place in the feed still holds for a lineage. Allocates nothing.
    pub fn holds(&self, lineage: Lineage, position: u64) -> bool {
        let is_older = |bucket: &u16| self.buckets.get(usize::from(*bucket)).is_some_and(|last| *last <= position);
        self.last <= position || lineage.0.iter().all(is_older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_any_ancestor_ends_what_was_read_before_it() {
        let lineage = Lineage::of(["user_1", "acc_1", "ses_1"]);
        for id in ["user_1", "acc_1", "ses_1"] {
            let mut touched = Touched::at(7);
            assert!(touched.holds(lineage, 7) && !touched.holds(lineage, 6));
            touched.touch(id, 9);
            assert!(!touched.holds(lineage, 8), "{id}");
            assert!(touched.holds(lineage, 9), "{id}");
            touched.touch(id, 8);
            assert!(!touched.holds(lineage, 8), "an older change that comes late takes nothing back");
        }
    }
}
