//! Cases about limits: what is written ahead of quotas stays, is given back only for the same window, and is let go at its end.

use keyward_engine::change::KeyChange;
use keyward_engine::ports::{Known, Outcome, Reserve, Reserved, Store, Unused};

use super::Home;
use super::fixtures::{OWNER, at, event, fresh, key, reserved};

const WINDOW: i64 = 1000;

/// So much more of limit 7, for somebody, at a time.
pub fn reserve(subject: &str, more: u32, now: i64) -> Reserve {
    Reserve {
        limit: 7,
        subject: subject.into(),
        more,
        most: 10,
        window: std::time::Duration::from_millis(WINDOW.cast_unsigned()),
        now: at(now),
        known: Known::Nothing,
    }
}

fn answer(ends_at: i64, before: u32, upto: u32) -> Reserved {
    Reserved { ends_at: at(ends_at), before, upto }
}

async fn write(store: &dyn Store, reserve: Reserve) -> Reserved {
    store.reserve(&[reserve]).await.unwrap()[0]
}

pub async fn what_was_written_ahead_is_never_forgotten_in_its_window<H: Home>() {
    let (home, store) = fresh::<H>().await;
    assert_eq!(write(&*store, reserve("a", 4, 100)).await, answer(1101, 0, 4));
    assert_eq!(write(&*store, reserve("a", 4, 900)).await, answer(1101, 4, 8));
    store.close().await.unwrap();
    let store = home.open(std::sync::Arc::default()).await;
    assert_eq!(write(&*store, reserve("a", 4, 1099)).await, answer(1101, 8, 10), "no more than the quota has");
    assert_eq!(write(&*store, reserve("a", 4, 1099)).await, answer(1101, 10, 10));
    assert_eq!(write(&*store, reserve("b", 4, 1099)).await, answer(2100, 0, 4), "another subject has its own");
    let other = Reserve { limit: u64::MAX, ..reserve("a", 4, 1099) };
    assert_eq!(write(&*store, other).await, answer(2100, 0, 4), "another limit has its own");
    assert_eq!(write(&*store, reserve("a", 4, 1101)).await, answer(2102, 0, 4), "the window is over");
    assert_eq!(reserved(&*store).await, [Some((at(2102), 4)), Some((at(2100), 4)), None]);
}

pub async fn of_many_at_once_each_is_answered_in_its_place<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    write(&*store, reserve("b", 1, 0)).await;
    let many = [reserve("a", 2, 5), reserve("b", 2, 5), reserve("a", 3, 5)];
    let answers = store.reserve(&many).await.unwrap();
    assert_eq!(answers, [answer(1006, 0, 2), answer(1001, 1, 3), answer(1006, 2, 5)]);
    assert_eq!(store.reserve(&[]).await.unwrap(), []);
}

/// Whoever watched a window on a clock that nobody sets is believed; whoever did not refills nothing by setting it back.
pub async fn a_clock_that_jumps_refills_nothing<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    write(&*store, reserve("a", 4, 10_000)).await;
    let running = Known::Running { ends_at: at(11_001), upto: 4 };
    let forward = Reserve { known: running, ..reserve("a", 4, 90_000) };
    assert_eq!(write(&*store, forward.clone()).await, answer(11_001, 4, 8));
    write(&*store, reserve("b", 1, 90_000)).await;
    assert_eq!(reserved(&*store).await[0], None, "let go: by the clock its end is past");
    let running = Known::Running { ends_at: at(11_001), upto: 8 };
    assert_eq!(write(&*store, Reserve { known: running, ..forward }).await, answer(11_001, 8, 10));

    write(&*store, reserve("b", 9, 90_000)).await;
    assert_eq!(write(&*store, reserve("b", 9, 50)).await, answer(1051, 10, 10), "back: at most a window from now");
    let over = Reserve { known: Known::Over { ended_at: at(1051) }, ..reserve("b", 9, 60) };
    assert_eq!(write(&*store, over.clone()).await, answer(1061, 0, 9), "seen to end");
    assert_eq!(write(&*store, over).await, answer(1061, 9, 10), "and it ended once");
}

pub async fn only_the_same_window_is_given_back<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    store.reserve(&[reserve("a", 6, 0), reserve("b", 6, 0)]).await.unwrap();
    let unused =
        |subject: &str, ends_at, used| Unused { limit: 7, subject: subject.into(), ends_at: at(ends_at), used };
    store.give_back(&[unused("a", 1001, 2), unused("b", 1000, 2), unused("c", 1001, 2)]).await.unwrap();
    store.give_back(&[unused("a", 1001, 5)]).await.unwrap();
    assert_eq!(reserved(&*store).await, [Some((at(1001), 2)), Some((at(1001), 6)), None]);
}

pub async fn windows_that_are_over_are_let_go_in_passing<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    store.reserve(&[reserve("a", 1, 0), reserve("b", 1, 500)]).await.unwrap();
    write(&*store, reserve("c", 1, 1001)).await;
    assert_eq!(reserved(&*store).await, [None, Some((at(1501), 1)), Some((at(2002), 1))]);
}

pub async fn a_line_of_rotations_is_kept<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    for (old, new) in [("key_1", "key_2"), ("key_2", "key_3")] {
        let mut successor = key(new, OWNER, 9);
        successor.replaces = Some(old.into());
        successor.line = Some("key_1".into());
        let replace = KeyChange::Replace { at: at(9), overlap_ends_at: at(99), quiet: None };
        let outcome = store.rotate_api_key(None, &replace, &successor, &event()).await.unwrap();
        assert!(matches!(outcome, Outcome::Done(..)));
    }
    store.change_api_key("key_3", None, &KeyChange::Rename("another".into()), &event()).await.unwrap();
    for (id, line) in [("key_1", None), ("key_2", Some("key_1")), ("key_3", Some("key_1"))] {
        let joined = store.api_key(id).await.unwrap().unwrap();
        assert_eq!((joined.key.line.as_deref(), joined.key.first_in_line()), (line, "key_1"), "{id}");
    }
}

pub async fn a_budget_is_that_of_the_whole_line<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    for id in ["key_1", "key_alone"] {
        store.insert_api_key(&key(id, OWNER, 1), &event()).await.unwrap();
    }
    let budget = |text: &str| KeyChange::Budget(text.parse().ok());
    store.change_api_key("key_1", None, &budget("1000"), &event()).await.unwrap();
    let mut successor = key("key_2", OWNER, 9);
    (successor.replaces, successor.line) = (Some("key_1".into()), Some("key_1".into()));
    let replace = KeyChange::Replace { at: at(9), overlap_ends_at: at(99), quiet: None };
    store.rotate_api_key(None, &replace, &successor, &event()).await.unwrap();
    for (id, change, kept, told) in [
        ("key_2", "1500/30d", Some("1500/30d"), 2),
        ("key_2", "1500/30d", Some("1500/30d"), 0),
        ("key_1", "7", Some("7"), 2),
        ("key_1", "none", None, 2),
    ] {
        let before = store.identity().await.unwrap().head;
        let outcome = store.change_api_key(id, None, &budget(change), &event()).await.unwrap();
        let Outcome::Done(head, joined) = outcome else { panic!("{change} was not done") };
        assert_eq!(joined.budget.map(|budget| budget.to_string()).as_deref(), kept, "{change}");
        assert_eq!(head.position, before.position + told, "each key of the line is told of {change}");
        for (id, kept) in [("key_1", kept), ("key_2", kept), ("key_alone", None)] {
            let joined = store.api_key(id).await.unwrap().unwrap();
            assert_eq!(joined.budget.map(|budget| budget.to_string()).as_deref(), kept, "{id} after {change}");
            assert_eq!(store.find(&[joined.key.digest]).await.unwrap().keys, [Some(joined)]);
        }
    }
    let somebody_else = store.change_api_key("key_1", Some("user_other"), &budget("9"), &event()).await.unwrap();
    assert!(matches!(somebody_else, Outcome::NotFound));
}
