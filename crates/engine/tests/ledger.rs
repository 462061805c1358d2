//! Decisions on one core: each is kept once, on its own or counted, whatever comes and however slow the store is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use keyward_core::decision::DecisionId;
use keyward_core::route::Routes;
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
    let closed = Closed { id, at, verdict, routes: &routes, client, outcome: verdict.outcome, status: 200, took };
    ledger.close(wanted, record, &closed);
    id
}

fn address(number: u32) -> IpAddr {
    std::net::Ipv4Addr::from(0x0a00_0000 + number).into()
}

/// All that a ledger hands over.
fn drain(ledger: &Ledger, batches: &mut Receiver<Batch>) -> Vec<Batch> {
    ledger.flush();
    std::iter::from_fn(|| batches.try_recv().ok()).collect()
}

fn total(batches: &[Batch]) -> u64 {
    let folds = batches.iter().flat_map(|batch| &batch.folds).map(keyward_engine::ledger::Fold::count).sum::<u64>();
    let singles: usize = batches.iter().map(|batch| batch.records.len()).sum();
    folds + u64::try_from(singles).unwrap() + batches.iter().map(|batch| batch.lost).sum::<u64>()
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
    let mut counts: Vec<u64> = kept[0].folds.iter().map(keyward_engine::ledger::Fold::count).collect();
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
    let levels: HashSet<Level> = kept[0].folds.iter().map(|fold| fold.level).collect();
    assert_eq!(levels, HashSet::from([Level::Full, Level::AnyAddress]));
    assert!(kept[0].folds.len() < 1100, "memory stays bounded: {} folds", kept[0].folds.len());
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
    assert!(kept.iter().any(|batch| batch.lost > 0), "more than memory holds is told as a number");
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
        prop_assert!(ids.iter().all(|id| leads(*id, &kept)));
        prop_assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
