//! Whether an address is well: taken out after some failures in a row for a while that grows, tried again by one request at a
//! time. Active checks, where there are any, take it out and bring it back, too. Time comes in, in milliseconds.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

/// Failures in a row that take an address out.
const FAILURES: u32 = 3;
/// How long an address is left out first, in milliseconds; twice as long each time after.
const FIRST: u64 = 1_000;
/// How long it is left out at most.
const LONGEST: u64 = 60_000;
/// How long one request has to find out whether an address is back, before another may try.
const PROBE: u64 = 10_000;
/// Active checks in a row that must fail, or succeed, to count.
const CHECKS: (i32, i32) = (3, 2);

/// What is known of one address. Cores share it; nothing else hangs on the order in which they see it change.
#[derive(Debug)]
pub struct Health {
    seed: u64,
    failures: AtomicU32,
    /// 0: it is in.
    out_until: AtomicU64,
    probing: AtomicBool,
    ill: AtomicBool,
    /// Active checks in a row: good ones above 0, bad ones below.
    row: AtomicI32,
}

/// Where an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It takes requests.
    In,
    /// It was left out for long enough: one request may try it.
    Returning,
    /// It takes none.
    Out,
}

impl Health {
    /// Of an address that nothing is known of.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            failures: AtomicU32::new(0),
            out_until: AtomicU64::new(0),
            probing: AtomicBool::new(false),
            ill: AtomicBool::new(false),
            row: AtomicI32::new(0),
        }
    }

    /// Where it stands now.
    pub fn standing(&self, now: u64) -> Standing {
        if self.ill.load(Ordering::Relaxed) {
            return Standing::Out;
        }
        match self.out_until.load(Ordering::Relaxed) {
            0 => Standing::In,
            until if until <= now => Standing::Returning,
            _ => Standing::Out,
        }
    }

    /// When it may be tried again; `u64::MAX` where active checks alone can say.
    pub fn returns_at(&self) -> u64 {
        if self.ill.load(Ordering::Relaxed) { u64::MAX } else { self.out_until.load(Ordering::Relaxed) }
    }

    /// Whether the caller is the one to try whether it is back.
    pub fn claim(&self, now: u64) -> bool {
        let until = self.out_until.load(Ordering::Relaxed);
        let (mine, other) = (Ordering::Relaxed, Ordering::Relaxed);
        let claimed =
            until != 0 && until <= now && self.out_until.compare_exchange(until, now + PROBE, mine, other).is_ok();
        if claimed {
            self.probing.store(true, Ordering::Relaxed);
        }
        claimed
    }

    /// A connection stands.
    pub fn connected(&self) {
        // Mostly nothing was wrong, and nothing is written.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.out_until.store(0, Ordering::Relaxed);
            self.probing.store(false, Ordering::Relaxed);
        }
    }

    /// A connection could not be made. What was begun before the address was taken out does not keep it out for longer.
    pub fn failed(&self, now: u64) {
        let is_out = self.out_until.load(Ordering::Relaxed) > now;
        if is_out && !self.probing.swap(false, Ordering::Relaxed) {
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if let Some(rounds) = failures.checked_sub(FAILURES) {
            self.out_until.store(now + self.span(rounds), Ordering::Relaxed);
        }
    }

    /// An active check came to an end. Says whether that changed anything.
    pub fn checked(&self, is_well: bool) -> bool {
        let (bad, good) = CHECKS;
        let row = self.row.load(Ordering::Relaxed);
        let row = if is_well { row.max(0).saturating_add(1) } else { row.min(0).saturating_sub(1) };
        self.row.store(row, Ordering::Relaxed);
        if row >= good {
            self.connected();
            return self.ill.swap(false, Ordering::Relaxed);
        }
        row <= -bad && !self.ill.swap(true, Ordering::Relaxed)
    }

    /// Nobody checks it any more.
    pub fn unchecked(&self) {
        self.row.store(0, Ordering::Relaxed);
        self.ill.store(false, Ordering::Relaxed);
    }

    /// How long it is left out, give or take a quarter, so that many nodes do not come back at once.
    fn span(&self, rounds: u32) -> u64 {
        let span = FIRST.checked_shl(rounds.min(16)).unwrap_or(LONGEST).min(LONGEST);
        let mut hasher = DefaultHasher::new();
        (self.seed, rounds).hash(&mut hasher);
        (span * 3 / 4 + hasher.finish() % (span / 2)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(seed: u64) -> Health {
        let health = Health::new(seed);
        (0..FAILURES).for_each(|_| health.failed(0));
        health
    }

    #[test]
    fn some_failures_in_a_row_take_it_out_and_a_connection_brings_it_back() {
        let health = Health::new(1);
        for _ in 0..5 {
            health.failed(0);
            health.failed(0);
            assert_eq!(health.standing(0), Standing::In);
            health.connected();
        }
        let health = out(1);
        assert_eq!(health.standing(0), Standing::Out);
        let back = health.returns_at();
        assert!((750..=1250).contains(&back), "{back}");
        assert_eq!((health.standing(back - 1), health.standing(back)), (Standing::Out, Standing::Returning));
        health.connected();
        assert_eq!(health.standing(0), Standing::In);
    }

    #[test]
    fn one_request_at_a_time_tries_it() {
        let health = out(2);
        assert!(!health.claim(0), "before its time");
        let back = health.returns_at();
        assert!(health.claim(back));
        assert!(!health.claim(back), "another is on its way");
        assert_eq!(health.standing(back + PROBE - 1), Standing::Out);
        assert!(health.claim(back + PROBE), "whoever tried it was never heard of again");
    }

    #[test]
    fn the_while_grows_and_is_bounded_and_differs() {
        let health = out(3);
        let (mut now, mut spans) = (0, Vec::new());
        for _ in 0..40 {
            spans.push(health.returns_at() - now);
            now = health.returns_at();
            assert!(health.claim(now));
            health.failed(now);
        }
        assert!(spans.windows(2).take(4).all(|two| two[1] > two[0]), "{spans:?}");
        assert!(spans.iter().all(|span| *span <= LONGEST) && *spans.last().unwrap() >= LONGEST / 2, "{spans:?}");
        assert_ne!(out(4).returns_at(), out(5).returns_at());
    }

    #[test]
    fn failures_that_were_under_way_do_not_lengthen_it() {
        let health = out(6);
        let back = health.returns_at();
        (0..100).for_each(|_| health.failed(10));
        assert_eq!(health.returns_at(), back);
    }

    #[test]
    fn checks_count_in_rows() {
        let health = Health::new(7);
        for (is_well, changed, standing) in [
            (false, false, Standing::In),
            (false, false, Standing::In),
            (true, false, Standing::In),
            (false, false, Standing::In),
            (false, false, Standing::In),
            (false, true, Standing::Out),
            (false, false, Standing::Out),
            (true, false, Standing::Out),
            (false, false, Standing::Out),
            (true, false, Standing::Out),
            (true, true, Standing::In),
        ] {
            assert_eq!((health.checked(is_well), health.standing(u64::MAX)), (changed, standing));
        }
        (0..3).for_each(|_| _ = health.checked(false));
        assert!(!health.claim(u64::MAX) && health.returns_at() == u64::MAX);
        health.unchecked();
        assert_eq!(health.standing(0), Standing::In);
    }
}
