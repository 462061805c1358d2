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
fn flags_and_variables_of_a_server_count_though_the_doctor_has_none() {
    let given = "
env:
  APP_SECRET: {sets: security.jwt.secret}
  APP_LIFE: {sets: security.jwt.expiration}
  APP_ALLOWS: {sets: ip.allow, split: \",\"}
  APP_KEYS: {adds: security.api_keys.static, split: \",\", each: {name: \"client-${index}\", key: \"${value}\"}}
security: {jwt: {algorithm: HS256}, api_keys: {open_if_none: true}}
";
    let secret = "a-secret-of-the-server-that-nobody-else-has";
    let variables = [
        ("APP_SECRET", secret),
        ("APP_LIFE", "2h"),
        ("APP_ALLOWS", "127.0.0.1,10.0.0.0/8"),
        ("APP_KEYS", "one-key-of-thirty-two-bytes-or-more,other-key-of-thirty-two-bytes-or-more"),
        ("KEYWARD_PUBLIC", "/docs/**,/about"),
    ];
    let upstream = keyward_testkit::upstream::Upstream::start();
    let exports = variables.map(|(name, value)| format!("export {name}='{value}'")).join("\n");
    let mut world = world(given).before(&exports);
    std::fs::write(world.path("key"), "a-key-in-a-file-of-thirty-two-bytes-or-more\n").unwrap();
    let key_file = world.path("key").display().to_string();
    world.start(&["--upstream", &upstream.url(), "--api-key-file", &key_file]);
    let (codes, code) = examined(&world);
    for false_alarm in ["config-differs", "demo-upstream", "config-warning"] {
        assert!(!codes.iter().any(|one| one == false_alarm), "{codes:?}");
    }
    assert!(codes.iter().any(|one| one == "public-route") && code == 0, "{codes:?}");
    let text = world.ok(&["doctor"]);
    assert!(text.contains("would be open to everybody without the static keys"), "{text}");
    assert!(text.contains("(KEYWARD_PUBLIC)") && !text.contains(secret) && !text.contains("stands-in"), "{text}");
    let shown = world.json(&["config", "show"]);
    assert_eq!(shown["differs"], serde_json::json!([]), "what it was given is its own affair");
    // What differs in the file is still told.
    std::fs::write(world.path("keyward.yaml"), format!("{given}routes: [{{name: x, path: /x}}]\n")).unwrap();
    assert!(examined(&world).0.contains(&"config-differs".to_owned()));
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
