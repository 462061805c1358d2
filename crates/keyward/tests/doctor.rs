//! `keyward doctor` in an operator's words: before the first start, beside a running server, and on what is broken.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::os::unix::fs::PermissionsExt as _;

use keyward_testkit::world::World;
use serde_json::Value;

fn world(yaml: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(yaml)
}

/// The codes that it finds, and its exit code.
fn examined(world: &World) -> (Vec<String>, i32) {
    let output = world.run(&["doctor", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes = told["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned());
    (codes.collect(), output.status.code().unwrap())
}

#[test]
fn before_the_first_start_and_beside_a_server_it_says_what_is_there() {
    let mut world = world("{}");
    assert_eq!(examined(&world), (vec!["no-store".to_owned(), "demo-upstream".to_owned()], 0));
    world.start(&[]);
    let key = world.key_json("forever", &["--scopes", "*"]);
    let found =
        ["demo-upstream", "initial-password", "master-key-beside-data", "keys-without-end", "keys-for-everything"];
    assert_eq!(examined(&world), (found.map(str::to_owned).to_vec(), 0));
    let text = world.ok(&["doctor"]);
    assert!(text.contains(key["id"].as_str().unwrap()) && text.contains("what to do:"), "{text}");
    assert!(text.ends_with("0 wrong, 0 open, 5 weak"), "{text}");
    assert!(!text.contains(key["key"].as_str().unwrap()));
    world.stop();
    assert_eq!(examined(&world), (found.map(str::to_owned).to_vec(), 0), "the same without a server");
}

#[test]
fn a_mistake_is_told_with_its_line_and_fails() {
    let world = world("upstream: {headers: {X-Inner: a-secret-of-ours}}\nrotues: []\n");
    let output = world.run(&["doctor"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("config-mistake") && text.contains("keyward.yaml:2:1"), "{text}");
    assert!(!text.contains("a-secret-of-ours"), "{text}");
    assert!(text.contains("records-skipped") && text.contains("were not looked at"), "{text}");
}

#[test]
fn a_role_that_is_gone_from_the_configuration_is_told_with_who_has_it() {
    let mut world = world("roles: {worker: [orders:read]}\n").serve(&[]);
    world.user("ada", &["worker"]);
    world.stop();
    std::fs::write(world.path("keyward.yaml"), "{}").unwrap();
    let text = world.ok(&["doctor"]);
    assert!(text.contains("role-unknown: user ada") && text.contains("worker; they grant nothing"), "{text}");
}

#[test]
fn a_server_that_goes_by_another_configuration_is_told() {
    let world = world("routes: [{name: x, path: /x}]\n").serve(&[]);
    std::fs::write(world.path("keyward.yaml"), "routes: [{name: x, path: /x, public: true}]\nadmin: {port: 1}\n")
        .unwrap();
    let (codes, code) = examined(&world);
    assert!(codes.contains(&"config-differs".to_owned()) && code == 1, "{codes:?}");
}

#[test]
fn what_others_can_read_and_what_was_tampered_with_is_wrong() {
    let mut world = world("{}").serve(&[]);
    world.key("one", &[]);
    world.stop();
    let copy = world.data_dir().join("copy-of-a-key");
    std::fs::write(&copy, "").unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (codes, code) = examined(&world);
    assert!(codes.contains(&"files-readable".to_owned()) && code == 1, "{codes:?}");
    std::fs::remove_file(&copy).unwrap();

    // One byte of a record of the audit log, in place: the file stays a database.
    let path = world.data_dir().join("keyward.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let found = bytes.windows(11).position(|window| window == b"key.created").unwrap();
    bytes[found + 4] = b'C';
    std::fs::write(&path, bytes).unwrap();
    let (codes, code) = examined(&world);
    assert!(codes.contains(&"audit-broken".to_owned()) && code == 1, "{codes:?}");
}
