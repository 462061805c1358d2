//! What is kept beside a credential, because it is at hand with every request that shows it: how upstreams are told of it, as
//! bytes that a door makes once, how often one core has counted it, and the way to the cells of its limits.

use std::any::Any;
use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// How many ways to cells are kept; who is charged to more limits than that is looked up for the others.
const WAYS: usize = 2;

/// A cell, of a type that only its keeper knows.
pub type Kept = Arc<dyn Any + Send + Sync>;

/// What a door wrote by one version of the configuration, what a core counted, and where limits count it. It says nothing that
/// the credential does not, so it is equal to any other, and a copy begins without it.
#[derive(Default)]
pub struct Written {
    /// By whom and as what it is counted in the upper half, how often in the lower; 0: by nobody.
    counted: AtomicU64,
    bytes: OnceLock<(u64, Box<[u8]>)>,
    /// Each by the identity of its limit.
    cells: [OnceLock<(u64, Kept)>; WAYS],
}

impl Written {
    /// What `write` gives, kept by the first version that asks. Another version names things otherwise: it gets its own, and
    /// nothing of it is kept.
    pub fn by(&self, version: u64, write: impl Fn() -> Box<[u8]>) -> Cow<'_, [u8]> {
        match self.bytes.get_or_init(|| (version, write())) {
            (by, bytes) if *by == version => Cow::Borrowed(bytes),
            _ => Cow::Owned(write().into()),
        }
    }

    /// One of each line of the bytes, if they were made: read, all of them are on their way to the processor.
    pub(crate) fn touch(&self) -> u8 {
        let bytes = self.bytes.get().map_or(&[][..], |(_, bytes)| bytes);
        bytes.iter().step_by(64).fold(0, |all, byte| all ^ byte)
    }

    /// The cell that a limit counts this credential in, if the way there is known.
    pub fn cell(&self, limit: u64) -> Option<&Kept> {
        self.cells().find_map(|(by, cell)| (*by == limit).then_some(cell))
    }

    /// Remembers the way to a cell; whether there was room for it. The cell must be the limit's for this credential as long as
    /// either lives.
    pub fn keep_cell(&self, limit: u64, cell: Kept) -> bool {
        let mut left = (limit, cell);
        for place in &self.cells {
            match place.set(left) {
                Ok(()) => return true,
                Err(back) => left = back,
            }
        }
        false
    }

    /// The cells to which the way is known.
    pub fn cells(&self) -> impl Iterator<Item = &(u64, Kept)> {
        self.cells.iter().map_while(OnceLock::get)
    }

    /// Counts one more, where this is counted as that; otherwise not.
    pub fn count(&self, who: NonZeroU32) -> bool {
        let before = self.counted.load(Ordering::Relaxed);
        let (counted, count) = parts(before);
        // Whoever counts is one thread; the exchange fails where two of them are at it, and one then counts elsewhere.
        counted == who.get()
            && count != u32::MAX
            && self.counted.compare_exchange(before, before + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Counts the first, where nobody counts it as anything. Whoever did so must [`Written::take`] it some day.
    pub fn begin(&self, who: NonZeroU32) -> bool {
        let first = u64::from(who.get()) << 32 | 1;
        self.counted.compare_exchange(0, first, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// By whom and as what it was counted, and how often; from here on it is counted by nobody.
    pub fn take(&self) -> Option<(NonZeroU32, u32)> {
        let (who, count) = parts(self.counted.swap(0, Ordering::Relaxed));
        Some((NonZeroU32::new(who)?, count))
    }
}

/// The halves of a number.
fn parts(number: u64) -> (u32, u32) {
    let low = number & u64::from(u32::MAX);
    (u32::try_from(number >> 32).unwrap_or_default(), u32::try_from(low).unwrap_or_default())
}

impl Clone for Written {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Written {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Written {}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_gets_its_own() {
        let written = Written::default();
        let bytes = |text: &str| text.as_bytes().into();
        assert_eq!(&*written.by(1, || bytes("one")), b"one");
        assert_eq!(&*written.by(1, || bytes("other")), b"one", "kept");
        assert_eq!(&*written.by(2, || bytes("two")), b"two");
        assert_eq!(&*written.by(1, || bytes("other")), b"one");
        assert_eq!(&*written.clone().by(2, || bytes("three")), b"three", "a copy begins without");
    }

    #[test]
    fn one_counts_it_at_a_time_and_as_one_thing() {
        let (one, other) = (NonZeroU32::MIN, NonZeroU32::MAX);
        let written = Written::default();
        assert!(!written.count(one), "nobody began");
        assert!(written.begin(one) && written.count(one));
        assert!(!written.begin(other) && !written.count(other), "another counts elsewhere");
        assert_eq!(written.clone().take(), None, "a copy begins without");
        assert_eq!(written.take(), Some((one, 2)));
        assert_eq!(written.take(), None);
        assert!(written.begin(other));
        written.counted.store(u64::MAX, Ordering::Relaxed);
        assert!(!written.count(other), "full");
        assert_eq!(written.take(), Some((other, u32::MAX)));
    }
}
