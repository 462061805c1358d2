//! What a limit promises, for any arrivals.

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn number(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap()
}

fn quota(requests: u32, window: Duration) -> Limit {
    Limit::new("q", Per::Key, number(requests), window, None)
}

fn rate(requests: u32, window: Duration, burst: u32) -> Limit {
    Limit::new("r", Per::Key, number(requests), window, Some(number(burst)))
}

fn at(nanos: u64) -> Monotonic {
    Monotonic::from_nanos(nanos)
}

/// Plays arrivals of (gap, cost) and gives back those admitted as (time, cost).
fn play(limit: &Limit, arrivals: &[(u64, u32)]) -> Vec<(u64, u32)> {
    let (mut cell, mut now, mut admitted) = (None, 0, Vec::new());
    for (gap, cost) in arrivals {
        now += gap;
        if let Charged::Within(next) = limit.charge(cell, number(*cost), at(now)) {
            cell = Some(next);
            admitted.push((now, *cost));
        }
    }
    admitted
}

#[test]
fn a_quota_admits_all_at_once_and_then_waits_for_the_end_of_its_window() {
    let limit = quota(3, Duration::from_secs(60));
    let second = |n: u64| n * SECOND;
    let arrivals = [(0, 1), (0, 1), (0, 1), (0, 1), (second(59), 1), (second(1), 1)];
    assert_eq!(play(&limit, &arrivals), [(0, 1), (0, 1), (0, 1), (second(60), 1)]);
    let full = Some(Cell::Window { ends: at(second(60)), used: 3 });
    assert_eq!(limit.charge(full, number(1), at(second(20))), Charged::Over(Duration::from_secs(40)));
}

#[test]
fn a_rate_admits_its_burst_and_then_its_line() {
    let limit = rate(60, Duration::from_secs(60), 2);
    let arrivals = [(0, 1), (0, 1), (0, 1), (SECOND - 1, 1), (1, 1), (SECOND / 2, 1), (SECOND / 2, 1)];
    assert_eq!(play(&limit, &arrivals), [(0, 1), (0, 1), (SECOND, 1), (2 * SECOND, 1)]);
}

#[test]
fn more_than_ever_fits_is_over_for_good() {
    let limit = rate(1, Duration::from_secs(1), 2);
    assert!(matches!(limit.charge(None, number(3), at(0)), Charged::Over(_)));
    let limit = quota(2, Duration::from_secs(1));
    assert!(matches!(limit.charge(None, number(3), at(0)), Charged::Over(_)));
}

#[test]
fn a_clock_read_a_little_earlier_by_another_core_drains_nothing_twice() {
    let limit = rate(1, Duration::from_secs(1), 1);
    let mut cell = None;
    let mut admitted = 0;
    for _ in 0..100 {
        for now in [10 * SECOND, 10 * SECOND - 1] {
            if let Charged::Within(next) = limit.charge(cell, number(1), at(now)) {
                (cell, admitted) = (Some(next), admitted + 1);
            }
        }
    }
    assert_eq!(admitted, 1);
}

#[test]
fn standings_say_what_is_left() {
    let limit = rate(60, Duration::from_secs(60), 5);
    let Charged::Within(cell) = limit.charge(None, number(2), at(0)) else { panic!("within") };
    let standing = limit.standing(LimitId(0), Some(cell), at(SECOND / 2));
    assert_eq!((standing.remaining, standing.reset), (3, Duration::from_millis(1500)));
    assert_eq!(limit.full_at(cell), at(2 * SECOND));
    let limit = quota(5, Duration::from_secs(60));
    let Charged::Within(cell) = limit.charge(None, number(2), at(0)) else { panic!("within") };
    let standing = limit.standing(LimitId(0), Some(cell), at(SECOND));
    assert_eq!((standing.remaining, standing.reset), (3, Duration::from_secs(59)));
}

#[test]
fn identities_outlive_what_changes_nothing_of_the_cells() {
    let minute = Duration::from_secs(60);
    assert_eq!(quota(3, minute).identity(), quota(4, minute).identity());
    assert_ne!(quota(3, minute).identity(), quota(3, minute * 2).identity());
    assert_ne!(rate(3, minute, 1).identity(), rate(4, minute, 1).identity());
    assert_eq!(rate(3, minute, 1).identity(), rate(3, minute, 2).identity());
}

fn arrivals() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let gap = prop_oneof![Just(0), 0..1000_u64, 0..SECOND, 0..20 * SECOND];
    proptest::collection::vec((gap, 1..4_u32), 1..300)
}

proptest! {
    /// Over any span, from any arrival to any other, no more than the line and the burst.
    #[test]
    fn a_rate_never_admits_more_than_its_line_and_burst(
        arrivals in arrivals(), requests in 1..2000_u32, millis in 1..100_000_u64, burst in 3..50_u32,
    ) {
        let window = Duration::from_millis(millis);
        let admitted = play(&rate(requests, window, burst), &arrivals);
        for (first, (begin, _)) in admitted.iter().enumerate() {
            let mut sum = 0_u128;
            for (now, cost) in &admitted[first..] {
                sum += u128::from(*cost);
                let line = u128::from(now - begin) * u128::from(requests);
                prop_assert!(sum * window.as_nanos() <= line + u128::from(burst) * window.as_nanos());
            }
        }
    }

    /// Windows start with their first request and do not overlap; each holds at most `requests`.
    #[test]
    fn a_quota_never_admits_more_than_it_has_in_a_window(
        arrivals in arrivals(), requests in 3..50_u32, millis in 1..100_000_u64,
    ) {
        let window = u64::try_from(Duration::from_millis(millis).as_nanos()).unwrap();
        let admitted = play(&quota(requests, Duration::from_millis(millis)), &arrivals);
        let (mut begin, mut sum) = (None, 0);
        for (now, cost) in admitted {
            if begin.is_none_or(|begin| now >= begin + window) {
                (begin, sum) = (Some(now), 0);
            }
            sum += cost;
            prop_assert!(sum <= requests);
        }
    }

    /// Whoever keeps to the line is never refused, whatever the numbers.
    #[test]
    fn a_steady_client_is_never_refused(
        requests in 1..5000_u32, millis in 1..100_000_u64, burst in 1..50_u32, late in proptest::collection::vec(0..1000_u64, 1..300),
    ) {
        let window = Duration::from_millis(millis);
        let gap = u64::try_from(window.as_nanos().div_ceil(u128::from(requests))).unwrap();
        let arrivals: Vec<_> = late.iter().map(|late| (gap + late, 1)).collect();
        prop_assert_eq!(play(&rate(requests, window, burst), &arrivals).len(), arrivals.len());
    }

    /// `Retry-After` is true: the same charge passes after it, and not a nanosecond before.
    #[test]
    fn what_is_over_passes_after_the_span_that_was_told(
        arrivals in arrivals(), requests in 3..100_u32, millis in 1..100_000_u64, burst in proptest::option::of(3..50_u32), cost in 1..4_u32,
    ) {
        let limit = Limit::new("x", Per::Key, number(requests), Duration::from_millis(millis), burst.map(number));
        let (mut cell, mut now) = (None, 0);
        for (gap, cost) in &arrivals {
            now += gap;
            if let Charged::Within(next) = limit.charge(cell, number(*cost), at(now)) {
                cell = Some(next);
            }
        }
        if let Charged::Over(wait) = limit.charge(cell, number(cost), at(now)) {
            let passes = |at| matches!(limit.charge(cell, number(cost), at), Charged::Within(_));
            prop_assert!(passes(at(now).after(wait)));
            prop_assert!(!passes(at(now).after(wait - Duration::from_nanos(1))));
        }
    }
}
