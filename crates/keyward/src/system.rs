//! The machine's own clock and randomness behind the engine's ports; nothing else reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::ports::{Clock, Random};

/// The machine's clocks.
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic side starts now, at one second: zero means "never" elsewhere.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            wall: Timestamp::from_millis(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)),
            monotonic: self.monotonic(),
        }
    }

    fn monotonic(&self) -> Monotonic {
        let nanos = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Monotonic::from_nanos(nanos.saturating_add(1_000_000_000))
    }
}

/// The operating system's generator.
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the generator that everything else asks")]
    fn fill(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            // Without randomness every key made from here on could be guessed: stop rather than go on.
            crate::terminal::warn_line("keyward: the operating system gives no random bytes; stopping");
            std::process::abort();
        }
    }
}
