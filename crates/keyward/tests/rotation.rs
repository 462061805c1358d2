//! Rotation that ends on evidence: who still uses a key that was replaced, and an overlap that is over once nobody does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::path::PathBuf;

use keyward_testkit::world::{World, text, until};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn call(world: &World, key: &str, agent: &str) -> u16 {
    world.send("GET", "/orders", &[&format!("X-API-Key: {key}"), &format!("User-Agent: {agent}")], "").status
}

fn used_by(world: &World, id: &str) -> Vec<Value> {
    world.json(&["key", "show", id])["overlap"]["usedBy"].as_array().unwrap().clone()
}

/// A key and its successor: id and text of each.
fn rotated(world: &World, flags: &[&str]) -> ((String, String), (String, String)) {
    let old = world.key_json("bot", &["--scopes", "self:*,*"]);
    let new = world.json(&[&["key", "rotate", &text(&old, "id")], flags].concat());
    world.issued.note(&text(&new, "key"));
    ((text(&old, "id"), text(&old, "key")), (text(&new, "id"), text(&new, "key")))
}

#[test]
fn who_still_uses_a_key_that_was_replaced_is_told_and_nobody_else() {
    let world = World::new(BINARY).serve(&[]);
    let ((old_id, old), (new_id, new)) = rotated(&world, &["--until-quiet", "24h"]);
    let shown = world.json(&["key", "show", &old_id]);
    assert_eq!(shown["overlap"], serde_json::json!({"untilQuiet": "1d", "usedBy": []}));
    assert!(world.json(&["key", "show", &new_id]).get("overlap").is_none(), "it was not replaced");
    assert_eq!([call(&world, &old, "billing/1.0"), call(&world, &new, "orders/2.0")], [200, 200]);
    assert_eq!(call(&world, &old, &format!("evil\u{1b}[2J{}", "x".repeat(5000))), 400, "no control passes a head");
    assert_eq!(call(&world, &old, &format!("\u{202e}long{}", "x".repeat(5000))), 200);
    let seen = until("both uses", || Some(used_by(&world, &old_id)).filter(|seen| seen.len() == 2));
    let agents: Vec<&str> = seen.iter().map(|one| one["userAgent"].as_str().unwrap()).collect();
    assert!(agents.contains(&"billing/1.0"), "{agents:?}");
    assert!(agents.iter().any(|agent| agent.starts_with("???long") && agent.len() == 120), "{agents:?}");
    assert_eq!((&seen[0]["address"], &seen[0]["route"]), (&"127.0.0.1".into(), &"all".into()));
    assert!(seen[0]["lastAt"].is_string());
    let card = world.ok(&["key", "show", &old_id]);
    assert!(card.contains("ends earlier once it was not used for 1d") && card.contains("billing/1.0"), "{card}");
    let told = world.get(&format!("/_keyward/api-keys/{old_id}"), &new).json();
    assert_eq!(told["overlap"]["usedBy"].as_array().unwrap().len(), 2, "{told}");
    for (flags, why) in [
        (&["--until-quiet", "1m"][..], "5m or more"),
        (&["--until-quiet", "24h", "--overlap", "24h"], "would end before"),
        (&["--until-quiet", "soon"], "is not a span"),
    ] {
        let said = world.refused(&[&["key", "rotate", &new_id], flags].concat());
        assert!(said.contains(why), "{said}");
    }
    let body = "{\"overlap\": \"30d\", \"untilQuiet\": \"12h\"}";
    let answer = world.call("POST", &format!("/_keyward/api-keys/{new_id}/rotate"), &new, body);
    assert_eq!(answer.status, 201, "{}", answer.text());
    world.issued.note(&text(&answer.json(), "key"));
    assert_eq!(world.json(&["key", "show", &new_id])["overlap"]["untilQuiet"], "12h");
}

#[test]
fn of_very_many_callers_the_last_fifty_are_kept() {
    let world = World::new(BINARY).serve(&[]);
    let ((id, old), _) = rotated(&world, &[]);
    for number in 0..70 {
        assert_eq!(call(&world, &old, &format!("agent/{number}")), 200);
    }
    let has = |seen: &[Value], agent: &str| seen.iter().any(|one| one["userAgent"] == agent);
    // Each core tells of its own in its own time. The one seen longest ago goes first.
    until("the last fifty", || {
        let seen = used_by(&world, &id);
        (seen.len() == 50 && has(&seen, "agent/69") && !has(&seen, "agent/0")).then_some(())
    });
}

/// The library for programs with threads, wherever the system keeps it.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    found.expect("scripts/setup-tests installs faketime")
}

#[test]
fn an_overlap_is_over_once_the_old_key_is_quiet_and_not_while_it_is_used() {
    let world = World::new(BINARY);
    let file = world.path("clock");
    let jump = |to: &str| {
        let new = file.with_extension("new");
        std::fs::write(&new, to).unwrap();
        std::fs::rename(new, &file).unwrap();
    };
    jump("+0");
    let mut world = world
        .env("LD_PRELOAD", library().to_str().unwrap())
        .env("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap())
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    world.start(&[]);
    let ((quiet_id, quiet), (_, successor)) = rotated(&world, &["--until-quiet", "10h", "--overlap", "30d"]);
    let ((busy_id, busy), _) = rotated(&world, &["--until-quiet", "10h", "--overlap", "30d"]);
    let ((dated_id, dated), _) = rotated(&world, &["--overlap", "30d"]);
    assert_eq!([&quiet, &busy, &dated].map(|key| call(&world, key, "a")), [200; 3]);
    jump("+9h");
    let at_nine = text(&world.key_json("marker", &[]), "createdAt");
    until("the use at nine", || {
        assert_eq!(call(&world, &busy, "a"), 200);
        (used_by(&world, &busy_id).first()?["lastAt"].as_str()? > at_nine.as_str()).then_some(())
    });
    // Past ten hours for the one, within them for the other. A restart looks at once.
    jump("+11h");
    world.stop();
    world.start(&[]);
    let ended = until("the end of the overlap", || {
        let told = world.json(&["audit", "list", "--action", "key.overlap_ended"]);
        Some(told["data"].as_array().unwrap().clone()).filter(|told| !told.is_empty())
    });
    assert_eq!(ended.len(), 1);
    assert_eq!((&ended[0]["subject"], &ended[0]["actor"]), (&quiet_id.as_str().into(), &"system".into()));
    until("the refusal", || (call(&world, &quiet, "a") == 401).then_some(()));
    assert_eq!([&busy, &dated, &successor].map(|key| call(&world, key, "a")), [200; 3]);
    assert_eq!(text(&world.json(&["key", "show", &quiet_id]), "status"), "expired");
    assert_eq!(text(&world.json(&["key", "show", &dated_id]), "status"), "active");
    assert!(world.ok(&["key", "list"]).contains(&busy_id));
}
