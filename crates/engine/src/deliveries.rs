//! Which deliveries of webhooks counted, so that whoever recorded one cannot send it again. All cores share it.
//!
//! Only what was signed right comes here, so that no stranger fills it. What is full says so, and forgets nobody early.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyward_core::digest::ApiKeyDigest;
use keyward_core::time::Timestamp;
use keyward_core::webhook::Delivery;

/// How many are remembered at once: of about 48 bytes each.
pub const MOST: usize = 1 << 18;
/// How many are too few to look for some that are over.
const FEW: usize = 1024;
/// How long one look through all of them must do, in milliseconds: a full table is not looked through for each delivery.
const REST: i64 = 1000;

/// Deliveries that counted, by what was signed.
#[derive(Debug)]
pub struct Deliveries(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    until: HashMap<ApiKeyDigest, Timestamp>,
    /// From how many on those that are over are looked for.
    look_at: usize,
    looked: Option<Timestamp>,
    most: usize,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is new, and remembered from now on.
    First,
    /// It came before.
    Again,
    /// It cannot be remembered: there is no room.
    Full,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self::holding(MOST)
    }
}

impl Deliveries {
    /// With room for so many.
    pub fn holding(most: usize) -> Self {
        Self(Mutex::new(Known { look_at: FEW.min(most), most, ..Known::default() }))
    }

    /// Remembers a delivery up to its end, if it is new.
    pub fn note(&self, delivery: Delivery, now: Timestamp) -> Noted {
        let mut known = self.known();
        if known.until.get(&delivery.digest).is_some_and(|until| *until >= now) {
            return Noted::Again;
        }
        known.make_room(now);
        if known.until.len() >= known.most {
            return Noted::Full;
        }
        known.until.insert(delivery.digest, delivery.until);
        Noted::First
    }

    /// Forgets a delivery that nobody took.
    pub fn forget(&self, delivery: &Delivery) {
        self.known().until.remove(&delivery.digest);
    }

    /// How many are remembered.
    pub fn count(&self) -> usize {
        self.known().until.len()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic elsewhere leaves it whole: each change is one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Lets go of those that are over, once there are twice as many as the last look left.
    fn make_room(&mut self, now: Timestamp) {
        let rested = self.looked.is_none_or(|looked| (now.as_millis() - looked.as_millis()).abs() >= REST);
        if self.until.len() < self.look_at || (!rested && self.until.len() >= self.most) {
            return;
        }
        self.until.retain(|_, until| *until >= now);
        self.looked = Some(now);
        self.look_at = (self.until.len() * 2).max(FEW).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(number: u32, until: i64) -> Delivery {
        Delivery { digest: ApiKeyDigest::of(&number.to_be_bytes()), until: at(until) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    #[test]
    fn a_delivery_counts_once_up_to_its_end() {
        let deliveries = Deliveries::holding(8);
        for (number, now, expected) in [
            (1, 100, Noted::First),
            (1, 100, Noted::Again),
            (2, 100, Noted::First),
            // At its end it still would count by its time.
            (1, 400, Noted::Again),
            (1, 401, Noted::First),
        ] {
            assert_eq!(deliveries.note(delivery(number, now.max(400)), at(now)), expected, "{number} at {now}");
        }
    }

    #[test]
    fn what_nobody_took_may_come_again() {
        let deliveries = Deliveries::default();
        assert_eq!(deliveries.note(delivery(1, 400), at(100)), Noted::First);
        deliveries.forget(&delivery(1, 400));
        assert_eq!(deliveries.note(delivery(1, 400), at(100)), Noted::First);
    }

    #[test]
    fn a_full_table_forgets_nobody_before_its_end() {
        let deliveries = Deliveries::holding(100);
        for number in 0..100 {
            assert_eq!(deliveries.note(delivery(number, 400), at(100)), Noted::First);
        }
        assert_eq!(deliveries.note(delivery(100, 400), at(100)), Noted::Full);
        assert_eq!(deliveries.note(delivery(0, 400), at(400)), Noted::Again);
        assert_eq!(deliveries.note(delivery(100, 800), at(402)), Noted::First);
        assert_eq!(deliveries.count(), 1);
    }
}
