//! When signing keys are announced, sign, check on, and go: pure rules over what is kept.

use std::time::Duration;

use keyward_core::algorithm::Algorithm;
use keyward_core::time::Timestamp;

use super::SigningKeyRecord;

/// How long before its first use a key is announced, unless keys last for less than four times that.
pub const NOTICE: Duration = Duration::from_secs(24 * 3600);

/// How long after its last use a key goes on checking at least: longer than any token should count.
const KEPT_ON: Duration = Duration::from_secs(24 * 3600);

/// By how much the clocks of whoever checks may differ.
const SLACK: Duration = Duration::from_secs(60);

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It signs later, and can be seen already.
    Announced,
    /// It signs.
    Active,
    /// It signs no more, and what it signed counts to its end.
    Checking,
    /// Nothing that it signed counts.
    Retired,
}

impl Stage {
    /// The word for listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Active => "active",
            Self::Checking => "checking",
            Self::Retired => "retired",
        }
    }
}

/// How keys of one algorithm follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Turnover {
    /// The algorithm that signs.
    pub algorithm: Algorithm,
    /// How long a key signs; `None`: until somebody says otherwise.
    pub every: Option<Duration>,
    /// How long a token counts.
    pub lifetime: Duration,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Make a key that signs from then on.
    Announce(Timestamp),
    /// Take this one out of those that count.
    Retire(Box<str>),
}

impl Turnover {
    /// Keys that count, in the order in which they sign.
    fn counting<'a>(&self, kept: &'a [SigningKeyRecord]) -> Vec<&'a SigningKeyRecord> {
        let counts = |key: &&SigningKeyRecord| key.algorithm == self.algorithm && key.retired_at.is_none();
        let mut keys: Vec<&SigningKeyRecord> = kept.iter().filter(counts).collect();
        keys.sort_by_key(|key| (key.active_at, &*key.id));
        keys
    }

    /// Keys that may sign at a time, the first choice first: never one that is announced for later. A clock that was set back
    /// before all of them leaves the oldest.
    pub fn signing<'a>(&self, kept: &'a [SigningKeyRecord], now: Timestamp) -> Vec<&'a SigningKeyRecord> {
        let keys = self.counting(kept);
        if keys.iter().all(|key| key.active_at > now) {
            return keys.into_iter().filter(|key| key.created_at > now).take(1).collect();
        }
        keys.into_iter().filter(|key| key.active_at <= now).rev().collect()
    }

    /// When the next announced key takes over.
    pub fn changes_at(&self, kept: &[SigningKeyRecord], now: Timestamp) -> Option<Timestamp> {
        let signs = self.signing(kept, now).first().map(|key| &key.id);
        let later = self.counting(kept).into_iter().find(|key| key.active_at > now && Some(&key.id) != signs);
        later.map(|key| key.active_at)
    }

    /// How long before its first use a key is announced.
    pub fn notice(&self) -> Duration {
        self.every.map_or(NOTICE, |every| NOTICE.min(every / 4))
    }

    /// Where a key stands. One of another algorithm signs nothing, and checks until somebody retires it.
    pub fn stage(&self, key: &SigningKeyRecord, kept: &[SigningKeyRecord], now: Timestamp) -> Stage {
        if key.retired_at.is_some() {
            return Stage::Retired;
        }
        let signs = self.signing(kept, now).first().is_some_and(|first| first.id == key.id);
        match (signs, key.active_at > now) {
            (true, _) => Stage::Active,
            (false, true) => Stage::Announced,
            (false, false) => Stage::Checking,
        }
    }

    /// What is to be done at a time: announce a successor ahead of its first use, and let go of keys whose last token is over.
    pub fn due(&self, kept: &[SigningKeyRecord], now: Timestamp) -> Vec<Due> {
        let mut due = Vec::new();
        let signing = self.signing(kept, now);
        for pair in signing.windows(2) {
            let [next, old] = pair else { continue };
            if next.active_at.after(self.lifetime.max(KEPT_ON)).after(SLACK) <= now {
                due.push(Due::Retire(old.id.clone()));
            }
        }
        if let (Some(every), Some(signs), None) = (self.every, signing.first(), self.changes_at(kept, now)) {
            let notice = self.notice();
            // It ends when the next one has been seen for long enough, even where nobody looked for a while.
            let end = signs.active_at.after(every);
            if end <= now.after(notice) {
                due.push(Due::Announce(end.max(now.after(notice))));
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1000;

    fn at(days: f64) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "a few days")]
        Timestamp::from_millis((days * DAY as f64) as i64)
    }

    fn key(id: &str, active_at: f64) -> SigningKeyRecord {
        SigningKeyRecord {
            id: id.into(),
            algorithm: Algorithm::EdDsa,
            public: None,
            sealed: Box::default(),
            created_at: at(active_at),
            active_at: at(active_at),
            retired_at: None,
        }
    }

    fn turnover(days: Option<u64>) -> Turnover {
        let every = days.map(|days| Duration::from_secs(days * 24 * 3600));
        Turnover { algorithm: Algorithm::EdDsa, every, lifetime: Duration::from_secs(900) }
    }

    #[test]
    fn a_key_is_announced_a_day_ahead_and_let_go_a_day_after() {
        let rules = turnover(Some(90));
        let mut kept = vec![key("a", 0.0)];
        // when | what is due
        let announce = |days| vec![Due::Announce(at(days))];
        for (now, due) in [(0.0, vec![]), (88.9, vec![]), (89.0, announce(90.0)), (95.0, announce(96.0))] {
            assert_eq!(rules.due(&kept, at(now)), due, "{now}");
        }
        kept.push(key("b", 90.0));
        let signs = |kept: &[SigningKeyRecord], now| rules.signing(kept, at(now))[0].id.to_string();
        assert_eq!((signs(&kept, 89.9), signs(&kept, 90.0)), ("a".to_owned(), "b".to_owned()));
        assert_eq!(rules.changes_at(&kept, at(89.5)), Some(at(90.0)));
        assert_eq!(rules.changes_at(&kept, at(90.0)), None);
        let stages = |now| kept.iter().map(|key| rules.stage(key, &kept, at(now))).collect::<Vec<_>>();
        assert_eq!(stages(89.5), [Stage::Active, Stage::Announced]);
        assert_eq!(stages(90.0), [Stage::Checking, Stage::Active]);
        assert_eq!((rules.due(&kept, at(89.5)), rules.due(&kept, at(91.0))), (vec![], vec![]));
        assert_eq!(rules.due(&kept, at(91.1)), [Due::Retire("a".into())]);
        kept[0].retired_at = Some(at(91.1));
        assert_eq!(rules.due(&kept, at(92.0)), []);
    }

    #[test]
    fn what_lasts_long_is_checked_as_long() {
        let rules = Turnover { lifetime: Duration::from_secs(3 * 24 * 3600), ..turnover(None) };
        let kept = [key("a", 0.0), key("b", 10.0)];
        assert_eq!((rules.due(&kept, at(13.0)), rules.due(&kept, at(400.0))), (vec![], vec![Due::Retire("a".into())]));
    }

    #[test]
    fn short_lives_have_a_short_notice_and_a_clock_set_back_leaves_the_oldest() {
        let rules = turnover(Some(2));
        assert_eq!(rules.notice(), Duration::from_secs(12 * 3600));
        let kept = [key("a", 5.0), key("b", 6.0)];
        assert_eq!(rules.signing(&kept, at(1.0))[0].id, "a".into());
        // Announced, and left alone by a retirement: it does not sign before its time.
        let announced = [SigningKeyRecord { created_at: at(0.5), ..key("c", 2.0) }];
        assert_eq!((rules.signing(&announced, at(1.0)).len(), rules.signing(&announced, at(2.0)).len()), (0, 1));
        assert_eq!(rules.signing(&[], at(1.0)).len(), 0);
        assert_eq!(rules.due(&[], at(1.0)), []);
        // Another algorithm's keys are none of its business.
        let other = Turnover { algorithm: Algorithm::Es256, ..rules };
        assert_eq!((other.due(&kept, at(99.0)), other.stage(&kept[0], &kept, at(99.0))), (vec![], Stage::Checking));
    }
}
