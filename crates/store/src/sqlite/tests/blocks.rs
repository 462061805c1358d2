//! Lists of decisions by what is asked for: whatever is noted, pruned or still to come, they find what a look at every row finds.

use std::time::Duration;

use keyward_core::decision::DecisionId;
use keyward_engine::decisions::{DecisionFilter, Decisions, KeptDecision, Retention};
use keyward_engine::ledger::Batch;
use keyward_engine::record::Record;

use super::batches::{SECOND, at, empty};
use crate::SqliteDecisions;

const OUTCOMES: [&str; 3] = ["allowed", "allowed", "Forbidden"];

fn record(number: u64) -> Record {
    let few = |most: u64| usize::try_from(number % most).unwrap();
    Record {
        id: DecisionId::new(1, 0, SECOND + number, number),
        at: at(SECOND + number),
        took: Duration::from_micros(1),
        client: std::net::Ipv4Addr::from(0x0a00_0000 + u32::try_from(number / 400).unwrap()).into(),
        method: "GET".into(),
        path: "/".into(),
        route: Some(format!("route {}", number / 1500).into()),
        outcome: if number == 1234 { "Ambiguous" } else { OUTCOMES[few(3)] },
        detail: None,
        principal: Some(format!("user_{}", few(5)).into()),
        credential: (!number.is_multiple_of(7)).then(|| format!("key_{}", number / 100).into()),
        status: 200,
    }
}

async fn filled(count: u64) -> (tempfile::TempDir, SqliteDecisions) {
    let (dir, decisions) = empty().await;
    let records: Vec<Record> = (0..count).map(record).collect();
    for records in records.chunks(500) {
        decisions.keep(&[Batch { records: records.to_vec(), ..Batch::default() }]).await.unwrap();
    }
    (dir, decisions)
}

/// All pages, in either direction, and whether each was as long as it might be.
async fn whole(decisions: &SqliteDecisions, filter: &DecisionFilter) -> Vec<KeptDecision> {
    let mut filter = filter.clone();
    let mut found = Vec::new();
    loop {
        let page = decisions.list(&filter).await.unwrap();
        assert!(page.decisions.len() <= usize::try_from(filter.limit).unwrap());
        let last = page.decisions.last().map(|one| one.seq).filter(|_| page.next.is_none());
        found.extend(page.decisions);
        match (filter.after, last.or(page.next)) {
            (_, None) => return found,
            (Some(_), last) => filter.after = last,
            (None, next) => filter.before = next,
        }
    }
}

async fn all(decisions: &SqliteDecisions, filter: &DecisionFilter) -> Vec<u64> {
    whole(decisions, filter).await.iter().map(|one| one.seq).collect()
}

fn fits(filter: &DecisionFilter, one: &KeptDecision) -> bool {
    let same = |asked: &Option<Box<str>>, has: Option<&str>| asked.as_deref().is_none_or(|text| Some(text) == has);
    same(&filter.outcome, Some(&one.outcome))
        && same(&filter.route, one.route.as_deref())
        && same(&filter.principal, one.principal.as_deref())
        && same(&filter.credential, one.credential.as_deref())
        && same(&filter.client, one.client.as_deref())
        && filter.since.is_none_or(|since| one.at >= since)
        && filter.until.is_none_or(|until| one.at <= until)
}

fn filters() -> Vec<DecisionFilter> {
    let text = |text: &str| Some(text.into());
    let none = DecisionFilter { limit: 100, ..DecisionFilter::default() };
    vec![
        none.clone(),
        DecisionFilter { outcome: text("Ambiguous"), ..none.clone() },
        DecisionFilter { outcome: text("Forbidden"), principal: text("user_2"), ..none.clone() },
        DecisionFilter { route: text("route 1"), ..none.clone() },
        DecisionFilter { credential: text("key_33"), ..none.clone() },
        DecisionFilter { client: text("10.0.0.2"), outcome: text("Forbidden"), ..none.clone() },
        DecisionFilter { since: Some(at(SECOND + 1000)), until: Some(at(SECOND + 1100)), ..none.clone() },
        DecisionFilter { until: Some(at(SECOND + 10)), ..none.clone() },
        DecisionFilter { since: Some(at(SECOND + 5100)), ..none.clone() },
        DecisionFilter { credential: text("key_none"), ..none.clone() },
        DecisionFilter { outcome: text("' OR 1=1 --"), ..none },
    ]
}

#[tokio::test]
async fn lists_find_what_a_look_at_every_row_finds() {
    let (_dir, decisions) = filled(5200).await;
    let everything = DecisionFilter { limit: 10_000, ..DecisionFilter::default() };
    for (noted, pruned) in [(false, false), (true, false), (true, true)] {
        while noted && decisions.note().await.unwrap() {}
        if pruned {
            let since = at(SECOND + 1100);
            let retention = Retention { since, minutes_since: at(0), usage_since: at(0), max_bytes: u64::MAX };
            while decisions.prune(retention).await.unwrap() {}
            let more = (5200..5300).map(record).collect();
            decisions.keep(&[Batch { records: more, ..Batch::default() }]).await.unwrap();
        }
        let rows = whole(&decisions, &everything).await;
        assert_eq!(rows.len(), if pruned { 4200 } else { 5200 });
        for filter in filters() {
            let mut expected: Vec<u64> = rows.iter().filter(|one| fits(&filter, one)).map(|one| one.seq).collect();
            for limit in [1000, 1 + u32::try_from(expected.len() / 3).unwrap()] {
                let filter = DecisionFilter { limit, ..filter.clone() };
                assert_eq!(all(&decisions, &filter).await, expected, "noted: {noted}, pruned: {pruned}, {filter:?}");
            }
            expected.reverse();
            let forward = DecisionFilter { after: Some(0), ..filter.clone() };
            assert_eq!(
                all(&decisions, &forward).await,
                expected,
                "forward, noted: {noted}, pruned: {pruned}, {filter:?}"
            );
        }
    }
}

#[tokio::test]
async fn only_full_blocks_are_noted_and_those_that_are_gone_are_forgotten() {
    let (_dir, decisions) = filled(1022).await;
    let notes = async || decisions.read(sqlx::query("SELECT block FROM blocks")).await.unwrap().len();
    assert!(!decisions.note().await.unwrap());
    assert_eq!(notes().await, 0, "the first number is 1");
    decisions.keep(&[Batch { records: vec![record(1022), record(1023)], ..Batch::default() }]).await.unwrap();
    assert!(!decisions.note().await.unwrap());
    assert_eq!(notes().await, 1);
    let all = Retention { since: at(SECOND * 2), minutes_since: at(0), usage_since: at(0), max_bytes: u64::MAX };
    while decisions.prune(all).await.unwrap() {}
    assert_eq!(notes().await, 0);
    decisions.keep(&[Batch { records: vec![record(1)], ..Batch::default() }]).await.unwrap();
    assert!(!decisions.note().await.unwrap());
}

/// Where few of many fit, a page is what was found in a bounded number of blocks, and says where to go on.
#[tokio::test]
async fn a_list_that_finds_little_ends_and_goes_on() {
    let (_dir, decisions) = filled(5200).await;
    while decisions.note().await.unwrap() {}
    let text = |text: &str| Some(text.into());
    let rare = DecisionFilter { outcome: text("Ambiguous"), limit: 10, ..DecisionFilter::default() };
    let rare = DecisionFilter { principal: text("user_4"), ..rare };
    let first = decisions.list(&rare).await.unwrap();
    assert_eq!((first.decisions.len(), first.next), (1, None), "its block is known");
    // Of the oldest alone, behind blocks that all may hold it.
    let old =
        DecisionFilter { until: None, outcome: text("Forbidden"), principal: text("user_2"), limit: 2000, ..rare };
    let page = decisions.list(&old).await.unwrap();
    assert!(page.next.is_some() && page.decisions.len() < 347, "{} found at once", page.decisions.len());
    assert_eq!(all(&decisions, &old).await.len(), 347);
}
