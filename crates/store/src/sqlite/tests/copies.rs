//! Copies of a store, what is seen in them, and what an older one brings back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use keyward_core::api_key::ApiKeyRecord;
use keyward_core::digest::MacKey;
use keyward_engine::change::KeyChange;
use keyward_engine::people::{People as _, UserChange};
use keyward_engine::ports::{Records as _, Store as _, StoreError};
use sqlx::query;

use super::super::{Comeback, comeback, inspect};
use super::{OpenError, SqliteStore, database, make};
use crate::conformance::fixtures::{OTHER, OWNER, at, event, key, user};
use crate::conformance::people::signing_key;

#[tokio::test]
async fn a_copy_is_what_was_there_and_work_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let store = make(home.path()).await.unwrap();
    store.ensure_user(&user(OWNER), &event()).await.unwrap();
    store.insert_signing_key(&signing_key("sig_1"), &event()).await.unwrap();
    let before = store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    store.seal_audit(&MacKey::from_bytes([1; 32]), 10).await.unwrap();
    let folder = store.copy("copy").await.unwrap();
    store.insert_api_key(&key("key_2", OWNER, 2), &event()).await.unwrap();
    assert_eq!(folder, std::path::absolute(home.path().join("copy")).unwrap());
    for (path, mode) in [(folder.clone(), 0o700), (database(&folder), 0o600)] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    let seen = inspect(&folder, true).await.unwrap();
    assert_eq!((seen.head, seen.users, seen.keys, seen.signing_keys.len()), (before, 1, 1, 1));
    assert_eq!(seen.audit, store.audit_state().await.unwrap().head);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "looking at it leaves nothing beside it");
    let copy = SqliteStore::open(&folder).await.unwrap();
    assert!(copy.api_key("key_1").await.unwrap().is_some() && copy.api_key("key_2").await.unwrap().is_none());
    assert_eq!(copy.identity().await.unwrap().tag_key.expose(), store.identity().await.unwrap().tag_key.expose());
    assert_eq!(copy.audit_state().await.unwrap().given, 3, "numbers of the audit log go on where they were");
    assert!(store.copy("copy").await.is_err(), "a copy takes nothing's place");
    assert!(database(&folder).is_file());
}

#[tokio::test]
async fn what_is_damaged_or_not_ours_is_seen() {
    let home = tempfile::tempdir().unwrap();
    let store = make(home.path()).await.unwrap();
    store.ensure_user(&user(OWNER), &event()).await.unwrap();
    for number in 0..200 {
        store.insert_api_key(&key(&format!("key_{number}"), OWNER, number), &event()).await.unwrap();
    }
    let folder = store.copy("damaged").await.unwrap();
    let mut bytes = fs::read(database(&folder)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(database(&folder), bytes).unwrap();
    let error = inspect(&folder, true).await.unwrap_err();
    assert!(matches!(error, OpenError::Store { error: StoreError::Corrupt(_), .. }), "{error:?}");

    let folder = store.copy("dangling").await.unwrap();
    let copy = SqliteStore::open(&folder).await.unwrap();
    query("PRAGMA foreign_keys = OFF").execute(&copy.writer.pool).await.unwrap();
    query("DELETE FROM users").execute(&copy.writer.pool).await.unwrap();
    copy.close().await.unwrap();
    assert!(inspect(&folder, false).await.is_ok());
    let error = inspect(&folder, true).await.unwrap_err();
    assert!(error.to_string().contains("names a row that is not there"), "{error}");

    let none = tempfile::tempdir().unwrap();
    assert!(matches!(inspect(none.path(), true).await.unwrap_err(), OpenError::Missing(_)));
}

#[tokio::test]
async fn what_an_older_store_brings_back_is_named() {
    let home = tempfile::tempdir().unwrap();
    let store = make(home.path()).await.unwrap();
    for id in [OWNER, OTHER] {
        store.ensure_user(&user(id), &event()).await.unwrap();
    }
    for (number, id) in ["kept", "revoked", "paused", "replaced", "long revoked"].into_iter().enumerate() {
        store.insert_api_key(&key(id, OWNER, i64::try_from(number).unwrap()), &event()).await.unwrap();
    }
    let revoke = |millis| KeyChange::Revoke(at(millis), None);
    store.change_api_key("long revoked", None, &revoke(10), &event()).await.unwrap();
    let older = store.copy("older").await.unwrap();
    store.change_api_key("revoked", None, &revoke(30), &event()).await.unwrap();
    store.change_api_key("paused", None, &KeyChange::Disable(at(20)), &event()).await.unwrap();
    let successor = ApiKeyRecord { replaces: Some("replaced".into()), ..key("successor", OWNER, 9) };
    let replace = KeyChange::Replace { at: at(25), overlap_ends_at: at(40), quiet: None };
    store.rotate_api_key(None, &replace, &successor, &event()).await.unwrap();
    store.insert_api_key(&key("younger", OWNER, 8), &event()).await.unwrap();
    store.change_api_key("younger", None, &revoke(50), &event()).await.unwrap();
    store.change_user(OTHER, &UserChange::Disable(at(20)), &event()).await.unwrap();
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect::<Vec<Box<str>>>();
    let expected = Comeback {
        keys: names(&["replaced", "revoked", "paused"]),
        users: names(&[&format!("{OTHER}@example.com")]),
        same_password: Vec::new(),
    };
    assert_eq!(comeback(home.path(), &older).await.unwrap(), expected);
    assert_eq!(comeback(&older, &older).await.unwrap(), Comeback::default());
}
