//! Whether the store answers, asked once for all who want to know at about the same time: strangers may ask, too.

use std::future::Future;
use std::time::Duration;

use keyward_core::time::Monotonic;
use keyward_engine::node::FILL;
use keyward_engine::ports::Clock;
use tokio::sync::Mutex;

/// How long an answer serves those who come after it.
const GOOD_FOR: Duration = Duration::from_millis(100);

/// The store's last answer, and when it came.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<Option<(Monotonic, bool)>>);

impl Pulse {
    /// Whether the store answers, by `ping`, as soon as a request may wait for it.
    ///
    /// Who comes while it is asked waits for that answer: a store that hangs is waited for once, not once by each.
    pub async fn ask<E>(&self, clock: &dyn Clock, ping: impl Future<Output = Result<(), E>>) -> bool {
        let mut last = self.0.lock().await;
        if let Some((_, answers)) = last.filter(|(at, _)| clock.now().monotonic.since(*at) < GOOD_FOR) {
            return answers;
        }
        let answers = matches!(tokio::time::timeout(FILL, ping).await, Ok(Ok(())));
        *last = Some((clock.now().monotonic, answers));
        answers
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    use keyward_core::time::{Now, Timestamp};

    use super::*;

    #[derive(Default)]
    struct Milliseconds(AtomicU64);

    impl Clock for Milliseconds {
        fn now(&self) -> Now {
            let monotonic = Monotonic::from_nanos(self.0.load(Ordering::Relaxed) * 1_000_000);
            Now { wall: Timestamp::from_millis(0), monotonic }
        }
    }

    #[tokio::test]
    async fn one_answer_serves_all_who_ask_within_a_while() {
        let (pulse, clock, asked) = (Pulse::default(), Milliseconds::default(), Cell::new(0));
        let ping = async |answer: Result<(), ()>| {
            asked.set(asked.get() + 1);
            // Whoever else asks comes now.
            tokio::task::yield_now().await;
            answer
        };
        let all = tokio::join!(
            pulse.ask(&clock, ping(Ok(()))),
            pulse.ask(&clock, ping(Err(()))),
            pulse.ask(&clock, ping(Err(())))
        );
        assert_eq!((all, asked.get()), ((true, true, true), 1));
        // at, what the store says | the answer, how often it was asked
        for (at, says, answer, count) in
            [(99, Err(()), true, 1), (100, Err(()), false, 2), (199, Ok(()), false, 2), (200, Ok(()), true, 3)]
        {
            clock.0.store(at, Ordering::Relaxed);
            assert_eq!((pulse.ask(&clock, ping(says)).await, asked.get()), (answer, count), "at {at} ms");
        }
    }
}
