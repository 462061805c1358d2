//! Decisions on one core: each is kept once, on its own or counted, whatever comes and however slow the store is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

#[path = "ledger/hand_over.rs"]
mod hand_over;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::address::AddressRules;
use keyward_core::api_key::CredentialEntry;
use keyward_core::decision::DecisionId;
use keyward_core::principal::{Grants, Kind, Mode, Principal};
use keyward_core::route::Routes;
use keyward_core::scope::ScopeSet;
use keyward_core::written::Written;
use keyward_engine::counts::Count;
use keyward_engine::figures::{Class, Minute};
use keyward_engine::folds::Fold;
use keyward_engine::ledger::{Batch, Closed, Ledger, Recording};
use keyward_engine::mark::{Level, Mark, Verdict};
use keyward_engine::record::Record;
use proptest::prelude::*;
use tokio::sync::mpsc::Receiver;

const SECOND: u64 = 1_700_000_000;

/// One request as these tests make them.
fn close(ledger: &Ledger, second: u64, serial: u64, verdict: &Verdict, client: IpAddr) -> DecisionId {
    let at = keyward_core::time::Timestamp::from_millis(i64::try_from(second * 1000).unwrap());
    let wanted = ledger.want(at);
    let id = DecisionId::new(1, 0, second, ledger.mark(verdict, client).within(serial));
    let took = Duration::from_micros(10);
    let record = wanted.record().then(|| Record {
        id,
        at,
        took,
        client,
        method: "GET".into(),
        path: "/".into(),
        route: None,
        outcome: verdict.outcome,
        detail: None,
        principal: None,
        credential: None,
        status: 200,
    });
    let routes = Routes::default();
    let closed =
        Closed { id, at, verdict, routes: &routes, version: 1, client, outcome: verdict.outcome, status: 200, took };
    ledger.close(wanted, record, &closed);
    id
}

fn address(number: u32) -> IpAddr {
    std::net::Ipv4Addr::from(0x0a00_0000 + number).into()
}

/// All that a ledger hands over.
fn drain(ledger: &Ledger, batches: &mut Receiver<Batch>) -> Vec<Batch> {
    // Counts of many callers may wait for a while.
    (0..20).for_each(|_| ledger.flush());
    std::iter::from_fn(|| batches.try_recv().ok()).collect()
}

fn total(batches: &[Batch]) -> u64 {
    batches.iter().map(Batch::total).sum()
}

/// Decisions that were folded.
fn folds(batches: &[Batch]) -> impl Iterator<Item = &Fold> {
    batches.iter().flat_map(|batch| &batch.folds)
}

/// What is counted by caller.
fn counts(batches: &[Batch]) -> impl Iterator<Item = &Count> {
    batches.iter().flat_map(|batch| &batch.counts)
}

/// How many of a minute have something in common.
type ByMinute<T> = HashMap<(i64, T), u64>;

/// Minutes of several batches, added up: requests by minute and outcome, and spans by minute.
fn minutes(batches: &[Batch]) -> (ByMinute<&'static str>, ByMinute<Class>) {
    let (mut requests, mut spans) = (HashMap::new(), HashMap::new());
    for Minute { at, requests: more, spans: longer } in batches.iter().flat_map(|batch| &batch.figures) {
        for (_, outcome, count) in more {
            *requests.entry((at.as_millis(), *outcome)).or_default() += count;
        }
        for (class, count) in longer {
            *spans.entry((at.as_millis(), *class)).or_default() += count;
        }
    }
    (requests, spans)
}

/// Requests by credential, as usage has them.
fn counted(batches: &[Batch]) -> HashMap<Option<Box<str>>, u64> {
    let mut counted = HashMap::new();
    for count in counts(batches) {
        *counted.entry(count.credential_id().map(Into::into)).or_default() += count.count;
    }
    counted
}

/// A verdict on a caller whose credential has this number.
fn of_caller(number: u32) -> Verdict {
    let entry = CredentialEntry {
        principal: Principal {
            id: "user_1".into(),
            name: "caller".into(),
            kind: Kind::ApiKey,
            account: None,
            credential: format!("key_{number}").into(),
            mode: Mode::Live,
            grants: Grants::Named(ScopeSet::default()),
        },
        addresses: AddressRules::default(),
        line: None,
        counted: keyward_core::plan::Counted::default(),
        account_addresses: Vec::new(),
        ends_at: None,
        renew_at: None,
        csrf: None,
        plane: None,
        begins_at: None,
        disabled: false,
        revoked: false,
        is_half: false,
        source_ends_at: None,
        replaced: false,
        written: Written::default(),
    };
    Verdict { credential: Some(Arc::new(entry)), ..Verdict::of("allowed", None) }
}

/// Whether an id leads to something: as a store finds it.
fn leads(id: DecisionId, batches: &[Batch]) -> bool {
    let mark = Mark::in_id(id.within());
    let of_fold = |level: Level| DecisionId::of_lane(id.lane(), id.second(), mark.at(level));
    batches.iter().any(|batch| {
        batch.records.iter().any(|record| record.id == id)
            || batch.folds.iter().any(|fold| fold.id == of_fold(fold.level))
    })
}

#[test]
fn up_to_the_rate_each_is_kept_on_its_own_and_above_it_counted() {
    let (recording, mut batches) = Recording::kept(3);
    let ledger = Ledger::new(recording);
    let verdict = Verdict::of("allowed", None);
    let ids: Vec<DecisionId> = (0..10).map(|n| close(&ledger, SECOND, n, &verdict, address(1))).collect();
    close(&ledger, SECOND + 1, 11, &verdict, address(1));
    let kept = drain(&ledger, &mut batches);
    let [batch] = &kept[..] else { panic!("one batch") };
    assert_eq!(batch.records.len(), 4, "three in the first second, one in the next");
    let [fold] = &batch.folds[..] else { panic!("one fold: {:?}", batch.folds) };
    assert_eq!((fold.count(), fold.level, fold.client), (7, Level::Full, Some(address(1))));
    assert!(ids.iter().all(|id| leads(*id, &kept)));
}

#[test]
fn what_differs_is_counted_apart() {
    let (recording, mut batches) = Recording::kept(0);
    let ledger = Ledger::new(recording);
    for n in 0..4 {
        close(&ledger, SECOND, n, &Verdict::of("Rejected", Some("unknown")), address(1));
    }
    close(&ledger, SECOND, 5, &Verdict::of("Rejected", Some("expired")), address(1));
    close(&ledger, SECOND, 6, &Verdict::of("Rejected", Some("unknown")), address(2));
    close(&ledger, SECOND + 1, 7, &Verdict::of("Rejected", Some("unknown")), address(1));
    let kept = drain(&ledger, &mut batches);
    let mut counts: Vec<u64> = folds(&kept).map(Fold::count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 1, 4]);
}

#[test]
fn many_addresses_are_counted_more_coarsely_and_each_id_still_leads_to_its_fold() {
    let (recording, mut batches) = Recording::kept(0);
    let ledger = Ledger::new(recording);
    let verdict = Verdict::of("NoCredential", None);
    let ids: Vec<DecisionId> = (0..5000).map(|n| close(&ledger, SECOND, u64::from(n), &verdict, address(n))).collect();
    let kept = drain(&ledger, &mut batches);
    let levels: HashSet<Level> = folds(&kept).map(|fold| fold.level).collect();
    assert_eq!(levels, HashSet::from([Level::Full, Level::AnyAddress]));
    assert!(folds(&kept).count() < 1100, "memory stays bounded: {} folds", folds(&kept).count());
    assert_eq!(total(&kept), 5000);
    assert!(ids.iter().all(|id| leads(*id, &kept)), "an id leads nowhere");
}

#[test]
fn a_store_that_takes_nothing_costs_bounded_memory_and_no_count() {
    let (recording, mut batches) = Recording::kept(50);
    let ledger = Ledger::new(recording);
    let verdict = Verdict::of("NoCredential", None);
    for second in 0..6000 {
        for n in 0..60 {
            close(&ledger, SECOND + second, n, &verdict, address(1));
        }
        ledger.flush();
    }
    let mut kept = drain(&ledger, &mut batches);
    kept.extend(drain(&ledger, &mut batches));
    assert_eq!(total(&kept), 360_000);
    assert!(kept.iter().all(|batch| batch.records.len() <= 4096 && batch.folds.len() <= 4096));
    let lost = kept.iter().find_map(|batch| batch.lost).expect("more than memory holds is told as a number");
    assert!(lost.at.as_millis() > i64::try_from(SECOND * 1000).unwrap(), "and since when: {lost:?}");
    assert_eq!(counted(&kept), HashMap::from([(None, 360_000)]), "usage loses none of it");
}

#[test]
fn however_coarsely_decisions_are_folded_no_request_loses_its_caller() {
    let (recording, mut batches) = Recording::kept(0);
    // The first counts beside the credentials, the other apart from them.
    let ledgers = [1, 2].map(|_| Ledger::new(recording.clone()));
    let callers: Vec<Verdict> = (0..6000).map(of_caller).collect();
    for (serial, caller) in (0..).zip(callers.iter().chain(&callers)) {
        for ledger in &ledgers {
            close(ledger, SECOND, serial, caller, address(u32::try_from(serial % 7).unwrap()));
        }
    }
    for ledger in &ledgers {
        let kept = drain(ledger, &mut batches);
        let coarse = folds(&kept).filter(|fold| fold.level == Level::AnyCaller);
        assert!(coarse.map(Fold::count).sum::<u64>() > 0, "the folds are not under pressure");
        let counted = counted(&kept);
        assert_eq!((counted.len(), counted.values().all(|count| *count == 2)), (6000, true));
        let hours: HashSet<i64> = counts(&kept).map(|count| count.hour.as_millis()).collect();
        assert_eq!(hours, HashSet::from([1_699_999_200_000]));
        assert!(counts(&kept).all(|count| count.principal_id() == Some("user_1")));
    }
}

#[test]
fn each_outcome_of_each_hour_is_counted_apart_however_they_alternate() {
    let (recording, mut batches) = Recording::kept(0);
    let ledger = Ledger::new(recording);
    let verdicts = ["allowed", "NoCredential", "allowed"].map(|outcome| Verdict::of(outcome, None));
    for (serial, hour) in (0..).zip([0, 1, 0, 2, 1, 0]) {
        for verdict in &verdicts {
            close(&ledger, SECOND + hour * 3600, serial, verdict, address(1));
        }
    }
    let kept = drain(&ledger, &mut batches);
    let mut seen: Vec<_> = counts(&kept).map(|count| (count.hour.as_millis(), count.outcome, count.count)).collect();
    seen.sort_unstable();
    let hour = |number: i64| 1_699_999_200_000 + number * 3_600_000;
    let expected = [(0, 3), (1, 2), (2, 1)]
        .map(|(number, times)| [(hour(number), "NoCredential", times), (hour(number), "allowed", 2 * times)]);
    assert_eq!(seen, expected.concat());
}

#[test]
fn each_minute_is_counted_exactly_however_decisions_are_folded_and_counts_wait() {
    let (recording, mut batches) = Recording::kept(2);
    let ledger = Ledger::new(recording);
    let refused = Verdict::of("NoCredential", None);
    let mut kept = Vec::new();
    // More callers than are handed over at once: their counts wait, and figures do not.
    for number in 0..600 {
        close(&ledger, SECOND, number, &of_caller(u32::try_from(number).unwrap()), address(1));
        close(&ledger, SECOND + 60, number, &refused, address(u32::try_from(number).unwrap()));
        if number % 300 == 299 {
            ledger.flush();
            kept.extend(std::iter::from_fn(|| batches.try_recv().ok()));
        }
    }
    kept.extend(drain(&ledger, &mut batches));
    assert!(kept.iter().any(|batch| batch.counts.is_empty() && !batch.figures.is_empty()), "no counts waited");
    let minute = 1_699_999_980_000;
    let (requests, spans) = minutes(&kept);
    assert_eq!(requests, HashMap::from([((minute, "allowed"), 600), ((minute + 60_000, "NoCredential"), 600)]));
    let class = Class::of(Duration::from_micros(10));
    assert_eq!(spans, HashMap::from([((minute, class), 600)]), "of those that were let pass alone");
}

#[test]
fn minutes_of_a_store_that_takes_nothing_for_days_are_bounded_and_none_is_lost() {
    let (recording, mut batches) = Recording::kept(0);
    let ledger = Ledger::new(recording);
    let verdict = Verdict::of("allowed", None);
    let days = 4;
    for minute in 0..days * 1440 {
        close(&ledger, SECOND + minute * 60, minute, &verdict, address(1));
    }
    let kept = drain(&ledger, &mut batches);
    let count = kept.iter().map(|batch| batch.figures.len()).sum::<usize>();
    assert!(count <= 1440 + 24 * 4, "{count} minutes");
    assert_eq!(minutes(&kept).0.values().sum::<u64>(), days * 1440);
}

#[test]
fn a_credential_that_several_cores_know_is_counted_by_each_and_lost_by_none() {
    let (recording, mut batches) = Recording::kept(0);
    let ledgers = [1, 2, 3].map(|_| Ledger::new(recording.clone()));
    let (allowed, other) = (of_caller(1), of_caller(2));
    let refused = Verdict { outcome: "Forbidden", ..allowed.clone() };
    for round in 0..3 {
        for (serial, ledger) in (0..).zip(&ledgers) {
            for verdict in [&allowed, &refused, &other, &allowed] {
                // An hour of its own in the end: what was begun beside the credential goes on elsewhere.
                close(ledger, SECOND + round / 2 * 3600, serial, verdict, address(1));
            }
        }
    }
    ledgers[0].flush();
    close(&ledgers[1], SECOND, 1, &allowed, address(1));
    let mut kept = drain(&ledgers[1], &mut batches);
    // The last core ends with what it has.
    drop(ledgers);
    kept.extend(std::iter::from_fn(|| batches.try_recv().ok()));
    let mut seen: HashMap<_, u64> = HashMap::new();
    for count in counts(&kept) {
        *seen.entry((count.hour.as_millis(), count.credential_id().unwrap(), count.outcome)).or_default() +=
            count.count;
    }
    let hour = |number: i64| 1_699_999_200_000 + number * 3_600_000;
    let expected = [(0, "key_1", "allowed", 13), (0, "key_1", "Forbidden", 6), (0, "key_2", "allowed", 6)]
        .into_iter()
        .chain([(1, "key_1", "allowed", 6), (1, "key_1", "Forbidden", 3), (1, "key_2", "allowed", 3)]);
    assert_eq!(seen, expected.map(|(number, key, outcome, count)| ((hour(number), key, outcome), count)).collect());
}

#[test]
fn more_callers_than_memory_holds_cost_bounded_memory_and_no_count() {
    let (recording, mut batches) = Recording::kept(0);
    let ledger = Ledger::new(recording);
    for number in 0..70_000 {
        close(&ledger, SECOND, u64::from(number), &of_caller(number), address(1));
    }
    let kept = drain(&ledger, &mut batches);
    assert!(counts(&kept).count() <= 65_537, "{} counts", counts(&kept).count());
    assert_eq!(counted(&kept).values().sum::<u64>(), 70_000);
}

#[test]
fn what_was_let_pass_is_shown_as_running_until_it_is_closed() {
    let (recording, mut batches) = Recording::kept(10);
    let pending = recording.pending();
    let ledger = Ledger::new(recording);
    let ids = [1, 2, 3].map(|within| DecisionId::new(1, 0, SECOND, within));
    let running = ids.map(|id| ledger.begin(id).unwrap());
    drain(&ledger, &mut batches);
    assert!(ids.iter().all(|id| pending.is_running(*id)));
    ledger.end(&running[1]);
    drain(&ledger, &mut batches);
    assert_eq!(ids.map(|id| pending.is_running(id)), [true, false, true]);
    let again = DecisionId::new(1, 0, SECOND, 4);
    ledger.begin(again).unwrap();
    drain(&ledger, &mut batches);
    assert!(pending.is_running(again) && pending.is_running(ids[0]) && !pending.is_running(ids[1]));
}

#[test]
fn where_nothing_is_kept_nothing_is_made() {
    let ledger = Ledger::new(Recording::none());
    let verdict = Verdict::of("allowed", None);
    assert!(!ledger.want(keyward_core::time::Timestamp::from_millis(0)).record());
    assert_eq!(ledger.mark(&verdict, address(1)), Mark::default());
}

proptest! {
    /// Whatever comes in whatever order, with hand-overs anywhere: sums are exact, and each id leads to what was kept.
    #[test]
    fn sums_are_exact(
        singles in 0..20_u32,
        steps in proptest::collection::vec((0..3_u64, 0..4_usize, 0..3000_u32, proptest::bool::weighted(0.05)), 1..400),
    ) {
        let (recording, mut batches) = Recording::kept(singles);
        let ledger = Ledger::new(recording);
        let verdicts = ["allowed", "NoRoute", "NoCredential", "Rejected"].map(|outcome| Verdict::of(outcome, None));
        let mut kept = Vec::new();
        let mut ids = Vec::new();
        for (serial, (second, verdict, client, flush)) in (0_u64..).zip(&steps) {
            let verdict = verdicts.get(*verdict).unwrap();
            ids.push(close(&ledger, SECOND + second, serial, verdict, address(*client)));
            if *flush {
                kept.extend(drain(&ledger, &mut batches));
            }
        }
        kept.extend(drain(&ledger, &mut batches));
        prop_assert_eq!(total(&kept), u64::try_from(steps.len()).unwrap());
        prop_assert_eq!(counted(&kept).values().sum::<u64>(), u64::try_from(steps.len()).unwrap());
        prop_assert_eq!(minutes(&kept).0.values().sum::<u64>(), u64::try_from(steps.len()).unwrap());
        prop_assert!(ids.iter().all(|id| leads(*id, &kept)));
        prop_assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
