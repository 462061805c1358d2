//! Wrong credentials, counted by where they come from and whom they are for, in tables that never grow.
//!
//! Nothing here is written or locked for a caller whom memory knows: it is asked where a credential has to be looked up, and
//! told where one was wrong. As long as no address is over its number, asking is one read.
//!
//! Too many for one subject refuse only those addresses that have part in it: whoever knows the right secret and comes from
//! elsewhere is let through, so that nobody can lock anybody out.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_core::address::network;
use keyward_core::decision::{Throttled, ThrottledBy};
use keyward_core::throttle::ThrottleRules;
use keyward_core::time::Monotonic;

/// Places of a bucket. Where all are taken, the one with the lowest count makes room, so that a flood of newcomers takes no
/// place of those that were wrong often.
const WAYS: usize = 8;
/// Buckets of addresses, of subjects, and of addresses that have part in a subject: 2.5 MiB together.
const ADDRESSES: usize = 8192;
const SUBJECTS: usize = 2048;
const PARTS: usize = 2048;

/// Wrong credentials of one process.
pub struct Throttle {
    hasher: RandomState,
    addresses: Mutex<Table>,
    subjects: Mutex<Table>,
    parts: Mutex<Table>,
    /// Up to when some address is over its number, in nanoseconds of the monotonic clock.
    over_until: AtomicU64,
    counted: AtomicU64,
    forgotten: AtomicU64,
}

/// What was counted so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Wrong credentials.
    pub wrong: u64,
    /// Counts that made room for others before their time was over.
    pub forgotten: u64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::with_buckets([ADDRESSES, SUBJECTS, PARTS])
    }
}

impl Throttle {
    fn with_buckets([addresses, subjects, parts]: [usize; 3]) -> Self {
        let table = |buckets| Mutex::new(Table(vec![[Slot::default(); WAYS]; buckets].into()));
        Self {
            hasher: RandomState::new(),
            addresses: table(addresses),
            subjects: table(subjects),
            parts: table(parts),
            over_until: AtomicU64::new(0),
            counted: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
        }
    }

    /// Whether somebody from there has to wait before a credential is looked at, and for how long: until then nothing that
    /// comes from there counts further, so that it is true. `subject` is whom the credential is for, in its one spelling.
    pub fn holds(
        &self,
        rules: &ThrottleRules,
        client: IpAddr,
        subject: Option<&str>,
        now: Monotonic,
    ) -> Option<Throttled> {
        let client = network(client);
        let by_address = self.holds_address(rules, client, now);
        let by_subject = subject.and_then(|subject| self.holds_subject(rules, client, subject, now));
        let waits = [(ThrottledBy::Address, by_address), (ThrottledBy::Subject, by_subject)];
        let longest = waits.into_iter().filter_map(|(by, wait)| Some((by, wait?))).max_by_key(|(_, wait)| *wait);
        longest.map(|(by, retry_after)| Throttled { by, retry_after })
    }

    fn holds_address(&self, rules: &ThrottleRules, client: IpAddr, now: Monotonic) -> Option<Duration> {
        if now.as_nanos() >= self.over_until.load(Ordering::Relaxed) {
            return None;
        }
        let slot = lock(&self.addresses).find(self.hasher.hash_one(client), rules, now)?;
        (slot.count >= rules.per_address).then(|| slot.left(rules, now))
    }

    fn holds_subject(&self, rules: &ThrottleRules, client: IpAddr, subject: &str, now: Monotonic) -> Option<Duration> {
        let slot = lock(&self.subjects).find(self.hasher.hash_one(subject), rules, now)?;
        if slot.count < rules.per_subject {
            return None;
        }
        let part = lock(&self.parts).find(self.hasher.hash_one((subject, client)), rules, now)?;
        // What ends first lets it through.
        Some(slot.left(rules, now).min(part.left(rules, now)))
    }

    /// Counts a wrong credential.
    pub fn wrong(&self, rules: &ThrottleRules, client: IpAddr, subject: Option<&str>, now: Monotonic) {
        let client = network(client);
        self.counted.fetch_add(1, Ordering::Relaxed);
        let mut forgotten = 0;
        let slot = lock(&self.addresses).add(self.hasher.hash_one(client), rules, now, &mut forgotten);
        if slot.count >= rules.per_address {
            self.over_until.fetch_max(now.after(slot.left(rules, now)).as_nanos(), Ordering::Relaxed);
        }
        if let Some(subject) = subject {
            lock(&self.subjects).add(self.hasher.hash_one(subject), rules, now, &mut forgotten);
            lock(&self.parts).renew(self.hasher.hash_one((subject, client)), rules, now, &mut forgotten);
        }
        self.forgotten.fetch_add(forgotten, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn counted(&self) -> Counted {
        let [wrong, forgotten] = [&self.counted, &self.forgotten].map(|count| count.load(Ordering::Relaxed));
        Counted { wrong, forgotten }
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    // Each change to a table is one assignment.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A count since a point in time. None where it is 0.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    began: u64,
    count: u32,
}

impl Slot {
    fn is_live(&self, rules: &ThrottleRules, now: Monotonic) -> bool {
        self.count > 0 && now.since(Monotonic::from_nanos(self.began)) < rules.window
    }

    /// How long it counts from now on.
    fn left(&self, rules: &ThrottleRules, now: Monotonic) -> Duration {
        rules.window.saturating_sub(now.since(Monotonic::from_nanos(self.began)))
    }
}

/// A cache of counts: as many as it was made for, found by keyed hashes, so that nobody can aim at a bucket.
struct Table(Box<[[Slot; WAYS]]>);

impl Table {
    fn find(&mut self, key: u64, rules: &ThrottleRules, now: Monotonic) -> Option<Slot> {
        let slots = self.bucket(key)?;
        slots.iter().find(|slot| slot.key == key && slot.is_live(rules, now)).copied()
    }

    /// One more in the window that runs, or the first of another.
    fn add(&mut self, key: u64, rules: &ThrottleRules, now: Monotonic, forgotten: &mut u64) -> Slot {
        let first = Slot { key, began: now.as_nanos(), count: 1 };
        let Some(slot) = self.place(key, rules, now, forgotten) else { return first };
        *slot = match slot.key == key && slot.is_live(rules, now) {
            true => Slot { count: slot.count.saturating_add(1), ..*slot },
            false => first,
        };
        *slot
    }

    /// One more, and the window begins with it.
    fn renew(&mut self, key: u64, rules: &ThrottleRules, now: Monotonic, forgotten: &mut u64) {
        self.add(key, rules, now, forgotten);
        if let Some(slot) = self.bucket(key).and_then(|slots| slots.iter_mut().find(|slot| slot.key == key)) {
            slot.began = now.as_nanos();
        }
    }

    /// Its own place, else one that is free, else that of the lowest count.
    fn place(&mut self, key: u64, rules: &ThrottleRules, now: Monotonic, forgotten: &mut u64) -> Option<&mut Slot> {
        let slots = self.bucket(key)?;
        let own = slots.iter().position(|slot| slot.key == key && slot.count > 0);
        let at = own.or_else(|| slots.iter().position(|slot| !slot.is_live(rules, now)));
        let at = at.or_else(|| {
            *forgotten += 1;
            (0..WAYS).min_by_key(|at| slots.get(*at).map(|slot| (slot.count, slot.began)))
        });
        slots.get_mut(at?)
    }

    fn bucket(&mut self, key: u64) -> Option<&mut [Slot; WAYS]> {
        let count = self.0.len() as u64;
        let at = key.checked_rem(count)?;
        self.0.get_mut(usize::try_from(at).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: ThrottleRules = ThrottleRules { window: Duration::from_secs(60), per_address: 5, per_subject: 3 };

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_nanos(seconds * 1_000_000_000 + 1)
    }

    fn from(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn wait(throttled: Option<Throttled>) -> Option<(ThrottledBy, u64)> {
        throttled.map(|throttled| (throttled.by, throttled.retry_after.as_secs()))
    }

    #[test]
    fn an_address_waits_until_its_window_is_over_and_nobody_else_does() {
        let throttle = Throttle::default();
        for second in 10..15 {
            assert_eq!(throttle.holds(&RULES, from(1), None, at(second)), None);
            throttle.wrong(&RULES, from(1), None, at(second));
        }
        assert_eq!(wait(throttle.holds(&RULES, from(1), None, at(20))), Some((ThrottledBy::Address, 50)));
        assert_eq!(throttle.holds(&RULES, from(2), None, at(20)), None);
        assert_eq!(wait(throttle.holds(&RULES, from(1), None, at(69))), Some((ThrottledBy::Address, 1)));
        assert_eq!(throttle.holds(&RULES, from(1), None, at(70)), None, "when it said");
        throttle.wrong(&RULES, from(1), None, at(70));
        assert_eq!(throttle.holds(&RULES, from(1), None, at(71)), None, "it is the first of another window");
        assert_eq!(throttle.counted(), Counted { wrong: 6, forgotten: 0 });
    }

    #[test]
    fn a_subject_is_closed_to_those_who_were_wrong_and_to_nobody_else() {
        let throttle = Throttle::default();
        for (second, last) in [(10, 1), (11, 1), (12, 2)] {
            throttle.wrong(&RULES, from(last), Some("ada"), at(second));
        }
        for last in [1, 2] {
            let held = wait(throttle.holds(&RULES, from(last), Some("ada"), at(20)));
            assert_eq!(held, Some((ThrottledBy::Subject, 50)), "{last}");
            assert_eq!(throttle.holds(&RULES, from(last), Some("eve"), at(20)), None);
            assert_eq!(throttle.holds(&RULES, from(last), None, at(20)), None);
        }
        assert_eq!(throttle.holds(&RULES, from(3), Some("ada"), at(20)), None, "the user itself, from elsewhere");
        throttle.wrong(&RULES, from(3), Some("ada"), at(21));
        assert_eq!(wait(throttle.holds(&RULES, from(3), Some("ada"), at(22))), Some((ThrottledBy::Subject, 48)));
        assert_eq!(throttle.holds(&RULES, from(1), Some("ada"), at(70)), None, "when it said");
    }

    #[test]
    fn who_was_wrong_long_ago_has_no_part_in_what_others_do_now() {
        let throttle = Throttle::default();
        throttle.wrong(&RULES, from(1), Some("ada"), at(0));
        for second in 61..64 {
            throttle.wrong(&RULES, from(2), Some("ada"), at(second));
        }
        assert_eq!(throttle.holds(&RULES, from(1), Some("ada"), at(65)), None);
        assert!(throttle.holds(&RULES, from(2), Some("ada"), at(65)).is_some());
    }

    #[test]
    fn one_customer_of_ipv6_is_one_address_and_a_mapped_one_is_itself() {
        let throttle = Throttle::default();
        for last in 0..5 {
            throttle.wrong(&RULES, IpAddr::from([0x2001, 0xdb8, 0, 7, last, 1, 2, 3]), None, at(1));
            throttle.wrong(&RULES, from(9), None, at(1));
        }
        assert!(throttle.holds(&RULES, IpAddr::from([0x2001, 0xdb8, 0, 7, 9, 9, 9, 9]), None, at(2)).is_some());
        assert!(throttle.holds(&RULES, IpAddr::from([0x2001, 0xdb8, 0, 8, 0, 0, 0, 1]), None, at(2)).is_none());
        assert!(throttle.holds(&RULES, "::ffff:192.0.2.9".parse().unwrap(), None, at(2)).is_some());
    }

    /// Two buckets of each: a flood of addresses and subjects that are wrong once or twice moves nobody who was wrong often.
    #[test]
    fn a_flood_takes_no_memory_and_frees_nobody() {
        let throttle = Throttle::with_buckets([2, 2, 2]);
        for _ in 0..5 {
            throttle.wrong(&RULES, from(1), Some("ada"), at(1));
        }
        for number in 0..20_000_u32 {
            let stranger = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            throttle.wrong(&RULES, stranger, Some(&format!("user {number}")), at(2));
        }
        assert_eq!(wait(throttle.holds(&RULES, from(1), None, at(3))).map(|(by, _)| by), Some(ThrottledBy::Address));
        assert!(throttle.holds(&RULES, from(1), Some("ada"), at(3)).is_some());
        let slots = lock(&throttle.addresses).0.len();
        assert_eq!(slots, 2, "it did not grow");
        assert!(throttle.counted().forgotten > 0, "and says that it was full");
    }
}
