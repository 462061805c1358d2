//! Lineage: whose change a remembered credential must feel, without an index of who has which credential.
//!
//! Each id falls into one of many buckets, and a bucket knows the number of the last change to any id in it. What was
//! read before that change is not believed any more. Two ids in one bucket cost a question too many, never one too few.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// How many bits name a bucket.
const BITS: u32 = 12;
/// How many buckets.
const BUCKETS: usize = 1 << BITS;
/// How many ids a credential rests on at most.
const IDS: u32 = 5;

/// The buckets of the ids that a credential rests on: session, user, key, accounts. Five times twelve bits of one number,
/// because a slot of memory has no room for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lineage(u64);

impl Lineage {
    /// From ids; at most five.
    pub fn of<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut ids = ids.into_iter().map(bucket);
        // The first id stands in for those that are missing.
        let Some(first) = ids.next() else { return Self::default() };
        let rest = ids.chain(std::iter::repeat(first)).take(IDS as usize - 1);
        Self(rest.fold(first, |packed, bucket| packed << BITS | bucket))
    }

    fn buckets(self) -> impl Iterator<Item = usize> {
        (0..IDS).map(move |place| usize::try_from(self.0 >> (place * BITS)).unwrap_or_default() % BUCKETS)
    }
}

fn bucket(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish() % BUCKETS as u64
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
        if let Some(last) = self.buckets.get_mut(usize::try_from(bucket(id)).unwrap_or_default()) {
            *last = position.max(*last);
        }
        self.last = position.max(self.last);
    }

    /// Whether what was read at a place in the feed still holds for a lineage. Allocates nothing.
    pub fn holds(&self, lineage: Lineage, position: u64) -> bool {
        let is_older = |bucket: usize| self.buckets.get(bucket).is_some_and(|last| *last <= position);
        self.last <= position || lineage.buckets().all(is_older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_any_ancestor_ends_what_was_read_before_it() {
        let ids = ["ses_1", "user_1", "key_1", "acc_1", "acc_2"];
        for (lineage, id) in (1..=ids.len()).flat_map(|count| {
            let lineage = Lineage::of(ids.into_iter().take(count));
            ids.into_iter().take(count).map(move |id| (lineage, id))
        }) {
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
