//! Backups through the real binary: made under load and without a server, complete, private, and put back elsewhere.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use keyward_testkit::world::{World, is_private, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// Another world, with nothing in it but what a backup gives.
fn restored(backup: &Path) -> World {
    let world = World::new(BINARY);
    let told = world.json(&["restore", backup.to_str().unwrap()]);
    assert_eq!((&told["keptAside"], &told["keysValidAgain"]), (&serde_json::Value::Null, &serde_json::json!([])));
    world
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

#[test]
fn a_backup_under_load_holds_all_that_was_answered_before() {
    let world = World::new(BINARY).serve(&[]);
    let password = world.first_password();
    let tokens = world.login("admin", &password);
    let before = world.key("before", &["--scopes", "self:*"]);
    let file = world.path("backup");
    let (stop, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let summary = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = world.call("POST", "/_keyward/api-keys", &before, "{\"name\":\"load\"}");
                    assert_eq!(answer.status, 201, "{}", answer.text());
                    made.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        until("some load", || (made.load(Ordering::Relaxed) > 20).then_some(()));
        let at_least = made.load(Ordering::Relaxed);
        let summary = world.json(&["backup", file.to_str().unwrap()]);
        let keys = usize::try_from(summary["keys"].as_u64().unwrap()).unwrap();
        assert!((at_least..=made.load(Ordering::Relaxed) + 4).contains(&keys), "{summary}");
        stop.store(true, Ordering::Relaxed);
        summary
    });
    let after = world.key("after", &[]);
    assert_eq!((&summary["users"], &summary["masterKey"]), (&1.into(), &"carried".into()));
    let events = world.json(&["audit", "list", "--action", "backup.made"]);
    assert_eq!(events["data"][0]["detail"]["file"], file.to_str().unwrap());
    assert!(!names(&world.data_dir()).iter().any(|name| name.starts_with("copy")), "the copy stayed");

    let mut other = restored(&file);
    other.start(&[]);
    assert_eq!((other.get("/x", &before).status, other.get("/x", &after).status), (200, 401));
    assert_eq!(other.token_status(&tokens.access), 200, "the session and the signing key came along");
    other.login("admin", &password);
    assert!(!other.server().log().contains("master key opens none"));
    assert_eq!(other.json(&["key", "list"])["data"].as_array().unwrap().len() as u64, summary["keys"]);
    let verified = other.json(&["audit", "verify"]);
    assert_eq!((&verified["ok"], &verified["flaws"]), (&true.into(), &serde_json::json!([])));
    let restore = &other.json(&["audit", "list", "--action", "store.restored"])["data"][0];
    assert_eq!((&restore["actor"], &restore["detail"]["backupOf"]), (&"operator".into(), &summary["createdAt"]));
}

#[test]
fn without_a_server_it_is_the_same() {
    let world = World::new(BINARY);
    world.ok(&["init"]);
    let key = world.key("one", &[]);
    let said = world.ok(&["backup", "here"]);
    let file = world.path("here");
    assert!(said.starts_with(&file.display().to_string()), "{said}");
    for part in ["it carries secrets", "1 users, 1 keys", "none yet", "keyward restore "] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    let mut other = restored(&file);
    other.start(&[]);
    assert_eq!(other.get("/x", &key).status, 200);
}

#[test]
fn nobody_else_can_read_it_and_nothing_is_overwritten() {
    let mut world = World::new(BINARY).before("umask 000").serve(&[]);
    world.key("one", &[]);
    let folder = world.path("backups");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("first");
    let arguments = ["backup", file.to_str().unwrap()];
    let open = format!("umask 000; exec '{BINARY}' \"$@\"");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &open, "sh"]).args(arguments).arg("--data-dir").arg(world.data_dir());
    assert!(shell.output().unwrap().status.success());
    assert!(is_private(&file));
    let bytes = std::fs::read(&file).unwrap();
    let said = world.refused(&arguments);
    assert!(said.contains("already; nothing is overwritten"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    std::os::unix::fs::symlink("nowhere", folder.join("link")).unwrap();
    for (name, why) in [("link", "already"), ("none/backup", "no such folder")] {
        let said = world.refused(&["backup", folder.join(name).to_str().unwrap()]);
        assert!(said.contains(why), "{name}: {said}");
    }
    assert!(world.refused(&["backup", "-"]).contains("not to stdout"));
    assert_eq!(names(&folder), ["first", "link"], "nothing half made is left");
    world.stop();
    let mut other = restored(&file);
    for name in names(&other.data_dir()) {
        assert!(is_private(&other.data_dir().join(&name)), "{name}");
    }
    assert!(is_private(&other.data_dir()));
    other.start(&[]);
}

#[test]
fn two_at_once_are_both_whole() {
    let world = World::new(BINARY).serve(&[]);
    world.key("one", &[]);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let world = &world;
            scope.spawn(move || world.ok(&["backup", &format!("b{number}")]));
        }
    });
    for number in 0..4 {
        restored(&world.path(&format!("b{number}")));
    }
}

#[test]
fn a_master_key_of_the_environment_is_not_carried_and_that_is_said() {
    let hex = "ab".repeat(32);
    let world = World::new(BINARY).env("KEYWARD_MASTER_KEY", &hex).serve(&[]);
    let said = world.ok(&["backup", "backup"]);
    assert!(said.contains("NOT in it: keep KEYWARD_MASTER_KEY yourself"), "{said}");
    let file = world.path("backup").display().to_string();
    assert!(!std::fs::read(&file).unwrap().windows(64).any(|window| window == hex.as_bytes()));
    for (given, signs) in [(None, false), (Some(&hex), true), (Some(&"cd".repeat(32)), false)] {
        let mut other = World::new(BINARY);
        if let Some(hex) = given {
            other = other.env("KEYWARD_MASTER_KEY", hex);
        }
        let output = other.run(&["restore", &file]);
        assert!(output.status.success());
        let warned = String::from_utf8_lossy(&output.stderr).contains("does not carry the master key");
        assert_eq!(warned, !signs, "{given:?}");
    }
}

#[test]
fn a_copy_that_nobody_fetched_is_removed_by_the_next_server() {
    let mut world = World::new(BINARY);
    world.ok(&["init"]);
    let left = world.data_dir().join("copy_left");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("keyward.db"), "secrets").unwrap();
    std::fs::create_dir(world.data_dir().join("copy")).unwrap();
    world.start(&[]);
    assert!(!left.exists() && world.data_dir().join("copy").exists());
}
