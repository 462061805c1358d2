//! Files: their modes, their places, their versions, and what is refused untouched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use keyward_core::algorithm::Algorithm;
use keyward_core::api_key::ApiKeyRecord;
use keyward_core::time::Timestamp;
use keyward_engine::ports::{Lookup as _, Records as _, Store as _, StoreError};
use keyward_engine::signing::SigningKeyRecord;
use sqlx::query;

use super::super::file::DatabaseFile;
use super::super::inspect::inspect;
use super::super::schema::{found, migrate_to, newest};
use super::super::transaction::Writer;
use super::{Counter, OpenError, SqliteStore, database, make};
use crate::conformance::fixtures::{OWNER, event, key, user};

async fn filled(dir: &Path) -> SqliteStore {
    let store = make(dir).await.unwrap();
    store.ensure_user(&user(OWNER), &event()).await.unwrap();
    store.insert_api_key(&key("key_1", OWNER, 1), &event()).await.unwrap();
    store
}

#[tokio::test]
async fn nobody_else_may_read_the_files() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("a/b");
    let store = filled(&dir).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["keyward.db", "keyward.db-shm", "keyward.db-wal"]);
    for name in &names {
        assert_eq!(mode(&dir.join(name)), 0o600, "{}", name.display());
    }
    assert_eq!((mode(&dir), mode(&outer.path().join("a"))), (0o700, 0o700));
    store.close().await.unwrap();
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "a closed store is one plain file");
}

#[tokio::test]
async fn any_folder_will_do() {
    let outer = tempfile::tempdir().unwrap();
    let long = format!("{}/{}", "l".repeat(120), "x".repeat(120));
    for name in
        [&long, "with spaces", "ünïcödé 日本", "50%25%20", "what?mode=memory", "file:x?vfs=none", "#'\";--", "-"]
    {
        let dir = outer.path().join(name);
        filled(&dir).await.close().await.unwrap();
        let store = SqliteStore::open(&dir).await.unwrap();
        assert!(store.api_key("key_1").await.unwrap().is_some(), "{name}");
        store.close().await.unwrap();
        assert!(database(&dir).is_file(), "{name}");
    }
}

#[tokio::test]
async fn only_serve_and_init_make_a_store() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("none");
    for empty_file in [false, true] {
        if empty_file {
            // What a crash in the middle of making a store leaves.
            fs::create_dir(&dir).unwrap();
            fs::write(database(&dir), "").unwrap();
        }
        let error = SqliteStore::open(&dir).await.unwrap_err();
        assert!(matches!(error, OpenError::Missing(_)), "{error:?}");
        assert!(error.to_string().contains(&dir.display().to_string()) && error.to_string().contains("keyward init"));
        assert_eq!(dir.exists(), empty_file, "open makes nothing");
    }
    filled(&dir).await;
    assert!(SqliteStore::open(&dir).await.is_ok());
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_refused() {
    let outer = tempfile::tempdir().unwrap();
    let file = outer.path().join("file");
    fs::write(&file, "").unwrap();
    for dir in [file.clone(), file.join("below"), Path::new("/proc/keyward").into()] {
        let error = make(&dir).await.unwrap_err();
        assert!(matches!(error, OpenError::Directory { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_newer_version_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (?1, 'of tomorrow', 1, x'00', 0)";
    query(newer).bind(newest() + 1).execute(&store.writer.pool).await.unwrap();
    // Once as a crash would leave it, the last transactions in the log only, and once after an orderly end.
    for closed in [false, true] {
        if closed {
            store.close().await.unwrap();
        }
        let before = bytes(dir.path());
        for error in [make(dir.path()).await.unwrap_err(), SqliteStore::open(dir.path()).await.unwrap_err()] {
            assert!(
                matches!(error, OpenError::Newer { found, known, .. } if found == newest() + 1 && known == newest()),
                "{error:?}"
            );
            let version = format!("version {}", newest() + 1);
            assert!(error.to_string().contains(&version) && error.to_string().contains("nothing was changed"));
        }
        assert_eq!(bytes(dir.path()), before);
    }
}

/// A store from before limits: the line of each key is found by what it replaced.
#[tokio::test]
async fn rotations_of_an_older_version_keep_their_line() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    for (id, replaces) in [("one", None), ("two", Some("one")), ("three", Some("two")), ("lone", Some("gone"))] {
        let key = ApiKeyRecord { replaces: replaces.map(Into::into), ..key(id, OWNER, 1) };
        store.insert_api_key(&key, &event()).await.unwrap();
    }
    for back in [
        "DROP INDEX sessions_of_browsers",
        "ALTER TABLE api_keys DROP COLUMN metadata",
        "DROP INDEX audit_by_action",
        "DROP INDEX accounts_paused",
        "DROP INDEX accounts_listing",
        "DROP INDEX users_paused",
        "DROP INDEX users_listing",
        "DROP INDEX api_keys_of_account",
        "DROP INDEX api_keys_listing",
        "ALTER TABLE accounts DROP COLUMN search",
        "ALTER TABLE users DROP COLUMN search",
        "ALTER TABLE api_keys DROP COLUMN search",
        "CREATE INDEX users_by_age ON users (created_at, id)",
        "CREATE INDEX api_keys_by_age ON api_keys (created_at, id)",
        "DROP TABLE portal_links",
        "ALTER TABLE sessions DROP COLUMN portal",
        "ALTER TABLE accounts DROP COLUMN portal_user",
        "DROP TABLE invitations",
        "DROP TABLE recovery_codes",
        "DROP TABLE factors",
        "ALTER TABLE sessions DROP COLUMN client_address",
        "ALTER TABLE sessions DROP COLUMN plane",
        "DROP TABLE once",
        "DROP TABLE imported_peppers",
        "DROP TABLE imported_keys",
        "DROP TABLE key_sightings",
        "DROP TABLE key_overlaps",
        "DROP INDEX api_keys_of_line",
        "DROP TABLE key_budgets",
        "ALTER TABLE accounts DROP COLUMN budget",
        "ALTER TABLE accounts DROP COLUMN limits",
        "ALTER TABLE accounts DROP COLUMN plan",
        "DROP INDEX sessions_by_cookie",
        "ALTER TABLE sessions DROP COLUMN seen_at",
        "ALTER TABLE sessions DROP COLUMN cookie",
        "ALTER TABLE signing_keys DROP COLUMN active_at",
        "ALTER TABLE sessions DROP COLUMN scopes",
        "ALTER TABLE sessions DROP COLUMN client",
        "ALTER TABLE api_keys DROP COLUMN secret",
        "DROP TABLE reserves",
        "ALTER TABLE api_keys DROP COLUMN line",
        "DELETE FROM _sqlx_migrations WHERE version >= 6",
    ] {
        query(back).execute(&store.writer.pool).await.unwrap();
    }
    store.close().await.unwrap();
    let store = make(dir.path()).await.unwrap();
    for (id, first) in [("one", "one"), ("two", "one"), ("three", "one"), ("lone", "lone")] {
        assert_eq!(store.api_key(id).await.unwrap().unwrap().key.first_in_line(), first, "{id}");
    }
}

#[tokio::test]
async fn what_is_no_store_is_refused_untouched() {
    let foreign = tempfile::tempdir().unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database(foreign.path())).create_if_missing(true);
    let other = sqlx::SqlitePool::connect_with(options).await.unwrap();
    query("CREATE TABLE notes (text TEXT)").execute(&other).await.unwrap();
    other.close().await;
    let garbage = tempfile::tempdir().unwrap();
    fs::write(database(garbage.path()), "this is no database, whatever its name says\n".repeat(100)).unwrap();
    for dir in [&foreign, &garbage] {
        let before = bytes(dir.path());
        for error in [make(dir.path()).await.unwrap_err(), SqliteStore::open(dir.path()).await.unwrap_err()] {
            let fits = match &error {
                OpenError::Foreign(_) => dir.path() == foreign.path(),
                OpenError::Store { error: StoreError::Corrupt(_), .. } => dir.path() == garbage.path(),
                _ => false,
            };
            assert!(fits, "{error:?}");
        }
        assert_eq!(bytes(dir.path()), before);
    }
}

#[tokio::test]
async fn signing_keys_of_the_version_before_other_algorithms_come_along() {
    let dir = tempfile::tempdir().unwrap();
    let file = DatabaseFile::create(dir.path(), "keyward.db").unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database(dir.path())).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let writer = Writer { pool, file, faults: None };
    let old = writer.write(async |transaction| {
        migrate_to(transaction, 3).await?;
        found(transaction, &Counter, Timestamp::from_millis(1)).await?;
        let insert = "INSERT INTO signing_keys (id, algorithm, public, sealed, created_at, retired_at) \
             VALUES ('sig_old', 'EdDSA', ?1, ?2, 3, 4), ('sig_1', 'EdDSA', ?1, ?2, 5, NULL)";
        transaction.run(query(insert).bind([7; 32].as_slice()).bind([1, 2, 3].as_slice())).await
    });
    old.await.unwrap();
    writer.pool.close().await;
    let seen = inspect(dir.path(), true).await.unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let kept = store.signing_keys().await.unwrap();
    let key = |id: &str, created_at, retired_at: Option<i64>| SigningKeyRecord {
        id: id.into(),
        algorithm: Algorithm::EdDsa,
        public: Some([7; 32].into()),
        sealed: [1, 2, 3].into(),
        created_at: Timestamp::from_millis(created_at),
        active_at: Timestamp::from_millis(created_at),
        retired_at: retired_at.map(Timestamp::from_millis),
    };
    assert_eq!(kept, [key("sig_old", 3, Some(4)), key("sig_1", 5, None)]);
    assert_eq!((seen.version, seen.signing_keys), (3, kept));
    assert_eq!(inspect(dir.path(), true).await.unwrap().version, newest());
}

/// The database as a copy of it would be: its file and, if there is one, its log.
fn bytes(dir: &Path) -> (Vec<u8>, Vec<u8>) {
    (fs::read(database(dir)).unwrap(), fs::read(dir.join("keyward.db-wal")).unwrap_or_default())
}

#[tokio::test]
async fn two_makers_at_once_make_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = tokio::join!(make(dir.path()), make(dir.path()));
    let (one, two) = (one.unwrap().identity().await.unwrap(), two.unwrap().identity().await.unwrap());
    assert_eq!((one.head, one.tag_key.expose()), (two.head, two.tag_key.expose()));
}
