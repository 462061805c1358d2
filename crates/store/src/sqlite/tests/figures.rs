//! Figures for charts: exact over batches, by the minute, the hour and the quarter of a day, and gone by their own time.

use std::time::Duration;

use keyward_core::time::Timestamp;
use keyward_engine::decisions::{Decisions, FigureFilter, Retention};
use keyward_engine::figures::{Class, Minute};
use keyward_engine::ledger::Batch;

use sqlx::query;

use super::super::decisions::SqliteDecisions;
use super::batches::{SECOND, at, empty};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The minute of a second, with so many that were let pass and one that was not.
pub(super) fn minute(second: u64, count: u64) -> Minute {
    let millis = at(second).as_millis();
    Minute {
        at: Timestamp::from_millis(millis - millis.rem_euclid(60_000)),
        requests: vec![(Some("all".into()), "allowed", count), (None, "NoRoute", 1)],
        spans: vec![(Class::of(Duration::from_micros(300)), count - 1), (Class::of(Duration::from_millis(20)), 1)],
    }
}

/// All that are kept, by what they are of.
pub(super) async fn figures_of(decisions: &dyn Decisions) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for step in [MINUTE, HOUR, HOUR * 6] {
        let told = decisions.figures(&filter(0, SECOND * 2, step)).await.unwrap();
        all.extend(told.requests.iter().map(|(at, outcome, count)| (format!("{step:?} {at:?} {outcome}"), *count)));
        all.extend(told.spans.iter().map(|(at, class, count)| (format!("{step:?} {at:?} {class:?}"), *count)));
    }
    all
}

fn filter(since: u64, until: u64, step: Duration) -> FigureFilter {
    FigureFilter { since: at(since), until: at(until), step }
}

#[tokio::test]
async fn minutes_hours_and_quarters_add_up_over_batches_and_cores() {
    let (_dir, decisions) = empty().await;
    let first = Batch { figures: vec![minute(SECOND, 5), minute(SECOND + 60, 7)], ..Batch::default() };
    let second = Batch { figures: vec![minute(SECOND, 2), minute(SECOND + 3600, 4)], ..Batch::default() };
    decisions.keep(&[first, second.clone()]).await.unwrap();
    decisions.keep(&[second]).await.unwrap();
    for (step, expected) in [
        (MINUTE, vec![9, 7, 8]),
        (MINUTE * 5, vec![16, 8]),
        (HOUR, vec![16, 8]),
        (HOUR * 6, vec![24]),
        (HOUR * 24, vec![24]),
    ] {
        let told = decisions.figures(&filter(SECOND - 7200, SECOND + 7200, step)).await.unwrap();
        let allowed = told.requests.iter().filter(|(_, outcome, _)| &**outcome == "allowed");
        let allowed: Vec<u64> = allowed.map(|(.., count)| *count).collect();
        assert_eq!(allowed, expected, "{step:?}");
        let aligned = |at: &Timestamp| at.as_millis() % i64::try_from(step.as_millis()).unwrap() == 0;
        assert!(told.requests.iter().all(|(at, ..)| aligned(at)));
        let routes: Vec<_> = told.routes.iter().map(|one| (one.route.as_deref(), &*one.outcome, one.count)).collect();
        assert_eq!(routes, [(None, "NoRoute", 6), (Some("all"), "allowed", 24)]);
        let spans: Vec<u64> = told.spans.iter().map(|(.., count)| *count).collect();
        assert_eq!(spans.iter().sum::<u64>(), 24, "{step:?}");
        assert_eq!(spans.len(), expected.len() * 2, "two classes in each point");
    }
    let told = decisions.figures(&filter(SECOND + 60, SECOND + 120, MINUTE)).await.unwrap();
    assert_eq!(told.requests.len(), 2, "no other minute's");
    let none = decisions.figures(&filter(SECOND + 9000, SECOND + 9999, MINUTE)).await.unwrap();
    assert!(none.requests.is_empty() && none.routes.is_empty() && none.spans.is_empty());
}

#[tokio::test]
async fn minutes_go_before_hours_and_each_by_its_time() {
    let (_dir, decisions) = empty().await;
    let figures = vec![minute(SECOND, 5), minute(SECOND + 7200, 7)];
    decisions.keep(&[Batch { figures, ..Batch::default() }]).await.unwrap();
    let sum = async |step| {
        let told = decisions.figures(&filter(0, SECOND * 2, step)).await.unwrap();
        (
            told.requests.iter().map(|(.., count)| count).sum::<u64>(),
            told.spans.iter().map(|(.., count)| count).sum::<u64>(),
        )
    };
    let keep = Retention { since: at(0), minutes_since: at(0), usage_since: at(0), max_bytes: u64::MAX };
    decisions.prune(keep).await.unwrap();
    let quarter = HOUR * 6;
    assert_eq!((sum(MINUTE).await, sum(HOUR).await, sum(quarter).await), ((14, 12), (14, 12), (14, 12)));
    let minutes = Retention { minutes_since: at(SECOND + 7200), ..keep };
    decisions.prune(minutes).await.unwrap();
    assert_eq!((sum(MINUTE).await, sum(HOUR).await), ((8, 7), (14, 12)), "the minute that it is in stays");
    decisions.prune(Retention { usage_since: at(SECOND + 7200), ..minutes }).await.unwrap();
    assert_eq!((sum(MINUTE).await, sum(HOUR).await, sum(quarter).await), ((8, 7), (8, 7), (8, 7)));
}

#[tokio::test]
async fn a_file_of_hours_alone_makes_its_quarters_of_them() {
    let (dir, decisions) = empty().await;
    decisions
        .keep(&[Batch { figures: vec![minute(SECOND, 5), minute(SECOND + 3600, 7)], ..Batch::default() }])
        .await
        .unwrap();
    for delete in ["DELETE FROM figures WHERE span = 21600000", "DELETE FROM spans WHERE span = 21600000"] {
        decisions.writer.write(async |transaction| transaction.run(query(delete)).await).await.unwrap();
    }
    let whole = async |decisions: &dyn Decisions| decisions.figures(&filter(0, SECOND * 2, HOUR * 6)).await.unwrap();
    assert!(whole(&decisions).await.requests.is_empty());
    for _ in 0..2 {
        let again = SqliteDecisions::create_or_open(dir.path(), at(SECOND)).await.unwrap().decisions;
        let told = whole(&again).await;
        assert_eq!(told.requests.iter().map(|(.., count)| count).sum::<u64>(), 14);
        assert_eq!(told.spans.iter().map(|(.., count)| count).sum::<u64>(), 12);
    }
}
