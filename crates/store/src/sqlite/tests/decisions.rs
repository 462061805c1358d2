//! Decisions in their file: what went in comes out, ids lead to it, and sums stay right.

use std::collections::HashSet;
use std::sync::Arc;

use keyward_core::decision::DecisionId;
use keyward_core::time::Timestamp;
use keyward_engine::counts::Count;
use keyward_engine::decisions::{DecisionFilter, Decisions, Retention, UsageFilter};
use keyward_engine::ledger::Batch;
use keyward_engine::mark::Level;

use sqlx::query;

use super::super::rows::{column, first};
use super::super::usage::{MOST_BATCHES, MOST_WAITING};
use super::batches::{HOUR, SECOND, at, count, empty, fold, lost, page, record};
use super::figures::{figures_of, minute};
use crate::SqliteDecisions;

#[tokio::test]
async fn what_went_in_comes_out_newest_first() {
    let (_dir, decisions) = empty().await;
    let records = vec![record(SECOND, u64::MAX, "Forbidden"), record(SECOND + 1, 7, "NoRoute")];
    decisions.keep(&[Batch { records, ..Batch::default() }]).await.unwrap();
    let listed = decisions.list(&page(10)).await.unwrap().decisions;
    assert_eq!(listed.iter().map(|kept| kept.id.within()).collect::<Vec<_>>(), [7, u64::MAX]);
    let first = &listed[1];
    assert_eq!(first.client.as_deref(), Some("192.0.2.1"));
    assert_eq!((first.path.as_deref(), first.micros, first.count), (Some("/it's \"here\""), 1500, 1));
    assert_eq!(first.results, [("Forbidden".into(), 403, 1)]);
    let only = DecisionFilter { outcome: Some("NoRoute".into()), ..page(10) };
    assert_eq!(decisions.list(&only).await.unwrap().decisions.len(), 1);
    let since = DecisionFilter { since: Some(at(SECOND + 1)), ..page(10) };
    assert_eq!(decisions.list(&since).await.unwrap().decisions.len(), 1);
    let after = DecisionFilter { after: Some(listed[1].seq), ..page(10) };
    assert_eq!(decisions.list(&after).await.unwrap().decisions, listed[..1]);
    let before = DecisionFilter { before: Some(listed[0].seq), ..page(10) };
    assert_eq!(decisions.list(&before).await.unwrap().decisions, listed[1..]);
}

#[tokio::test]
async fn an_id_leads_to_its_decision_or_to_its_fold_at_each_level() {
    let (_dir, decisions) = empty().await;
    for (place, level) in [Level::Full, Level::AnyAddress, Level::AnyCaller].into_iter().enumerate() {
        let second = SECOND + u64::try_from(place).unwrap();
        let within = 0xfedc_ba98_7654_3210;
        let folds = vec![fold(second, within, level, &[("allowed", 200, 40), ("upstream timed out", 504, 2)])];
        decisions.keep(&[Batch { folds, ..Batch::default() }]).await.unwrap();
        let found = decisions.find(DecisionId::new(1, 0, second, within)).await.unwrap();
        assert_eq!(found.iter().map(|kept| (kept.level, kept.count)).collect::<Vec<_>>(), [(level, 42)]);
        for elsewhere in [DecisionId::new(2, 0, second, within), DecisionId::new(1, 1, second, within)] {
            assert_eq!(decisions.find(elsewhere).await.unwrap(), []);
        }
        assert_eq!(decisions.find(DecisionId::new(1, 0, second, !within)).await.unwrap(), []);
    }
}

#[tokio::test]
async fn usage_adds_up_over_batches_by_what_became_of_it() {
    let (_dir, decisions) = empty().await;
    let counts = vec![
        count(SECOND, "user_1", "Forbidden", 1),
        count(SECOND + 1, "user_1", "allowed", 41),
        count(SECOND, "user_3", "ClientGone", 2),
        // A second sum of the same: another core's.
        count(SECOND, "user_1", "allowed", 7),
    ];
    let batch = Batch { counts, ..Batch::default() };
    decisions.keep(&[batch.clone(), batch]).await.unwrap();
    let all = UsageFilter {
        principal: None,
        credential: None,
        route: None,
        outcome: None,
        since: at(SECOND),
        until: at(SECOND),
        skip: 0,
        limit: 100,
    };
    let sums: Vec<(String, u64)> =
        decisions.usage(&all).await.unwrap().into_iter().map(|row| (row.outcome.to_string(), row.count)).collect();
    let expected = [("Forbidden", 2), ("allowed", 96), ("ClientGone", 4)];
    assert_eq!(sums, expected.map(|(outcome, count)| (outcome.to_owned(), count)));
    let of_one = UsageFilter { principal: Some("user_1".into()), ..all.clone() };
    let rows = decisions.usage(&of_one).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.hour == Timestamp::from_millis(HOUR)));
    let nobody = UsageFilter { principal: Some("user_2".into()), ..all };
    assert_eq!(decisions.usage(&nobody).await.unwrap(), []);
}

#[tokio::test]
async fn old_ones_go_by_age_and_the_oldest_by_size_and_usage_stays() {
    let (_dir, decisions) = empty().await;
    for second in 0..40 {
        let records = (0..500).map(|n| record(SECOND + second, n, "allowed")).collect();
        let counts = vec![count(SECOND, "user_1", "allowed", 500)];
        decisions.keep(&[Batch { records, counts, ..Batch::default() }]).await.unwrap();
    }
    let since = at(SECOND + 20);
    let retention = Retention { since, usage_since: at(0), minutes_since: at(0), max_bytes: u64::MAX };
    while decisions.prune(retention).await.unwrap() {}
    assert_eq!(decisions.oldest().await.unwrap(), Some(since));
    let most = 1 << 20;
    while decisions.prune(Retention { max_bytes: most, ..retention }).await.unwrap() {}
    assert!(decisions.oldest().await.unwrap() > Some(since), "nothing went by size");
    assert!(!decisions.list(&page(1)).await.unwrap().decisions.is_empty(), "not all goes");
    let all = UsageFilter {
        principal: None,
        credential: None,
        route: None,
        outcome: None,
        since: at(0),
        until: at(SECOND * 2),
        skip: 0,
        limit: 100,
    };
    assert_eq!(decisions.usage(&all).await.unwrap()[0].count, 20_000);
    decisions.prune(Retention { usage_since: at(SECOND * 2), ..retention }).await.unwrap();
    assert_eq!(decisions.usage(&all).await.unwrap(), []);
}

#[tokio::test]
async fn usage_takes_its_share_of_a_full_file_and_leaves_the_rest_to_decisions() {
    let (_dir, decisions) = empty().await;
    let hours = 50;
    for hour in 0..hours {
        let users: Vec<String> = (0..400).map(|user| format!("user_{user}")).collect();
        let counts = users.iter().map(|user| count(SECOND + hour * 3600, user, "allowed", 1)).collect();
        let records = (0..20).map(|n| record(SECOND + hour * 3600, n, "allowed")).collect();
        decisions.keep(&[Batch { records, counts, ..Batch::default() }]).await.unwrap();
    }
    let retention = Retention { since: at(0), usage_since: at(0), minutes_since: at(0), max_bytes: 600_000 };
    let all = UsageFilter {
        principal: None,
        credential: None,
        route: None,
        outcome: None,
        since: at(0),
        until: at(SECOND * 2),
        skip: 0,
        limit: 100_000,
    };
    let before = decisions.usage(&all).await.unwrap();
    while decisions.prune(retention).await.unwrap() {}
    let after = decisions.usage(&all).await.unwrap();
    assert!(!after.is_empty() && after.len() < before.len(), "{} of {} stayed", after.len(), before.len());
    assert_eq!(after, before[..after.len()], "the newest hours stay, and whole");
    assert_eq!(after.len() % 400, 0);
    assert_eq!(decisions.oldest().await.unwrap(), Some(at(SECOND)), "no decision went in its place");
}

#[tokio::test]
async fn what_only_a_number_is_known_of_stands_at_its_time() {
    let (_dir, decisions) = empty().await;
    decisions.keep(&[Batch { lost: lost(7), ..Batch::default() }]).await.unwrap();
    let kept = decisions.list(&page(1)).await.unwrap().decisions;
    assert_eq!((kept[0].at, kept[0].count, &*kept[0].outcome), (at(SECOND), 7, "lost"));
}

/// What a fresh look at the file shows: ids, numbers, and sums by whose they are; of figures those of minutes and hours.
async fn shown(dir: &tempfile::TempDir) -> (Vec<(u64, u64)>, Vec<(String, u64)>) {
    let decisions = SqliteDecisions::find_in(dir.path()).await.unwrap().unwrap();
    let rows = decisions.list(&page(1000)).await.unwrap().decisions;
    let all = UsageFilter {
        principal: None,
        credential: None,
        route: None,
        outcome: None,
        since: at(0),
        until: at(SECOND * 2),
        skip: 0,
        limit: 1000,
    };
    let usage = decisions.usage(&all).await.unwrap();
    let usage = usage.iter().map(|row| (format!("{:?} {}", row.principal, row.outcome), row.count));
    let sums = usage.chain(figures_of(&decisions).await).collect();
    decisions.close().await.unwrap();
    (rows.iter().map(|kept| (kept.id.within(), kept.count)).collect(), sums)
}

/// A file with something to add to and something to let go of.
async fn half_full() -> (tempfile::TempDir, SqliteDecisions) {
    let (dir, decisions) = empty().await;
    let batch = |second| Batch {
        records: (1..4).map(|n| record(second, n, "allowed")).collect(),
        counts: vec![count(second, "user_1", "allowed", 3)],
        figures: vec![minute(second, 3)],
        ..Batch::default()
    };
    decisions.keep(&[batch(SECOND), batch(SECOND + 7200)]).await.unwrap();
    (dir, decisions)
}

#[tokio::test]
async fn as_many_rows_as_come_at_once_stay() {
    let (dir, decisions) = empty().await;
    for (second, count) in (SECOND..).zip([1, 63, 64, 65, 128, 300]) {
        let batch = Batch {
            records: (1..=count).map(|n| record(second, n, "allowed")).collect(),
            folds: (1..=count).map(|n| fold(second, n << 30, Level::Full, &[("allowed", 200, 2)])).collect(),
            ..Batch::default()
        };
        decisions.keep(&[batch]).await.unwrap();
        let all = DecisionFilter { since: Some(at(second)), ..page(1000) };
        let ids: HashSet<u64> =
            decisions.list(&all).await.unwrap().decisions.iter().map(|kept| kept.id.within()).collect();
        assert_eq!(u64::try_from(ids.len()).unwrap(), 2 * count);
    }
    decisions.close().await.unwrap();
    assert_eq!(shown(&dir).await.0.len(), 1000, "as many as a page shows");
}

type Write = for<'a> fn(&'a SqliteDecisions) -> keyward_engine::ports::Answer<'a, ()>;

/// More callers than are counted one by one.
fn many(number: u64) -> Vec<Count> {
    (0..400).map(|user| count(SECOND, &format!("user_{user}"), "allowed", number)).collect()
}

#[tokio::test]
async fn sums_of_many_callers_wait_are_seen_meanwhile_and_end_among_the_others() {
    let (dir, decisions) = half_full().await;
    for _ in 0..3 {
        decisions.keep(&[Batch { counts: many(2), ..Batch::default() }]).await.unwrap();
    }
    let waiting = "SELECT count(*) AS count FROM usage_waiting";
    let rows = async || column::<i64>(first(&decisions.read(query(waiting)).await.unwrap()).unwrap(), "count").unwrap();
    assert_eq!(rows().await, 3);
    let seen = shown(&dir).await.1;
    let sum = |seen: &[(String, u64)], user: &str| {
        seen.iter().filter(|(who, _)| who.starts_with(&format!("Some({user:?})"))).map(|(_, count)| count).sum::<u64>()
    };
    // Two seconds of an earlier batch, each of another hour, are this user's too.
    assert_eq!((sum(&seen, "user_1"), sum(&seen, "user_7")), (12, 6));
    decisions.keep(&[Batch::default()]).await.unwrap();
    assert_eq!(rows().await, 3, "a batch without sums changes nothing");
    for _ in 0..MOST_BATCHES {
        decisions.keep(&[Batch::default()]).await.unwrap();
    }
    assert_eq!((rows().await, shown(&dir).await.1), (0, seen), "settled, and the same to see");
    // Credentials as they stand in memory all the time, and others that stand elsewhere each time and are the same by name.
    let same = many(1);
    for round in 0..MOST_WAITING {
        let counts = if round % 2 == 0 { same.clone() } else { many(1) };
        decisions.keep(&[Batch { counts, ..Batch::default() }]).await.unwrap();
    }
    assert_eq!(rows().await, 0, "they do not wait for ever");
    let seen = shown(&dir).await.1;
    let more = u64::try_from(MOST_WAITING).unwrap();
    assert_eq!((sum(&seen, "user_1"), sum(&seen, "user_399")), (12 + more, 6 + more));
}

#[tokio::test]
async fn sums_that_wait_are_added_by_whoever_opens_the_file_next() {
    let (dir, decisions) = half_full().await;
    for _ in 0..3 {
        decisions.keep(&[Batch { counts: many(2), ..Batch::default() }]).await.unwrap();
    }
    let seen = shown(&dir).await.1;
    decisions.close().await.unwrap();
    let decisions = SqliteDecisions::create_or_open(dir.path(), at(SECOND)).await.unwrap().decisions;
    for _ in 0..2 {
        decisions.keep(&[Batch::default()]).await.unwrap();
        let waiting = decisions.read(query("SELECT seq FROM usage_waiting")).await.unwrap();
        assert!(waiting.is_empty(), "whoever opened it does not know them, and settles");
        assert_eq!(shown(&dir).await.1, seen);
    }
}

const WRITES: [(&str, Write); 3] = [
    ("keep many", |decisions| {
        Box::pin(async { decisions.keep(&[Batch { counts: many(1), ..Batch::default() }]).await })
    }),
    ("keep", |decisions| {
        Box::pin(async {
            let batch = Batch {
                records: vec![record(SECOND, 9, "Forbidden")],
                folds: vec![fold(SECOND, 1 << 30, Level::Full, &[("allowed", 200, 40)])],
                counts: vec![count(SECOND, "user_1", "allowed", 40), count(SECOND, "user_1", "Forbidden", 1)],
                figures: vec![minute(SECOND, 42), minute(SECOND + 60, 1)],
                lost: lost(2),
            };
            decisions.keep(&[batch]).await
        })
    }),
    ("prune", |decisions| {
        let retention = Retention {
            since: at(SECOND + 1),
            usage_since: at(SECOND + 3600),
            minutes_since: at(SECOND + 3600),
            max_bytes: 1 << 40,
        };
        Box::pin(async move { decisions.prune(retention).await.map(drop) })
    }),
];

#[tokio::test]
async fn wherever_a_write_is_cut_off_it_is_whole_and_a_second_try_makes_the_sums_right() {
    use crate::faults::{Faults, Mishap};
    for (name, write) in WRITES {
        let (dir, decisions) = half_full().await;
        let before = shown(&dir).await;
        write(&decisions).await.unwrap();
        let after = shown(&dir).await;
        assert_ne!(before, after, "{name} writes something");
        let mut statements = 0;
        loop {
            let (dir, mut decisions) = half_full().await;
            let faults = Arc::new(Faults::default());
            decisions.writer.faults = Some(Arc::clone(&faults));
            faults.arm(statements, Mishap::Fail);
            let answer = write(&decisions).await;
            if !faults.disarm() {
                answer.unwrap();
                break;
            }
            answer.unwrap_err();
            let seen = shown(&dir).await;
            assert!(seen == before || seen == after, "{name} after {statements} statements: {seen:?}");
            if seen == before {
                write(&decisions).await.unwrap();
                assert_eq!(shown(&dir).await, after, "{name} again, after {statements} statements");
            }
            statements += 1;
        }
        assert!(statements >= 4, "{name} met {statements} points: BEGIN, COMMIT and what they enclose");
    }
}

#[tokio::test]
async fn numbers_are_never_given_twice() {
    let (_dir, decisions) = empty().await;
    decisions.keep(&[Batch { records: vec![record(SECOND, 1, "allowed")], ..Batch::default() }]).await.unwrap();
    let all = Retention { since: at(SECOND * 2), usage_since: at(0), minutes_since: at(0), max_bytes: u64::MAX };
    assert!(decisions.prune(all).await.unwrap());
    decisions.keep(&[Batch { records: vec![record(SECOND, 2, "allowed")], ..Batch::default() }]).await.unwrap();
    assert_eq!(decisions.list(&page(1)).await.unwrap().decisions[0].seq, 2);
}
