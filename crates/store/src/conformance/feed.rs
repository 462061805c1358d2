//! Cases about the feed: every change, in commit order, with nothing missing in between.

use std::sync::Arc;

use keyward_engine::change::KeyChange;
use keyward_engine::ports::{Change, FeedHead, Outcome, Store};

use super::Home;
use super::fixtures::{OWNER, at, event, fresh, key};

const WRITERS: u64 = 8;
const EACH: u64 = 12;

pub async fn each_change_is_told_once_with_the_record_as_it_is_now<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let start = store.identity().await.unwrap().head;
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    store.insert_api_key(&key("key_2", OWNER, 2), &event()).await.unwrap();
    store.change_api_key("key_1", None, &KeyChange::Disable(at(3)), &event()).await.unwrap();
    let told = store.changes(start).await.unwrap();
    assert_eq!(told.head.position, start.position + 3);
    let expected = [(1, "key_1", Some(at(3))), (2, "key_2", None), (3, "key_1", Some(at(3)))];
    assert_eq!(told.changes.len(), expected.len());
    for (change, (nth, id, disabled_at)) in told.changes.iter().zip(expected) {
        let Change::ApiKey(position, joined) = change else { panic!("{change:?}") };
        assert_eq!((*position, &*joined.key.id, joined.key.disabled_at), (start.position + nth, id, disabled_at));
        assert_eq!(Some(&joined.owner), store.user(OWNER).await.unwrap().as_ref());
    }
    let nothing = store.changes(told.head).await.unwrap();
    assert!(nothing.changes.is_empty() && !nothing.lost && nothing.head == told.head);
}

pub async fn numbers_are_in_commit_order<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let start = store.identity().await.unwrap().head;
    let end = start.position + WRITERS * EACH;
    let reader = tokio::spawn(follow(Arc::clone(&store), start, end));
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(Arc::clone(&store), writer))).collect();
    let mut positions = Vec::new();
    for writer in writers {
        let mine = writer.await.unwrap();
        assert!(mine.is_sorted(), "one writer's own changes: {mine:?}");
        positions.extend(mine);
    }
    positions.sort_unstable();
    assert_eq!(positions, (start.position + 1..=end).collect::<Vec<_>>());
    assert_eq!(reader.await.unwrap(), positions, "what a reader saw beside the writers");
}

async fn write(store: Arc<dyn Store>, writer: u64) -> Vec<u64> {
    let mut positions = Vec::new();
    for nth in 0..EACH {
        let key = key(&format!("key_{writer}_{nth}"), OWNER, 1);
        positions.push(store.insert_api_key(&key, &event()).await.unwrap().position);
    }
    positions
}

/// Reads the feed as a node does: always on from the last head. A number that became visible late would be missed.
async fn follow(store: Arc<dyn Store>, mut head: FeedHead, end: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while head.position < end {
        let changes = store.changes(head).await.unwrap();
        assert!(!changes.lost);
        seen.extend(changes.changes.iter().map(Change::position));
        head = changes.head;
    }
    seen
}

pub async fn found_keys_and_head_are_one_snapshot<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let kept = key("key_1", OWNER, 1);
    let made = store.insert_api_key(&kept, &event()).await.unwrap().position;
    let toggling = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for nth in 0..60 {
                let change = if nth % 2 == 0 { KeyChange::Disable(at(1)) } else { KeyChange::Enable };
                assert!(matches!(
                    store.change_api_key("key_1", None, &change, &event()).await.unwrap(),
                    Outcome::Done(..)
                ));
            }
        }
    });
    let mut heads = std::collections::BTreeSet::new();
    while !toggling.is_finished() {
        let found = store.find(&[kept.digest]).await.unwrap();
        let joined = found.keys[0].as_ref().unwrap();
        // Each change moves the head by one, so an odd distance means disabled.
        assert_eq!(joined.key.disabled_at.is_some(), (found.head.position - made) % 2 == 1, "{found:?}");
        heads.insert(found.head.position);
    }
    toggling.await.unwrap();
    assert!(heads.len() > 2, "the reader saw nothing of the changes");
}

pub async fn a_place_that_is_not_in_the_feed_is_lost<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let head = store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    for (epoch, position) in [
        (head.epoch ^ 1, head.position),
        (head.epoch ^ 1, 0),
        (!head.epoch, u64::MAX),
        (head.epoch, head.position + 1),
        (head.epoch, u64::MAX),
    ] {
        let changes = store.changes(FeedHead { epoch, position }).await.unwrap();
        assert!(changes.lost && changes.changes.is_empty(), "{epoch} {position}: {changes:?}");
        assert_eq!(changes.head, head);
    }
    assert!(!store.changes(FeedHead { position: 0, ..head }).await.unwrap().lost);
}

pub async fn another_epoch_loses_every_place<H: Home>() {
    let (_home, store) = fresh::<H>().await;
    let before = store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    let events = store.audit_state().await.unwrap().last;
    let after = store.begin_epoch(u64::MAX - 1, &event()).await.unwrap();
    assert_eq!((after.epoch, after.position), (u64::MAX - 1, before.position));
    assert_eq!(store.identity().await.unwrap().head, after);
    assert_eq!(store.audit_state().await.unwrap().last, events + 1, "its event is kept with it");
    assert!(store.changes(before).await.unwrap().lost);
    assert!(!store.changes(after).await.unwrap().lost);
}
