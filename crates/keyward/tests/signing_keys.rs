//! Keys that sign tokens follow each other: announced, active, checking, retired; by hand and by age.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_testkit::world::{World, text, until};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// Ids and states, newest first.
fn listed(world: &World) -> Vec<(String, String)> {
    let keys = world.json(&["signing-key", "list"]);
    keys["data"].as_array().unwrap().iter().map(|key| (text(key, "id"), text(key, "status"))).collect()
}

fn states(world: &World) -> Vec<String> {
    listed(world).into_iter().map(|(_, state)| state).collect()
}

/// The ids in the JWK set.
fn shown(world: &World) -> Vec<String> {
    let keys = world.send("GET", "/_keyward/jwks.json", &[], "").json();
    keys["keys"].as_array().unwrap().iter().map(|key| text(key, "kid")).collect()
}

fn kid(token: &str) -> String {
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    text(&header, "kid")
}

#[test]
fn a_key_is_announced_and_another_can_be_brought_in_at_once() {
    let world = World::new(BINARY).serve(&[]);
    let password = world.first_password();
    let before = world.login("admin", &password);
    let first = kid(&before.access);
    assert_eq!(listed(&world), [(first.clone(), "active".to_owned())]);
    // Announced: everybody can see it, and it signs nothing yet.
    let announced = world.json(&["signing-key", "rotate"]);
    assert_eq!(announced["status"], "announced");
    let second = text(&announced, "id");
    assert_eq!(states(&world), ["announced", "active"]);
    let mut both = shown(&world);
    both.sort();
    let mut expected = [first.clone(), second.clone()];
    expected.sort();
    assert_eq!(both, expected);
    assert_eq!(kid(&world.login("admin", &password).access), first);
    assert!(world.refused(&["signing-key", "rotate"]).contains("is announced"));
    // At once.
    let third = text(&world.json(&["signing-key", "rotate", "--now"]), "id");
    let after = world.login("admin", &password);
    assert_eq!(kid(&after.access), third);
    for token in [&before.access, &after.access] {
        assert_eq!(world.token_status(token), 200, "what the old one signed counts to its end");
    }
    assert_eq!(states(&world), ["active", "announced", "checking"]);
    // Retired: what it signed is refused on every core, though it was remembered; the session goes on.
    for _ in 0..16 {
        assert_eq!(world.token_status(&before.access), 200);
    }
    world.ok(&["signing-key", "retire", &first]);
    for _ in 0..16 {
        assert_eq!((world.token_status(&before.access), world.token_status(&after.access)), (401, 200));
    }
    assert!(!shown(&world).contains(&first));
    assert_eq!(world.refresh(&before.refresh).status, 200);
    // The one that signs, retired: another one takes over, never the announced one before its time.
    world.ok(&["signing-key", "retire", &third]);
    let last = kid(&world.login("admin", &password).access);
    assert!(![&first, &second, &third].contains(&&last));
    assert!(world.refused(&["signing-key", "retire", "sig_none"]).contains("there is no signing key"));
    let audit = world.json(&["audit", "list"]).to_string();
    assert!(audit.contains("signing_key.retired") && audit.contains("signing_key.created"));
}

#[test]
fn without_a_server_the_next_start_signs_with_it() {
    let mut world = World::new(BINARY).serve(&[]);
    let password = world.first_password();
    let before = world.login("admin", &password);
    world.stop();
    let next = text(&world.json(&["signing-key", "rotate", "--now"]), "id");
    world.start(&[]);
    assert_eq!(kid(&world.login("admin", &password).access), next);
    assert_eq!(world.token_status(&before.access), 200);
    let secret = "thirty-two bytes are not too few";
    let config = "security: {jwt: {algorithm: HS256, secret: '${env:TOKEN_SECRET}'}}";
    let world = World::new(BINARY).config(config).env("TOKEN_SECRET", secret).serve(&[]);
    assert!(world.refused(&["signing-key", "rotate", "--now"]).contains("security.jwt.secret signs"));
}

/// The library for programs with threads, wherever the system keeps it.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    found.expect("scripts/setup-tests installs faketime")
}

#[test]
fn by_age_the_next_one_is_announced_signs_and_the_old_one_goes() {
    let world = World::new(BINARY);
    let file = world.path("clock");
    let jump = |to: &str| {
        let new = file.with_extension("new");
        std::fs::write(&new, to).unwrap();
        std::fs::rename(new, &file).unwrap();
    };
    jump("+0");
    let world = world
        .env("LD_PRELOAD", library().to_str().unwrap())
        .env("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap())
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .config("security: {jwt: {rotate_every: 10d}}")
        .serve(&[]);
    let password = world.first_password();
    let first = kid(&world.login("admin", &password).access);
    let turns = |expected: &[&str]| {
        until(&format!("{expected:?}"), || (states(&world) == expected).then_some(()));
    };
    jump("+8d");
    assert_eq!(states(&world), ["active"]);
    jump("+217h");
    turns(&["announced", "active"]);
    assert_eq!((shown(&world).len(), kid(&world.login("admin", &password).access)), (2, first.clone()));
    jump("+242h");
    turns(&["active", "checking"]);
    let second = kid(&world.login("admin", &password).access);
    assert_ne!(second, first);
    assert!(shown(&world).contains(&first));
    jump("+266h");
    turns(&["active", "retired"]);
    until("the end of the old one in the set", || (shown(&world) == [second.clone()]).then_some(()));
}
