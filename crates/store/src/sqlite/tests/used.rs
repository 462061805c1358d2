//! What was used: rows that fit, sums of whom a list names, and who came most; also of what still waits to be added.

use std::time::Duration;

use keyward_core::time::Timestamp;
use keyward_engine::decisions::{Decisions, Retention, UsageFilter, UsedFilter, UsersFilter, Whose};
use keyward_engine::ledger::Batch;

use super::batches::{SECOND, at, count, empty};
use crate::SqliteDecisions;

const HOUR: Duration = Duration::from_secs(3600);

/// Six hours of three users, of whom the second comes more from hour to hour; and many callers at once in the last, whose sums wait.
async fn six_hours() -> (tempfile::TempDir, SqliteDecisions) {
    let (dir, decisions) = empty().await;
    for hour in 0..6 {
        let second = SECOND + hour * 3600;
        let counts = vec![
            count(second, "user_1", "allowed", 10),
            count(second, "user_1", "Forbidden", 1),
            count(second, "user_2", "allowed", 5 * hour),
            count(second, "user_3", "allowed", 1),
        ];
        decisions.keep(&[Batch { counts, ..Batch::default() }]).await.unwrap();
    }
    let many = (0..400).map(|user| count(SECOND + 5 * 3600, &format!("user_{user}"), "allowed", 1)).collect();
    decisions.keep(&[Batch { counts: many, ..Batch::default() }]).await.unwrap();
    (dir, decisions)
}

fn hours(from: u64, to: u64) -> (Timestamp, Timestamp) {
    (at(SECOND + from * 3600), at(SECOND + to * 3600))
}

fn whose(principal: &str, credential: Option<&str>) -> Whose {
    Whose { principal: principal.into(), credential: credential.map(Into::into) }
}

#[tokio::test]
async fn a_chart_sums_up_those_it_is_asked_for_alone() {
    let (_dir, decisions) = six_hours().await;
    let sum = async |whose: Vec<Whose>, (since, until), step| {
        let told = decisions.used(&UsedFilter { whose, since, until, step }).await.unwrap();
        let total: u64 = told.requests.iter().map(|(.., count)| count).sum();
        assert_eq!(told.routes.iter().map(|one| one.count).sum::<u64>(), total);
        assert!(told.requests.is_sorted_by_key(|(at, outcome, _)| (*at, outcome.clone())) && told.spans.is_empty());
        (total, told.requests.len())
    };
    // Each hour 10 and 1, and one more that waits in the last.
    assert_eq!(sum(vec![whose("user_1", Some("key_1"))], hours(0, 5), HOUR).await, (67, 12));
    assert_eq!(sum(vec![whose("user_1", None)], hours(0, 5), HOUR).await, (67, 12));
    assert_eq!(sum(vec![whose("user_1", None)], hours(1, 2), HOUR).await, (22, 4));
    assert_eq!(sum(vec![whose("user_1", None), whose("user_3", Some("key_1"))], hours(0, 1), HOUR).await, (24, 4));
    assert_eq!(sum(vec![whose("user_1", Some("key_2"))], hours(0, 5), HOUR).await, (0, 0));
    assert_eq!(sum(vec![whose("user_1' OR 1=1 --", None)], hours(0, 5), HOUR).await, (0, 0));
    assert_eq!(sum(Vec::new(), hours(0, 5), HOUR).await, (0, 0));
    for nothing in [hours(9, 12), (at(0), at(1)), hours(5, 0)] {
        assert_eq!(sum(vec![whose("user_1", None)], nothing, HOUR).await.0, 0, "{nothing:?}");
    }
}

#[tokio::test]
async fn rows_are_found_by_all_that_is_asked_for_page_by_page() {
    let (_dir, decisions) = six_hours().await;
    let none = UsageFilter {
        principal: None,
        credential: None,
        route: None,
        outcome: None,
        since: at(SECOND),
        until: at(SECOND + 5 * 3600),
        skip: 0,
        limit: 10_000,
    };
    let text = |text: &str| Some(text.into());
    let sum = |rows: &[keyward_engine::decisions::Usage]| rows.iter().map(|row| row.count).sum::<u64>();
    for (filter, total) in [
        (none.clone(), 6 * 12 + 75 + 400),
        (UsageFilter { principal: text("user_1"), ..none.clone() }, 67),
        (UsageFilter { outcome: text("Forbidden"), ..none.clone() }, 6),
        (UsageFilter { principal: text("user_1"), outcome: text("Forbidden"), ..none.clone() }, 6),
        (UsageFilter { route: text("none"), ..none.clone() }, 0),
        (UsageFilter { credential: text("key_2"), ..none.clone() }, 0),
        (UsageFilter { until: at(SECOND + 3600), ..none.clone() }, 29),
        (UsageFilter { principal: text("user_2"), since: at(SECOND + 9 * 3600), ..none.clone() }, 0),
    ] {
        let all = decisions.usage(&filter).await.unwrap();
        assert_eq!(sum(&all), total, "{filter:?}");
        assert!(all.is_sorted_by_key(|row| std::cmp::Reverse(row.hour)));
        let mut paged = Vec::new();
        for skip in (0..u32::try_from(all.len()).unwrap()).step_by(7) {
            paged.extend(decisions.usage(&UsageFilter { skip, limit: 7, ..filter.clone() }).await.unwrap());
        }
        assert_eq!(paged, all, "{filter:?}");
    }
}

#[tokio::test]
async fn who_came_most_is_the_same_noted_or_not() {
    let (_dir, decisions) = six_hours().await;
    let most = async |(since, until), limit| {
        let found = decisions.most_used(&UsersFilter { since, until, limit }).await.unwrap();
        found.into_iter().map(|one| (one.principal.to_string(), one.count)).collect::<Vec<_>>()
    };
    let expected = |found: [(&str, u64); 2]| found.map(|(user, count)| (user.to_owned(), count));
    for noted in [false, true] {
        while noted && decisions.note().await.unwrap() {}
        assert_eq!(most(hours(0, 5), 2).await, expected([("user_2", 76), ("user_1", 67)]), "noted: {noted}");
        assert_eq!(most(hours(0, 1), 2).await, expected([("user_1", 22), ("user_2", 5)]), "noted: {noted}");
        assert_eq!(most(hours(0, 5), 500).await.len(), 400);
    }
    let noted = decisions.read(sqlx::query("SELECT DISTINCT hour FROM most_used")).await.unwrap();
    assert_eq!(noted.len(), 5, "the last goes on");
    // What comes late for an hour that was noted counts all the same.
    let late = vec![count(SECOND, "user_1", "allowed", 100)];
    decisions.keep(&[Batch { counts: late, ..Batch::default() }]).await.unwrap();
    assert_eq!(most(hours(0, 5), 2).await, expected([("user_1", 167), ("user_2", 76)]));
    let keep = Retention { since: at(0), minutes_since: at(0), usage_since: at(SECOND * 2), max_bytes: u64::MAX };
    decisions.prune(keep).await.unwrap();
    assert!(most(hours(0, 4), 2).await.is_empty(), "what is gone is not told");
}
