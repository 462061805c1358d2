//! What a server elsewhere sends as a stream: its audit log in every form, and decisions as they come.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use keyward_testkit::elsewhere::Elsewhere;
use keyward_testkit::world::{World, text, until};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn elsewhere<'a>(world: &'a World, scopes: &str) -> Elsewhere<'a> {
    Elsewhere { world, key: world.key("remote", &["--scopes", scopes]) }
}

#[test]
fn the_audit_log_is_exported_as_the_machine_itself_exports_it() {
    let world = World::new(BINARY).serve(&[]);
    let elsewhere = elsewhere(&world, "keyward:audit:read");
    // Several pages of it.
    for number in 0..6 {
        world.key(&format!("key {number}"), &[]);
    }
    let users: String = (0..600)
        .map(|number| format!("user{number}:$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96\n"))
        .collect();
    std::fs::write(world.path("users"), users).unwrap();
    world.ok(&["import", "htpasswd", world.path("users").to_str().unwrap(), "--apply"]);
    let all = ["audit", "export"];
    until("all seals", || (!world.ok(&all).contains("\"sealed\":false")).then_some(()));
    for line in [
        "audit export",
        "audit export --head",
        "audit export --format ndjson",
        "audit export --format csv",
        "audit export --format csv --action key.created",
        "audit export --format ndjson --actor nobody",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(elsewhere.ok(&words), world.ok(&words), "{line}");
    }
    assert!(elsewhere.ok(&all).lines().count() > 600);
    assert_eq!(elsewhere.ok(&["audit", "export", "--format", "csv", "--action", "key.created"]).lines().count(), 8);
    std::fs::write(world.path("head"), elsewhere.ok(&["audit", "export", "--head"])).unwrap();
    world.ok(&["audit", "verify", "--head", world.path("head").to_str().unwrap()]);
    for (line, why) in [
        ("audit export --actor operator", "whole with their seals"),
        ("audit export --format csv --since never", "never"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        for said in [elsewhere.refused(&words), world.refused(&words)] {
            assert!(said.contains(why), "{line}: {said}");
        }
    }
    let nobody = self::elsewhere(&world, "keyward:keys:read");
    assert!(nobody.refused(&all).contains("decision "));
}

/// The lines of a child that goes on, and the child.
fn begun(elsewhere: &Elsewhere<'_>, flags: &[&str]) -> (Child, impl FnMut() -> Option<Value> + use<>) {
    let arguments = [&["decisions", "tail", "--json"], flags].concat();
    let mut child = elsewhere.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, move || lines.next().map(|line| serde_json::from_str(&line.unwrap()).unwrap()))
}

#[test]
fn decisions_are_followed_and_following_them_makes_no_more_of_them() {
    let mut world = World::new(BINARY).serve(&[]);
    let elsewhere = elsewhere(&world, "keyward:decisions:read");
    world.send("GET", "/before", &[], "");
    let of_stranger = ["decisions", "list", "--outcome", "NoCredential"];
    until("the first decision", || (!world.json(&of_stranger)["data"].as_array().unwrap().is_empty()).then_some(()));
    let (mut child, mut next) = begun(&elsewhere, &["--outcome", "NoCredential"]);
    assert_eq!(next().unwrap()["path"], "/before");
    for path in ["/one", "/two", "/three"] {
        world.send("GET", path, &[], "");
        assert_eq!(next().unwrap()["path"], path);
    }
    let own = |route: &str| {
        let listed = world.json(&["decisions", "list", "--route", route, "--limit", "0"]);
        listed["data"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum::<u64>()
    };
    until("its own decisions", || (own("admin:decisions.tail") > 0).then_some(()));
    assert_eq!((own("admin:decisions.tail"), own("admin:decisions.list")), (1, 1), "it asks once");
    drop(elsewhere);
    drop(world.take_server());
    assert!(next().is_none() && !child.wait().unwrap().success(), "where nobody answers any more it says so and ends");
}

#[test]
fn a_stream_ends_with_its_key() {
    let world = World::new(BINARY).serve(&[]);
    let made = world.key_json("remote", &["--scopes", "keyward:decisions:read"]);
    let elsewhere = Elsewhere { world: &world, key: text(&made, "key") };
    let (child, mut next) = begun(&elsewhere, &["--outcome", "NoCredential"]);
    until("the stream", || {
        world.send("GET", "/x", &[], "");
        let listed = world.json(&["decisions", "list", "--route", "admin:decisions.tail"]);
        (!listed["data"].as_array().unwrap().is_empty()).then_some(())
    });
    world.ok(&["key", "revoke", &text(&made, "id")]);
    while next().is_some() {}
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("does not take the key"), "{said}");
}
