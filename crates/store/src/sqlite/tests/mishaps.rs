//! Mishaps of a real file: locks, a full disk, damage, a file that goes away, a feed that was pruned.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use keyward_core::digest::ApiKeyDigest;
use keyward_engine::change::KeyChange;
use keyward_engine::ports::{Change, FeedHead, Lookup as _, Outcome, Records as _, Store as _, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection, query, query_scalar};
use tempfile::TempDir;

use super::super::feed::KEPT;
use super::{OpenError, SqliteStore, database, make};
use crate::conformance::fixtures::{OWNER, at, event, key, state, user};

async fn filled() -> (TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = make(dir.path()).await.unwrap();
    store.ensure_user(&user(OWNER), &event()).await.unwrap();
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    (dir, store)
}

/// Another program at the same file.
async fn other_program(dir: &TempDir) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(database(dir.path()));
    SqliteConnection::connect_with(&options).await.unwrap()
}

#[tokio::test]
async fn a_locked_store_says_so_in_time() {
    let (dir, store) = filled().await;
    let mut other = other_program(&dir).await;
    query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    let disable = KeyChange::Disable(at(2));
    let told = event();
    let write = store.change_api_key("key_1", None, &disable, &told);
    // Longer than SQLite waits for a lock, shorter than anybody waits for a connection.
    let answer = tokio::time::timeout(Duration::from_secs(9), write).await.expect("in time");
    assert!(matches!(answer, Err(StoreError::Locked)), "{answer:?}");
    assert!(store.api_key("key_1").await.unwrap().is_some(), "reading goes on");
    // A store of the known version is opened without writing.
    SqliteStore::open(dir.path()).await.unwrap();
    query("ROLLBACK").execute(&mut other).await.unwrap();
    assert!(matches!(store.change_api_key("key_1", None, &disable, &event()).await, Ok(Outcome::Done(..))));
}

#[tokio::test]
async fn a_locked_store_is_not_opened() {
    let (dir, store) = filled().await;
    store.close().await.unwrap();
    let mut other = other_program(&dir).await;
    query("PRAGMA locking_mode = EXCLUSIVE").execute(&mut other).await.unwrap();
    query("UPDATE meta SET created_at = 0").execute(&mut other).await.unwrap();
    let opening = tokio::time::timeout(Duration::from_secs(9), SqliteStore::open(dir.path()));
    let answer = opening.await.expect("in time");
    assert!(matches!(answer, Err(OpenError::Store { error: StoreError::Locked, .. })), "{answer:?}");
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_written() {
    let (dir, store) = filled().await;
    let before = state(&store).await;
    let pages: i64 = query_scalar("PRAGMA page_count").fetch_one(&store.writer.pool).await.unwrap();
    assert!(pages < 128);
    query("PRAGMA max_page_count = 1").execute(&store.writer.pool).await.unwrap();
    let mut big = key("key_big", OWNER, 2);
    big.name = "n".repeat(128 * 4096).into();
    let answer = store.insert_api_key(&big, &event()).await;
    assert!(matches!(answer, Err(StoreError::Full)), "{answer:?}");
    assert_eq!(state(&store).await, before);
    assert_eq!(state(&make(dir.path()).await.unwrap()).await, before);
    query("PRAGMA max_page_count = 100000").execute(&store.writer.pool).await.unwrap();
    store.insert_api_key(&big, &event()).await.unwrap();
    assert_eq!(state(&store).await.position, before.position + 1);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_still_read() {
    let (_dir, store) = filled().await;
    let before = state(&store).await;
    query("PRAGMA query_only = ON").execute(&store.writer.pool).await.unwrap();
    let answer = store.insert_api_key(&key("key_2", OWNER, 2), &event()).await;
    assert!(matches!(answer, Err(StoreError::ReadOnly)), "{answer:?}");
    assert_eq!(state(&store).await, before);
}

#[tokio::test]
async fn damage_is_told_from_absence() {
    let (dir, store) = filled().await;
    store.close().await.unwrap();
    let file = fs::OpenOptions::new().write(true).open(database(dir.path())).unwrap();
    let length = file.metadata().unwrap().len();
    // Everything but the first page, which names the tables.
    file.write_all_at(&vec![0xa5; usize::try_from(length).unwrap() - 4096], 4096).unwrap();
    drop(file);
    let digest = ApiKeyDigest::of(b"key_1");
    match SqliteStore::open(dir.path()).await {
        Err(OpenError::Store { error: StoreError::Corrupt(_), .. }) => {}
        Ok(store) => assert!(matches!(store.find(&[digest]).await, Err(StoreError::Corrupt(_)))),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_damage() {
    let (_dir, store) = filled().await;
    for damage in [
        "UPDATE api_keys SET mode = 'neither'",
        "UPDATE api_keys SET mode = 'live', scopes = '[\"no scope\"]'",
        "UPDATE api_keys SET scopes = NULL, allowed_ips = '[\"nowhere\"]'",
        "UPDATE api_keys SET allowed_ips = 'no list'",
    ] {
        query(damage).execute(&store.writer.pool).await.unwrap();
        let answer = store.find(&[ApiKeyDigest::of(b"key_1")]).await;
        assert!(matches!(answer, Err(StoreError::Corrupt(_))), "{damage}: {answer:?}");
    }
}

#[tokio::test]
async fn a_file_that_went_away_fails_the_ping() {
    let (dir, store) = filled().await;
    store.ping().await.unwrap();
    fs::rename(database(dir.path()), dir.path().join("elsewhere")).unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Other(_))));
    fs::write(database(dir.path()), "another").unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Other(_))));
}

#[tokio::test]
async fn a_reader_that_comes_after_the_pruning_is_lost() {
    let (_dir, store) = filled().await;
    let start = FeedHead { position: 0, ..store.identity().await.unwrap().head };
    let fill = "INSERT INTO feed (position, kind, subject) \
         WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) SELECT n, 'api_key', 'key_1' FROM n";
    query(fill).bind(KEPT).execute(&store.writer.pool).await.unwrap();
    query("UPDATE feed_head SET position = ?1").bind(KEPT).execute(&store.writer.pool).await.unwrap();
    assert!(!store.changes(start).await.unwrap().lost);
    store.change_api_key("key_1", None, &KeyChange::Disable(at(2)), &event()).await.unwrap();
    assert!(store.changes(start).await.unwrap().lost);
    let rest = store.changes(FeedHead { position: 1, ..start }).await.unwrap();
    assert_eq!((rest.lost, i64::try_from(rest.changes.len()).unwrap()), (false, KEPT));
}

#[tokio::test]
async fn a_kind_of_tomorrow_is_told_as_unknown() {
    let (_dir, store) = filled().await;
    let head = store.identity().await.unwrap().head;
    let tomorrow = "INSERT INTO feed (position, kind, subject) VALUES (?1, 'of tomorrow', 'key_1')";
    let next = i64::try_from(head.position + 1).unwrap();
    query(tomorrow).bind(next).execute(&store.writer.pool).await.unwrap();
    query("UPDATE feed_head SET position = ?1").bind(next).execute(&store.writer.pool).await.unwrap();
    let changes = store.changes(head).await.unwrap();
    assert!(matches!(changes.changes[..], [Change::Unknown(position)] if position == head.position + 1));
}
