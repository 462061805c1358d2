//! What limits promise, over whole workers that share their cells: several cores, crashes, a store that fails, clocks that
//! jump. The arithmetic of one cell has its own tests in `core`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

#[path = "limits/kit.rs"]
mod kit;
mod world;

use std::collections::HashMap;
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use keyward_core::decision::Fault;
use keyward_core::limit::{Cell, Charged, Limit, OnFault, Per};
use keyward_core::time::Monotonic;
use proptest::prelude::*;

use kit::{Bed, HOUR, Said, limit, quota, rate};

const SECOND: u64 = 1_000_000_000;

fn number(value: u32) -> std::num::NonZeroU32 {
    std::num::NonZeroU32::new(value).unwrap()
}

#[test]
fn cores_together_admit_what_one_would() {
    const CORES: usize = 4;
    let limits = vec![quota("q", Per::Route, 100, 60), rate("r", Per::Address, 600, 60, 7)];
    let bed = Bed::new(limits, CORES);
    let admitted = Mutex::new(Vec::new());
    let (begin, end) = (Barrier::new(CORES), Barrier::new(CORES));
    std::thread::scope(|scope| {
        for (core, worker) in bed.take_workers().into_iter().enumerate() {
            let (bed, admitted, begin, end) = (&bed, &admitted, &begin, &end);
            scope.spawn(move || {
                for phase in 0..20_u64 {
                    begin.wait();
                    let mut count = 0;
                    for _ in 0..50 {
                        let said = kit::block_on(kit::ask(&worker, "192.0.2.1", 1));
                        count += u64::from(said.unwrap().passed);
                    }
                    admitted.lock().unwrap().push((phase, count));
                    end.wait();
                    if core == 0 {
                        bed.clock.pass(Duration::from_millis(350));
                    }
                }
            });
        }
    });
    let mut by_phase = [0_u64; 20];
    for (phase, count) in admitted.into_inner().unwrap() {
        by_phase[usize::try_from(phase).unwrap()] += count;
    }
    // 7 at once, then 3.5 in each phase; in the end no more than the quota.
    assert_eq!(&by_phase[..4], [7, 3, 4, 3]);
    assert!(by_phase.iter().sum::<u64>() <= 100);
    for first in 0..20 {
        for last in first..20 {
            let sum: u64 = by_phase[first..=last].iter().sum();
            let line = (last - first) as u64 * 35;
            assert!(sum * 10 <= line + 70, "{first}..={last}: {sum}");
        }
    }
}

#[test]
fn cores_together_write_ahead_and_admit_exactly_the_quota() {
    let bed = Bed::new(vec![quota("q", Per::Address, 500, HOUR)], 4);
    let process = bed.write_ahead_on_a_thread();
    let admitted: usize = std::thread::scope(|scope| {
        let workers = bed.take_workers().into_iter();
        let threads = workers.map(|worker| {
            scope.spawn(move || {
                let one = || kit::block_on(kit::ask(&worker, "192.0.2.1", 1)).unwrap();
                (0..400).filter(|_| one().passed).count()
            })
        });
        threads.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 500);
    assert!(bed.store.writes() < 100, "{} writes for 500 requests", bed.store.writes());
    drop(process);
}

#[tokio::test(start_paused = true)]
async fn all_are_charged_or_none_and_what_is_refused_costs_nothing() {
    let limits = vec![
        quota("route", Per::Route, 4, 60),
        quota("place", Per::Address, 3, 60),
        quota("kept", Per::Address, 100, HOUR),
    ];
    let bed = Bed::new(limits, 1);
    let _running = bed.run();
    for (place, cost, passes, left) in [
        ("192.0.2.1", 2, true, vec![2, 1, 98]),
        ("192.0.2.1", 2, false, vec![2, 1, 98]),
        ("192.0.2.1", 1, true, vec![1, 0, 97]),
        ("192.0.2.2", 2, false, vec![1, 3]),
        ("192.0.2.2", 1, true, vec![0, 2, 99]),
        ("192.0.2.3", 1, false, vec![0, 3]),
    ] {
        let said = bed.ask(place, cost).await.unwrap();
        assert_eq!((said.passed, said.left), (passes, left), "{place} for {cost}");
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_of_one_network_count_together() {
    let bed = Bed::new(vec![quota("place", Per::Address, 1, 60)], 1);
    for (place, passes) in [
        ("2001:db8::1", true),
        ("2001:db8::ffff:ffff", false),
        ("2001:db8:0:1::1", true),
        ("192.0.2.1", true),
        ("::ffff:192.0.2.1", false),
        ("192.0.2.2", true),
    ] {
        assert_eq!(bed.ask(place, 1).await.unwrap().passed, passes, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_denies_or_allows_as_the_limit_says() {
    for (rule, expected) in [(OnFault::Deny, Err(Fault::Limits)), (OnFault::Allow, Ok(true))] {
        let limits = vec![quota("kept", Per::Address, 3, HOUR).on_fault(rule), quota("short", Per::Address, 5, 60)];
        let bed = Bed::new(limits, 1);
        let _running = bed.run();
        bed.store.fail(true);
        assert_eq!(bed.ask("192.0.2.1", 1).await.map(|said| said.passed), expected);
        bed.store.fail(false);
        // What was denied was charged nowhere; what was allowed was charged where it could be.
        let left = if rule == OnFault::Deny { 4 } else { 3 };
        assert_eq!(bed.ask("192.0.2.1", 1).await.unwrap().left, [2, left]);
        bed.store.hang(true);
        assert_eq!(bed.ask("192.0.2.9", 1).await.map(|said| said.passed), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn without_room_newcomers_are_denied_and_known_ones_are_served() {
    let (place, other) = (quota("place", Per::Address, 100, 60), quota("other", Per::Address, 200, 30));
    for (limits, left) in [(vec![place.clone()], vec![98]), (vec![place, other], vec![98, 198])] {
        let each = limits.len();
        let bed = Bed::with_room(limits, 1);
        let mut denied = 0;
        for place in 0..2000_u32 {
            let address = std::net::Ipv4Addr::from(place).to_string();
            denied += usize::from(bed.ask(&address, 1).await == Err(Fault::Limits));
        }
        assert!(bed.cells().count() <= 128, "{} cells", bed.cells().count());
        assert_eq!(each * (2000 - denied), bed.cells().count(), "whoever was denied has no cell at all");
        assert_eq!(bed.ask("0.0.0.0", 1).await.unwrap().left, left, "the first is still known");
        bed.clock.pass(Duration::from_secs(71));
        for turn in 0..32 {
            bed.cells().sweep(turn, bed.clock.monotonic());
        }
        assert_eq!(bed.cells().count(), 0, "full ones are forgotten");
    }
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_gives_back_what_was_not_used_and_a_crash_does_not() {
    let bed = Bed::new(vec![quota("kept", Per::Address, 200, HOUR)], 1);
    let running = bed.run();
    assert_eq!(bed.ask("192.0.2.1", 1).await.unwrap().left, [199]);
    bed.end(running).await;
    let running = bed.run();
    assert_eq!(bed.ask("192.0.2.1", 1).await.unwrap().left, [198]);
    running.crash();
    let _running = bed.run();
    assert_eq!(bed.ask("192.0.2.1", 1).await.unwrap().left, [188], "a portion of ten is lost at most");
}

/// What a process and its clocks go through.
#[derive(Clone, Debug)]
enum Step {
    Ask(u32),
    Pass(u64),
    Set(i64),
    Crash,
    End,
    Fail(bool),
}

/// By so many milliseconds.
fn set(range: std::ops::Range<i64>) -> impl Strategy<Value = Step> {
    range.prop_map(Step::Set)
}

fn end() -> impl Strategy<Value = Step> {
    prop_oneof![Just(Step::Crash), Just(Step::End)]
}

fn steps(other: impl Strategy<Value = Step> + 'static) -> impl Strategy<Value = Vec<Step>> {
    let minutes = |range: std::ops::Range<u64>| range.prop_map(|minutes| Step::Pass(minutes * 60_000));
    let step = prop_oneof![
        12 => (1..4_u32).prop_map(Step::Ask),
        3 => minutes(0..50),
        1 => (0..3000_u64).prop_map(Step::Pass),
        2 => other,
        1 => any::<bool>().prop_map(Step::Fail),
    ];
    proptest::collection::vec(step, 1..120)
}

/// Plays steps against a quota of an hour; when how much was admitted.
async fn play(requests: u32, steps: &[Step]) -> Vec<(u64, u32)> {
    let bed = Bed::new(vec![quota("kept", Per::Address, requests, HOUR)], 1);
    let mut running = bed.run();
    let mut admitted = Vec::new();
    for step in steps {
        match step {
            Step::Ask(cost) => {
                if bed.ask("192.0.2.1", *cost).await.is_ok_and(|said| said.passed) {
                    admitted.push((bed.clock.monotonic().as_nanos(), *cost));
                }
            }
            Step::Pass(millis) => bed.clock.pass(Duration::from_millis(*millis) + Duration::from_nanos(123_457)),
            Step::Set(millis) => bed.clock.set_wall_by(*millis),
            Step::Fail(failing) => bed.store.fail(*failing),
            Step::Crash => {
                running.crash();
                running = bed.run();
            }
            Step::End => {
                bed.end(running).await;
                running = bed.run();
            }
        }
    }
    admitted
}

/// How much longer a window may be that is kept in milliseconds of another clock.
const LONGER: u64 = 2_000_000;

/// Windows begin with their first request and do not overlap; each holds no more than the quota. A request that comes as a
/// window ends may be of that one or begin the next: some way to cut what was admitted into windows must hold.
fn never_more_than(requests: u32, admitted: &[(u64, u32)]) -> Result<(), TestCaseError> {
    let mut ways: Vec<(u64, u32)> = vec![(0, 0)];
    for (at, cost) in admitted {
        let mut next = Vec::new();
        for (begun, sum) in ways {
            if sum == 0 || *at >= begun + HOUR * SECOND {
                next.push((*at, *cost));
            }
            if sum > 0 && *at < begun + HOUR * SECOND + LONGER {
                next.push((begun, sum + cost));
            }
        }
        next.retain(|(_, sum)| *sum <= requests);
        next.dedup();
        ways = next;
        prop_assert!(!ways.is_empty(), "more than {requests} in one window: {admitted:?}");
    }
    Ok(())
}

fn paused<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_crash_refills_a_quota(requests in 3..120_u32, steps in steps(end())) {
        never_more_than(requests, &paused(play(requests, &steps)))?;
    }

    #[test]
    fn no_clock_that_jumps_refills_a_quota_that_runs(
        requests in 3..120_u32, steps in steps(set(-7_200_000..7_200_000)),
    ) {
        never_more_than(requests, &paused(play(requests, &steps)))?;
    }

    /// A process that begins anew has only the clock that was set to go by: windows may be longer then, and never shorter, so
    /// that an hour meets two of them at most.
    #[test]
    fn no_crash_with_a_clock_set_back_refills_a_quota(
        requests in 3..120_u32, steps in steps(prop_oneof![end(), set(-7_200_000..0)]),
    ) {
        let admitted = paused(play(requests, &steps));
        for (first, (begin, _)) in admitted.iter().enumerate() {
            let hour = admitted[first..].iter().take_while(|(at, _)| *at < begin + HOUR * SECOND);
            let sum: u32 = hour.map(|(_, cost)| cost).sum();
            prop_assert!(sum <= 2 * requests, "{sum} of {requests}: {admitted:?}");
        }
    }

    /// The table says what the arithmetic says of each cell, and charges all or none; and what it says of waiting is true.
    #[test]
    fn the_table_says_what_the_arithmetic_says(
        asks in proptest::collection::vec((0..4_u8, 1..4_u32, 0..20 * SECOND), 1..150),
        requests in 3..20_u32, burst in 3..10_u32, seconds in 1..60_u64,
        (first, count) in (0..3_usize, 1..=3_usize),
    ) {
        let mut limits = vec![
            quota("route", Per::Route, requests * 3, seconds),
            quota("place", Per::Address, requests, seconds * 2),
            rate("rate", Per::Address, requests, seconds, burst),
        ];
        limits.rotate_left(first);
        limits.truncate(count);
        let bed = Bed::new(limits.clone(), 1);
        let mut cells: HashMap<(usize, u8), Cell> = HashMap::new();
        for (place, cost, gap) in asks {
            bed.clock.pass(Duration::from_nanos(gap));
            let said = paused(bed.ask(&format!("192.0.2.{place}"), cost)).unwrap();
            let subject = |limit: &Limit| if limit.per() == Per::Route { 0 } else { place };
            let charge = |cells: &HashMap<(usize, u8), Cell>, now: Monotonic| -> Vec<Charged> {
                let one = |(id, limit): (usize, &Limit)| {
                    limit.charge(cells.get(&(id, subject(limit))).copied(), number(cost), now)
                };
                limits.iter().enumerate().map(one).collect()
            };
            let now = bed.clock.monotonic();
            let expected = charge(&cells, now);
            let passes = |all: &[Charged]| all.iter().all(|one| matches!(one, Charged::Within(_)));
            prop_assert_eq!(said.passed, passes(&expected));
            if said.passed {
                for (id, charged) in expected.into_iter().enumerate() {
                    let Charged::Within(cell) = charged else { continue };
                    cells.insert((id, subject(&limits[id])), cell);
                }
            } else {
                let wait = said.wait.unwrap();
                prop_assert!(passes(&charge(&cells, now.after(wait))));
                prop_assert!(!passes(&charge(&cells, now.after(wait - Duration::from_nanos(1)))));
            }
        }
    }

    /// Whoever keeps to the line is never refused, crash or not: by a rate, and by a quota of which each window holds what it
    /// wants.
    #[test]
    fn a_steady_client_is_never_refused(
        requests in 1..300_u32, burst in 1..20_u32, crash_at in proptest::option::of(0..300_usize),
    ) {
        // After a crash one portion of the quota, a twentieth, may be lost.
        let spare = requests / 20 + 2;
        let limits = vec![
            rate("rate", Per::Address, requests, HOUR, burst),
            quota("kept", Per::Address, requests + spare, HOUR),
        ];
        let refused = paused(async {
            let bed = Bed::new(limits, 1);
            let mut running = bed.run();
            let gap = Duration::from_nanos((HOUR * SECOND).div_ceil(u64::from(requests)));
            for number in 0..300 {
                if crash_at == Some(number) {
                    running.crash();
                    running = bed.run();
                }
                match bed.ask("192.0.2.1", 1).await {
                    Ok(Said { passed: true, .. }) => bed.clock.pass(gap),
                    other => return Some((number, other)),
                }
            }
            None
        });
        prop_assert!(refused.is_none(), "{:?}", refused);
    }
}

#[test]
fn limits_of_one_name_and_another_window_are_others() {
    // A reload that changes a limit's window begins anew; one that changes its number does not.
    let minute = Duration::from_secs(60);
    let one = limit("x", Per::Key, 5, minute, None);
    assert_eq!(one.identity(), limit("x", Per::Key, 50, minute, None).identity());
    assert_ne!(one.identity(), limit("x", Per::Address, 5, minute, None).identity());
}
