//! The ports to time and chance.

use keyward_core::time::{Monotonic, Now};

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// Both clocks at once.
    fn now(&self) -> Now;

    /// The one that nobody sets, alone: for spans.
    fn monotonic(&self) -> Monotonic {
        self.now().monotonic
    }
}

/// Where randomness comes from.
pub trait Random: Send + Sync {
    /// Fills a buffer with bytes that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}
