//! Sign-ins that wait for a code: the password was right, and a ticket says so for a few minutes, to whoever holds it. In memory
//! alone: after a restart one signs in anew.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::time::Monotonic;
use keyward_engine::people::PasswordHash;

/// How long a ticket is good.
pub const GOOD_FOR: Duration = Duration::from_secs(5 * 60);
/// How many codes may be wrong on one ticket.
pub const CODES: u8 = 5;
/// How many codes made by time may be wrong for one user within [`SPAN`], from wherever they come: a code has six digits, and
/// who knows the password could try them from many addresses. Recovery codes, which nobody guesses, are looked at beyond it: so
/// whoever is locked out by a thief of its password comes in, and changes it.
pub const CODES_OF_A_USER: u32 = 10;
/// How long wrong codes of a user are counted together.
pub const SPAN: Duration = Duration::from_secs(3600);
/// The most tickets of one user; a further one takes the place of the oldest.
const TICKETS_OF_A_USER: usize = 5;
/// The most tickets, and the most users whose wrong codes are counted; who has one showed a right password.
const ROOM: usize = 10_000;

/// A sign-in that waits.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The id of its user.
    pub user: Box<str>,
    /// The user's name.
    pub username: Box<str>,
    /// The password that was right, as it is kept.
    pub password: PasswordHash,
}

struct Waiting {
    ticket: Ticket,
    until: Monotonic,
    codes: u8,
}

#[derive(Clone, Copy)]
struct Counted {
    since: Monotonic,
    count: u32,
}

#[derive(Default)]
struct Inner {
    waiting: HashMap<ApiKeyDigest, Waiting>,
    counted: HashMap<Box<str>, Counted>,
}

/// Those that wait, and how many codes were wrong for whom.
#[derive(Default)]
pub struct Tickets(Mutex<Inner>);

impl Tickets {
    /// Keeps one, known by the digest of what its holder has. Where there is no more room it is not kept, and `false`.
    #[must_use]
    pub fn keep(&self, digest: ApiKeyDigest, ticket: Ticket, now: Monotonic) -> bool {
        let waiting = &mut self.lock().waiting;
        waiting.retain(|_, one| now < one.until);
        let own = waiting.iter().filter(|(_, one)| one.ticket.user == ticket.user);
        let own: Vec<_> = own.map(|(digest, one)| (one.until.as_nanos(), *digest)).collect();
        if own.len() >= TICKETS_OF_A_USER
            && let Some((_, oldest)) = own.into_iter().min()
        {
            waiting.remove(&oldest);
        }
        if waiting.len() >= ROOM {
            return false;
        }
        waiting.insert(digest, Waiting { ticket, until: now.after(GOOD_FOR), codes: CODES });
        true
    }

    /// The ticket of a digest, with one code fewer to be wrong on it. `None`: there is none, or it is too old, or too many were.
    pub fn try_one(&self, digest: &ApiKeyDigest, now: Monotonic) -> Option<Ticket> {
        let waiting = &mut self.lock().waiting;
        let one = waiting.get_mut(digest).filter(|one| now < one.until && one.codes > 0);
        let found = one.map(|one| {
            one.codes -= 1;
            one.ticket.clone()
        });
        if found.is_none() {
            waiting.remove(digest);
        }
        found
    }

    /// Ends a ticket, because it is used; whether it was still there.
    pub fn end(&self, digest: &ApiKeyDigest) -> bool {
        self.lock().waiting.remove(digest).is_some()
    }

    /// Counts a code of a user before it is looked at, so that of many at once none is looked at beyond the bound.
    ///
    /// # Errors
    /// So many were wrong that none made by time is looked at; for how long.
    pub fn count_code(&self, user: &str, now: Monotonic) -> Result<(), Duration> {
        let counted = &mut self.lock().counted;
        if let Some(known) = counted.get_mut(user).filter(|known| now.since(known.since) < SPAN) {
            if known.count >= CODES_OF_A_USER {
                return Err(SPAN.saturating_sub(now.since(known.since)));
            }
            known.count += 1;
            return Ok(());
        }
        counted.retain(|_, known| now.since(known.since) < SPAN);
        if counted.len() >= ROOM {
            // Whoever could fill it knows so many passwords; then the longest known gives way.
            let oldest = counted.iter().min_by_key(|(_, known)| known.since.as_nanos()).map(|(user, _)| user.clone());
            oldest.map(|user| counted.remove(&user));
        }
        counted.insert(user.into(), Counted { since: now, count: 1 });
        Ok(())
    }

    /// A code of a user was right: those before are forgotten.
    pub fn right(&self, user: &str) {
        self.lock().counted.remove(user);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves it whole: each change is one insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_nanos((seconds + 1) * 1_000_000_000)
    }

    fn ticket(user: &str) -> Ticket {
        Ticket { user: user.into(), username: user.into(), password: PasswordHash("$argon2id$a".into()) }
    }

    fn digest(text: &str) -> ApiKeyDigest {
        ApiKeyDigest::of(text.as_bytes())
    }

    #[test]
    fn a_ticket_is_good_for_its_time_and_so_many_codes() {
        let tickets = Tickets::default();
        assert!(tickets.keep(digest("a"), ticket("ada"), at(0)));
        assert!(tickets.keep(digest("b"), ticket("bob"), at(0)));
        assert!(tickets.try_one(&digest("none"), at(1)).is_none());
        for _ in 0..CODES {
            assert_eq!(&*tickets.try_one(&digest("a"), at(299)).unwrap().user, "ada");
        }
        assert!(tickets.try_one(&digest("a"), at(299)).is_none(), "one code too many");
        assert!(tickets.try_one(&digest("b"), at(299)).is_some());
        assert!(tickets.try_one(&digest("b"), at(300)).is_none(), "too old");
        assert!(tickets.try_one(&digest("b"), at(299)).is_none(), "and gone");
        assert!(tickets.keep(digest("c"), ticket("ada"), at(0)));
        assert!(tickets.end(&digest("c")) && !tickets.end(&digest("c")));
        assert!(tickets.try_one(&digest("c"), at(1)).is_none(), "used");
    }

    #[test]
    fn a_user_has_few_and_nobody_takes_the_place_of_others() {
        let tickets = Tickets::default();
        assert!(tickets.keep(digest("bob"), ticket("bob"), at(0)));
        for count in 0..100_u64 {
            assert!(tickets.keep(digest(&count.to_string()), ticket("ada"), at(count)));
        }
        assert_eq!(tickets.lock().waiting.len(), 1 + TICKETS_OF_A_USER);
        assert!(tickets.try_one(&digest("bob"), at(100)).is_some());
        assert!(tickets.try_one(&digest("99"), at(100)).is_some() && tickets.try_one(&digest("94"), at(100)).is_none());
    }

    #[test]
    fn wrong_codes_hold_back_their_user_for_a_span() {
        let tickets = Tickets::default();
        for _ in 0..CODES_OF_A_USER {
            tickets.count_code("ada", at(10)).unwrap();
        }
        assert_eq!(tickets.count_code("ada", at(10)), Err(SPAN));
        assert_eq!(tickets.count_code("ada", at(3609)), Err(Duration::from_secs(1)));
        assert_eq!(tickets.count_code("bob", at(10)), Ok(()));
        for _ in 0..CODES_OF_A_USER {
            tickets.count_code("ada", at(10 + 3600)).unwrap();
        }
        tickets.count_code("ada", at(10 + 3600)).unwrap_err();
        tickets.right("ada");
        assert_eq!(tickets.count_code("ada", at(4000)), Ok(()), "one that was right forgives those before");
    }
}
