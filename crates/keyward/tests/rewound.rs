//! A database that was put back by hand is noticed at the next start, and one that changes under a server at once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;

use keyward_testkit::world::{World, until};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const SAID: &str = "is not the one that was here last";

fn rewindings(world: &World) -> usize {
    world.json(&["audit", "list", "--action", "store.rewound"])["data"].as_array().unwrap().len()
}

fn epoch(world: &World) -> String {
    let note = std::fs::read(world.data_dir().join("feed.witness")).unwrap();
    let note: serde_json::Value = serde_json::from_slice(&note).unwrap();
    note["epoch"].as_str().unwrap().to_owned()
}

fn sql(file: &Path, statements: &str) {
    let output = Command::new("sqlite3").args(["-cmd", ".timeout 60000"]).arg(file).arg(statements).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_older_copy_is_noticed_once_and_said() {
    let mut world = World::new(BINARY).serve(&[]);
    let key = world.key_json("one", &[]);
    let (id, secret) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    world.stop();
    let (database, copy) = (world.data_dir().join("keyward.db"), world.path("copy.db"));
    std::fs::copy(&database, &copy).unwrap();
    let first = epoch(&world);
    world.start(&[]);
    assert!(!world.server().log().contains(SAID));
    assert_eq!(epoch(&world), first);
    world.ok(&["key", "revoke", id]);
    assert_eq!(world.get("/x", secret).status, 401);
    world.stop();
    std::fs::copy(&copy, &database).unwrap();
    world.start(&[]);
    let log = world.server().log();
    assert!(log.contains(SAID) && log.contains("keys revoked after the copy are accepted again"), "{log}");
    assert_eq!(world.get("/x", secret).status, 200, "as was said");
    assert_eq!(rewindings(&world), 1);
    let second = epoch(&world);
    assert_ne!(second, first);
    assert!(!world.run(&["audit", "verify"]).status.success(), "that the log lost its end is not forgotten");
    world.stop();
    world.start(&[]);
    assert!(!world.server().log().contains(SAID), "once is enough");
    assert_eq!((rewindings(&world), epoch(&world)), (1, second));
}

#[test]
fn a_killed_server_and_a_command_notice_it_too() {
    let mut world = World::new(BINARY).serve(&[]);
    world.key("one", &[]);
    world.stop();
    let (database, copy) = (world.data_dir().join("keyward.db"), world.path("copy.db"));
    std::fs::copy(&database, &copy).unwrap();
    world.start(&[]);
    let noted = std::fs::read(world.data_dir().join("feed.witness")).unwrap();
    world.key("two", &[]);
    until("the note", || (std::fs::read(world.data_dir().join("feed.witness")).unwrap() != noted).then_some(()));
    world.take_server().kill();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(world.data_dir().join(format!("keyward.db{end}")));
    }
    std::fs::copy(&copy, &database).unwrap();
    let output = world.run(&["key", "list", "--json"]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains(SAID));
    assert_eq!(rewindings(&world), 1);
}

#[test]
fn a_store_of_another_directory_is_noticed_too() {
    let (mine, other) = (World::new(BINARY), World::new(BINARY));
    for world in [&mine, &other] {
        world.ok(&["init"]);
        world.key("one", &[]);
    }
    for name in ["keyward.db", "audit.key", "audit.head"] {
        std::fs::copy(other.data_dir().join(name), mine.data_dir().join(name)).unwrap();
    }
    let output = mine.run(&["key", "list"]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains(SAID));
}

#[test]
fn without_a_note_or_with_one_that_cannot_be_read_nothing_is_claimed() {
    let world = World::new(BINARY);
    world.ok(&["init"]);
    let note = world.data_dir().join("feed.witness");
    for change in [|note: &Path| std::fs::remove_file(note).unwrap(), |note: &Path| std::fs::write(note, "{").unwrap()]
    {
        change(&note);
        let output = world.run(&["key", "list"]);
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(epoch(&world).len(), 16, "it is written anew");
    }
    assert_eq!(rewindings(&world), 0);
}

/// Changes the database under a running server, as no server does: the key is revoked and the feed is not told.
fn changed_under_the_server(feed: &str) -> World {
    let world = World::new(BINARY).serve(&[]);
    let key = world.key_json("one", &[]);
    let (id, secret) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    // Its receipt says that the node stands where the feed ends.
    world.ok(&["key", "disable", world.key_json("two", &[])["id"].as_str().unwrap()]);
    let statuses = || (0..40).map(|_| world.get("/x", secret).status).collect::<Vec<_>>();
    assert_eq!(statuses(), [200; 40], "every core remembers the key");
    let revoke = format!("UPDATE api_keys SET revoked_at = 1 WHERE id = '{id}'");
    sql(&world.data_dir().join("keyward.db"), &format!("BEGIN IMMEDIATE; {revoke}; {feed}; COMMIT"));
    until("it is said", || world.server().log().contains("Everything remembered of it was dropped").then_some(()));
    assert_eq!(statuses(), [401; 40], "a core went on believing what it remembered");
    until("it is recorded", || (rewindings(&world) == 1).then_some(()));
    world
}

#[test]
fn another_epoch_under_a_running_server_drops_what_cores_remember() {
    changed_under_the_server("UPDATE feed_head SET epoch = epoch + 1");
}

#[test]
fn a_feed_that_goes_back_under_a_running_server_begins_another_epoch() {
    let back = "DELETE FROM feed WHERE position = (SELECT max(position) FROM feed); \
         UPDATE feed_head SET position = position - 1";
    let world = changed_under_the_server(back);
    let found = &world.json(&["audit", "list", "--action", "store.rewound"])["data"][0]["detail"];
    until("the note", || (epoch(&world) != found["foundEpoch"].as_str().unwrap()).then_some(()));
}
