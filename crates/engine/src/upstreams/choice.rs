//! Which of several addresses a request goes to: a pure function of what is known of them.

use super::health::Standing;

/// The most addresses of one upstream.
pub const MOST: usize = 64;

/// How requests are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest requests under way.
    LeastBusy,
}

/// The addresses that a request was sent to already, by their places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried(u64);

impl Tried {
    /// Adds one.
    pub fn add(&mut self, place: usize) {
        self.0 |= 1 << (place % MOST);
    }

    /// Whether it is among them.
    pub fn has(self, place: usize) -> bool {
        self.0 & 1 << (place % MOST) != 0
    }

    /// How many there are.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// One address at the time of a choice.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Where it stands.
    pub standing: Standing,
    /// Requests under way.
    pub busy: usize,
    /// When it may be tried again.
    pub returns_at: u64,
}

/// Chooses among `count` addresses, those tried left out, from the one whose turn is `next`. One that returns is taken by
/// whoever may `claim` it; where all are out, and nothing was tried yet, the one that returns first is tried before its time.
pub fn choose(
    (count, next): (usize, usize),
    tried: Tried,
    balance: Balance,
    view: impl Fn(usize) -> View,
    claim: impl Fn(usize) -> bool,
) -> Option<usize> {
    let turns = || (0..count).map(|step| (next + step) % count).filter(|place| !tried.has(*place));
    let mut least: Option<(usize, usize)> = None;
    for place in turns() {
        let View { standing, busy, .. } = view(place);
        match (standing, balance) {
            (Standing::In, Balance::RoundRobin) => return Some(place),
            (Standing::In, Balance::LeastBusy) if least.is_none_or(|(fewest, _)| busy < fewest) => {
                least = Some((busy, place));
            }
            (Standing::Returning, _) if claim(place) => return Some(place),
            _ => {}
        }
    }
    if let Some((_, place)) = least {
        return Some(place);
    }
    turns().min_by_key(|place| view(*place).returns_at).filter(|_| tried == Tried::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstreams::Health;
    use proptest::prelude::*;

    /// Round after round as a core does it, at one time.
    fn round(all: &[Health], next: &mut usize, tried: Tried, now: u64) -> Option<usize> {
        let view = |place: usize| {
            let health: &Health = &all[place];
            View { standing: health.standing(now), busy: 0, returns_at: health.returns_at() }
        };
        let claim = |place: usize| all[place].claim(now);
        let chosen = choose((all.len(), *next), tried, Balance::RoundRobin, view, claim)?;
        *next = chosen + 1;
        Some(chosen)
    }

    #[test]
    fn the_least_busy_is_taken_and_turns_break_ties() {
        for (busy, next, place) in [(&[2, 1, 3][..], 0, 1), (&[1, 1, 1], 2, 2), (&[0, 5, 0], 1, 2), (&[4, 4, 3], 0, 2)]
        {
            let view = |at: usize| View { standing: Standing::In, busy: busy[at], returns_at: 0 };
            let chosen = choose((3, next), Tried::default(), Balance::LeastBusy, view, |_| false);
            assert_eq!(chosen, Some(place), "{busy:?} from {next}");
        }
    }

    proptest! {
        /// Those that are in are taken equally often, whatever else is out.
        #[test]
        fn turns_are_fair(out in proptest::collection::vec(any::<bool>(), 1..9), start in 0_usize..9) {
            let all: Vec<Health> = (0..).zip(&out).map(|(seed, _)| Health::new(seed)).collect();
            for (health, _) in all.iter().zip(&out).filter(|(_, out)| **out) {
                (0..3).for_each(|_| health.failed(0));
            }
            let of_in = out.iter().filter(|out| !**out).count();
            prop_assume!(of_in > 0);
            let (mut next, mut counts) = (start, vec![0; out.len()]);
            for _ in 0..of_in * 10 {
                counts[round(&all, &mut next, Tried::default(), 1).unwrap()] += 1;
            }
            for (count, out) in counts.iter().zip(&out) {
                prop_assert_eq!(*count, if *out { 0 } else { 10 });
            }
        }

        /// One that is out gets nothing before its time while another is in, and then one request at a time.
        #[test]
        fn one_that_is_out_waits_for_its_time(seed in any::<u64>(), steps in proptest::collection::vec(1_u64..400, 1..200)) {
            let all = [Health::new(seed), Health::new(seed ^ 1), Health::new(seed ^ 2)];
            (0..3).for_each(|_| all[0].failed(0));
            let (mut next, mut now) = (0, 0);
            for step in steps {
                now += step;
                let back = all[0].returns_at();
                let mut asked = 0;
                for _ in 0..6 {
                    let chosen = round(&all, &mut next, Tried::default(), now).unwrap();
                    if chosen == 0 {
                        prop_assert!(now >= back, "at {} before {}", now, back);
                        asked += 1;
                    }
                }
                prop_assert_eq!(asked, usize::from(now >= back));
                if asked > 0 {
                    all[0].failed(now);
                    prop_assert!(all[0].returns_at() > now);
                }
            }
        }

        /// Where all are out one is tried, once for each request.
        #[test]
        fn nobody_is_refused_without_a_try(count in 1_usize..9, next in 0_usize..9) {
            let all: Vec<Health> = (0..count).map(|seed| Health::new(seed as u64)).collect();
            all.iter().for_each(|health| (0..3).for_each(|_| health.failed(0)));
            let first = all.iter().map(Health::returns_at).min().unwrap();
            let (mut next, mut tried) = (next, Tried::default());
            let chosen = round(&all, &mut next, tried, 1).unwrap();
            prop_assert_eq!(all[chosen].returns_at(), first);
            tried.add(chosen);
            prop_assert_eq!(round(&all, &mut next, tried, 1), None);
        }
    }
}
