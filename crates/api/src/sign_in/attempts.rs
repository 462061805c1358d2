//! Failed attempts of strangers in the audit log: the first of a kind is recorded at once, further ones are counted and
//! recorded as one event. So nobody can fill the log by failing, and no sum is lost.
//!
//! A kind is what failed and why, from which network, at which subject. Where too many kinds are open at once, new ones
//! forget the network, and then the subject; each count stays exact.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyward_core::address::network;
use keyward_core::time::{Monotonic, Timestamp};
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::ports::StoreError;
use keyward_http::own::Refusal;

use crate::fields::rfc3339;
use crate::origin::Origin;
use crate::service::Service;

/// How long further attempts of a kind are counted before their sum is recorded.
pub const SPAN: Duration = Duration::from_secs(60);
/// How often sums are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Kinds that are told apart by network and subject, and then by subject; any number beyond is told apart by [`Why`] alone.
/// Each open kind writes at most two records in a span: its first attempt, and the sum of the others.
const KINDS: [usize; 2] = [16, 8];

/// Why an attempt failed. The words are the contract of `audit list`; add to them, never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The name or the password is wrong.
    WrongPassword,
    /// The same, shown with a request (Basic).
    WrongBasic,
    /// The password is longer than any that can be right.
    TooLong,
    /// The user may not, or got another password at that moment.
    Paused,
    /// The roles of the user do not fit into a token.
    TooManyScopes,
    /// Too many passwords of the address wait.
    AddressBusy,
    /// Too many passwords wait.
    Busy,
    /// Too many were wrong before.
    Throttled,
    /// The refresh token was not looked at: too much was wrong before.
    RefreshThrottled,
    /// The refresh token is none that was made here.
    NotKnown,
    /// The refresh token is too old.
    Expired,
    /// The refresh token's session is over.
    Over,
    /// The roles of the refresh token's user do not fit into a token.
    Outgrown,
    /// The refresh token was given to another.
    Foreign,
    /// The user is no operator, and came to the console.
    NoOperator,
    /// The password is right, and no code of the second factor came with it.
    NoCode,
    /// The code is wrong, or was used before.
    WrongCode,
    /// The code was not looked at: too many of the user were wrong.
    CodesHeld,
    /// No sign-in waits for a code under this ticket.
    NoTicket,
    /// The link is unknown, used, ended or too old.
    NoLink,
    /// The user has a second factor, which cannot be shown with a request (Basic).
    BasicAlone,
    /// The key or the secret of a client is wrong.
    WrongSecret,
    /// The client's key is revoked, disabled or expired.
    ClientOver,
    /// The client's key may not be used from there.
    ClientElsewhere,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::WrongPassword,
        Self::WrongBasic,
        Self::TooLong,
        Self::Paused,
        Self::TooManyScopes,
        Self::NoOperator,
        Self::NoCode,
        Self::WrongCode,
        Self::CodesHeld,
        Self::NoTicket,
        Self::NoLink,
        Self::BasicAlone,
        Self::AddressBusy,
        Self::Busy,
        Self::Throttled,
        Self::RefreshThrottled,
        Self::NotKnown,
        Self::Expired,
        Self::Over,
        Self::Outgrown,
        Self::Foreign,
        Self::WrongSecret,
        Self::ClientOver,
        Self::ClientElsewhere,
    ];

    fn action(self) -> Action {
        match self {
            Self::WrongPassword
            | Self::WrongBasic
            | Self::TooLong
            | Self::Paused
            | Self::TooManyScopes
            | Self::NoOperator
            | Self::NoCode
            | Self::WrongCode
            | Self::CodesHeld
            | Self::NoTicket
            | Self::NoLink
            | Self::BasicAlone
            | Self::AddressBusy
            | Self::Busy
            | Self::Throttled
            | Self::WrongSecret
            | Self::ClientOver
            | Self::ClientElsewhere => Action::SignInFailed,
            Self::RefreshThrottled | Self::NotKnown | Self::Expired | Self::Over | Self::Outgrown | Self::Foreign => {
                Action::RefreshFailed
            }
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong name or password",
            Self::WrongBasic => "wrong name or password, sent with a request (Basic)",
            Self::TooLong => "the password is too long to be one",
            Self::Paused => "the user is disabled, or its password was just changed",
            Self::TooManyScopes | Self::Outgrown => "the scopes of the user's roles do not fit into a token",
            Self::NoOperator => "no role of the user has a scope of keyward:, which the console asks for",
            Self::NoCode => "the password was right, and no code of the second factor came with it",
            Self::WrongCode => "wrong code of the second factor, or one that was used before",
            Self::CodesHeld => "turned away: too many codes of this user were wrong",
            Self::NoTicket => "no sign-in waits for a code: unknown, too old, used, or too many codes were wrong",
            Self::NoLink => "no such link: unknown, used, ended, or too old",
            Self::BasicAlone => "the user has a second factor, which Basic cannot show",
            Self::AddressBusy => "turned away: too many passwords of this address wait",
            Self::Busy => "turned away: too many passwords wait",
            Self::Throttled | Self::RefreshThrottled => "turned away: too many wrong credentials before",
            Self::NotKnown => "no such refresh token",
            Self::Expired => "the refresh token has expired",
            Self::Over => "the session is over, or its user is disabled",
            Self::Foreign => "the refresh token was given to another client",
            Self::WrongSecret => "wrong key or secret of a client",
            Self::ClientOver => "the client's key is revoked, disabled or expired",
            Self::ClientElsewhere => "the client's key may not be used from this address",
        }
    }
}

/// What attempts that are counted together have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    why: Why,
    /// `None`: several, or none was given.
    network: Option<IpAddr>,
    /// `None`: several.
    subject: Option<Box<str>>,
}

/// The attempts of a kind that are in no record yet.
#[derive(Clone, Copy, Debug)]
struct Further {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

struct Open {
    since: Monotonic,
    further: Option<Further>,
    /// The last record could not be written: the next attempt tries again, and is refused as unavailable if that fails too.
    behind: bool,
}

/// The kinds that are open, by how much is told apart.
#[derive(Default)]
pub struct Attempts(Mutex<[HashMap<Kind, Open>; 3]>);

/// What to write of an attempt now.
enum Due {
    Nothing,
    /// The attempt itself.
    First(usize, Kind),
    /// Those that could not be written before, with this one.
    Sum(usize, Kind, Further),
}

impl Attempts {
    /// Notes a failed attempt, before its refusal leaves.
    ///
    /// # Errors
    /// It should be recorded at once, and could not be. It is counted, and recorded later.
    pub async fn note(
        &self,
        service: &Service,
        origin: &Origin,
        (why, subject): (Why, &str),
        refusal: Refusal,
    ) -> Result<(), StoreError> {
        let kind = Kind { why, network: origin.client.map(network), subject: Some(subject.into()) };
        match self.add(kind, service.now().monotonic, origin.at) {
            Due::Nothing => Ok(()),
            Due::First(level, kind) => {
                let mut event = origin.refused_event(refusal, why.action(), subject);
                event.detail.push(("why", why.text().into()));
                let written = service.store.record_event(&event).await;
                if written.is_err() {
                    self.put_back(level, &kind, Further { count: 1, first: origin.at, last: origin.at });
                }
                written
            }
            Due::Sum(level, kind, further) => self.write(service, level, &kind, further).await,
        }
    }

    /// Records the sums of what was counted for long enough, or of all.
    pub async fn settle(&self, service: &Service, all: bool) {
        for (level, kind, further) in self.due(service.now().monotonic, all) {
            // What cannot be written is put back, and tried again a moment later.
            let _ = self.write(service, level, &kind, further).await;
        }
    }

    async fn write(&self, service: &Service, level: usize, kind: &Kind, further: Further) -> Result<(), StoreError> {
        let written = service.store.record_event(&sum(kind, further, service.now().wall)).await;
        match &written {
            Ok(()) => self.caught_up(level, kind),
            Err(_) => self.put_back(level, kind, further),
        }
        written
    }

    fn add(&self, kind: Kind, now: Monotonic, at: Timestamp) -> Due {
        let mut levels = self.levels();
        for (level, open) in levels.iter_mut().enumerate() {
            let kind = kind.at(level);
            if let Some(known) = open.get_mut(&kind) {
                let further = Further::add(known.further.take(), Further { count: 1, first: at, last: at });
                if known.behind {
                    return Due::Sum(level, kind, further);
                }
                known.further = Some(further);
                return Due::Nothing;
            }
            if KINDS.get(level).is_none_or(|most| open.len() < *most) {
                open.insert(kind.clone(), Open { since: now, further: None, behind: false });
                return Due::First(level, kind);
            }
        }
        Due::Nothing
    }

    /// Takes the sums that are due; kinds that nothing was added to end.
    fn due(&self, now: Monotonic, all: bool) -> Vec<(usize, Kind, Further)> {
        let mut due = Vec::new();
        for (level, open) in self.levels().iter_mut().enumerate() {
            open.retain(|kind, open| {
                if !all && !open.behind && now.since(open.since) < SPAN {
                    return true;
                }
                let Some(further) = open.further.take() else { return open.behind };
                open.since = now;
                due.push((level, kind.clone(), further));
                true
            });
        }
        due
    }

    fn put_back(&self, level: usize, kind: &Kind, further: Further) {
        if let Some(open) = self.levels().get_mut(level).and_then(|open| open.get_mut(kind)) {
            open.further = Some(Further::add(open.further.take(), further));
            open.behind = true;
        }
    }

    fn caught_up(&self, level: usize, kind: &Kind) {
        if let Some(open) = self.levels().get_mut(level).and_then(|open| open.get_mut(kind)) {
            open.behind = false;
        }
    }

    fn levels(&self) -> std::sync::MutexGuard<'_, [HashMap<Kind, Open>; 3]> {
        // Each change to it is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    /// What is left of it at a level.
    fn at(&self, level: usize) -> Self {
        Self {
            why: self.why,
            network: self.network.filter(|_| level == 0),
            subject: self.subject.clone().filter(|_| level <= 1),
        }
    }
}

impl Further {
    fn add(before: Option<Self>, more: Self) -> Self {
        before.map_or(more, |before| Self {
            count: before.count + more.count,
            first: before.first.min(more.first),
            last: before.last.max(more.last),
        })
    }
}

fn sum(kind: &Kind, further: Further, now: Timestamp) -> AuditEvent {
    AuditEvent {
        at: now,
        actor: "stranger".into(),
        action: kind.why.action(),
        subject: kind.subject.clone().unwrap_or_else(|| "several".into()),
        client: kind.network,
        decision: None,
        detail: vec![
            ("why", kind.why.text().into()),
            ("count", further.count.to_string().into()),
            ("first", rfc3339(further.first).into()),
            ("last", rfc3339(further.last).into()),
        ],
    }
}

/// Records sums for as long as the server runs.
pub async fn run(service: Arc<Service>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        service.attempts.settle(&service, false).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> (Monotonic, Timestamp) {
        (Monotonic::from_nanos(seconds * 1_000_000_000), Timestamp::from_millis(seconds.cast_signed() * 1000))
    }

    fn kind(why: Why, address: u32, subject: &str) -> Kind {
        Kind { why, network: Some(IpAddr::from(address.to_be_bytes())), subject: Some(subject.into()) }
    }

    /// How many records each attempt and each look at the sums would write, and how many attempts they tell of.
    struct Tally {
        attempts: Attempts,
        records: usize,
        told: u64,
    }

    impl Tally {
        fn new() -> Self {
            Self { attempts: Attempts::default(), records: 0, told: 0 }
        }

        fn add(&mut self, kind: Kind, seconds: u64) {
            let (now, wall) = at(seconds);
            match self.attempts.add(kind, now, wall) {
                Due::Nothing => {}
                Due::First(..) => (self.records, self.told) = (self.records + 1, self.told + 1),
                Due::Sum(.., further) => (self.records, self.told) = (self.records + 1, self.told + further.count),
            }
        }

        fn settle(&mut self, seconds: u64, all: bool) {
            for (level, kind, further) in self.attempts.due(at(seconds).0, all) {
                self.attempts.caught_up(level, &kind);
                (self.records, self.told) = (self.records + 1, self.told + further.count);
            }
        }
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_as_one() {
        let mut tally = Tally::new();
        (0..100).for_each(|_| tally.add(kind(Why::WrongPassword, 1, "ada"), 1));
        assert_eq!((tally.records, tally.told), (1, 1));
        tally.settle(30, false);
        assert_eq!((tally.records, tally.told), (1, 1), "before the span is over");
        tally.settle(61, false);
        assert_eq!((tally.records, tally.told), (2, 100));
        tally.settle(122, false);
        tally.add(kind(Why::WrongPassword, 1, "ada"), 130);
        assert_eq!((tally.records, tally.told), (3, 101), "after a quiet span it is a first one again");
    }

    #[test]
    fn no_flood_writes_more_than_so_many_records_a_minute_and_every_attempt_is_in_a_sum() {
        let mut tally = Tally::new();
        let most = 2 * (KINDS.iter().sum::<usize>() + Why::ALL.len());
        let mut attempts = 0;
        for minute in 0..5 {
            let before = tally.records;
            for second in 0..60 {
                for address in 0..50 {
                    for why in Why::ALL {
                        tally.add(kind(why, address, &format!("{address} {second}")), minute * 60 + second);
                        attempts += 1;
                    }
                }
                tally.settle(minute * 60 + second, false);
            }
            assert!(tally.records - before <= most, "{} records in minute {minute}", tally.records - before);
        }
        tally.settle(301, true);
        assert_eq!(tally.told, attempts);
        assert!(most <= 100, "docs/reference/audit.md promises at most 100 a minute, not {most}");
    }

    #[test]
    fn what_could_not_be_written_is_told_later() {
        let attempts = Attempts::default();
        let ada = || kind(Why::WrongPassword, 1, "ada");
        let (now, wall) = at(1);
        let one = Further { count: 1, first: wall, last: wall };
        let Due::First(level, first) = attempts.add(ada(), now, wall) else { panic!("it is the first") };
        attempts.put_back(level, &first, one);
        // The next one tries again, with both.
        let Due::Sum(level, kind, further) = attempts.add(ada(), now, wall) else { panic!("nothing is tried again") };
        assert_eq!(further.count, 2);
        attempts.put_back(level, &kind, further);
        let due = attempts.due(now, false);
        assert_eq!(due.iter().map(|(.., further)| further.count).collect::<Vec<_>>(), [2]);
        attempts.caught_up(level, &kind);
        assert!(matches!(attempts.add(ada(), now, wall), Due::Nothing));
    }
}
