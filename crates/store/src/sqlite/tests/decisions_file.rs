//! The file of decisions itself: whatever state it is in, nobody is stopped by it.

use keyward_engine::decisions::Decisions;
use keyward_engine::ledger::Batch;
use keyward_engine::ports::StoreError;

use super::batches::{SECOND, at, empty, lost};
use crate::{DECISIONS_FILE_NAME, SqliteDecisions};

#[tokio::test]
async fn a_file_that_is_none_of_ours_is_set_aside_whole() {
    for content in [b"this is no database, but long enough to be looked at as one".repeat(100), vec![0; 5000]] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(DECISIONS_FILE_NAME), &content).unwrap();
        let opened = SqliteDecisions::create_or_open(dir.path(), at(SECOND)).await.unwrap();
        assert_eq!(std::fs::read(opened.set_aside.unwrap()).unwrap(), content);
        opened.decisions.keep(&[Batch { lost: lost(1), ..Batch::default() }]).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_somebody_else_is_set_aside() {
    let (dir, decisions) = empty().await;
    decisions.close().await.unwrap();
    let path = dir.path().join(DECISIONS_FILE_NAME);
    let mut bytes = std::fs::read(&path).unwrap();
    // The application id is at offset 68 of the header (https://www.sqlite.org/fileformat2.html).
    bytes[68..72].copy_from_slice(&[0, 0, 0, 9]);
    std::fs::write(&path, bytes).unwrap();
    assert!(SqliteDecisions::create_or_open(dir.path(), at(SECOND)).await.unwrap().set_aside.is_some());
}

#[tokio::test]
async fn a_file_that_was_taken_away_fails_each_batch() {
    let (dir, decisions) = empty().await;
    std::fs::remove_file(dir.path().join(DECISIONS_FILE_NAME)).unwrap();
    let kept = decisions.keep(&[Batch { lost: lost(1), ..Batch::default() }]).await;
    assert!(matches!(kept, Err(StoreError::Other(_))), "{kept:?}");
}

#[tokio::test]
async fn it_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, _decisions) = empty().await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o077, 0);
    }
}
