//! `keyward key …` in a user's words: what each command prints, and that the very next request feels it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::process::Command;

use keyward_testkit::world::{World, text, until};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// Every field of a key in answers (docs/reference/endpoints.md).
const FIELDS: [&str; 21] = [
    "id",
    "name",
    "prefix",
    "mode",
    "pair",
    "status",
    "owner",
    "account",
    "scopes",
    "allowedIps",
    "externalId",
    "createdAt",
    "expiresAt",
    "lastUsedAt",
    "disabledAt",
    "revokedAt",
    "revokedReason",
    "replaces",
    "overlapEndsAt",
    "budget",
    "metadata",
];

fn serving() -> World {
    World::new(BINARY).serve(&[])
}

/// A new key's id and text.
fn made(world: &World, flags: &[&str]) -> (String, String) {
    let key = world.key_json("one", flags);
    (text(&key, "id"), text(&key, "key"))
}

fn status(world: &World, key: &str) -> u16 {
    world.get("/orders", key).status
}

fn fields(key: &Value) -> Vec<&str> {
    key.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn piped_the_key_stands_alone_on_stdout() {
    let world = serving();
    let output = world.run(&["key", "create", "first-customer"]);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let key = stdout.strip_suffix('\n').unwrap();
    assert!(key.starts_with("kw_live_") && key.len() == 59 && !key.contains(char::is_whitespace), "{stdout:?}");
    assert_eq!(status(&world, key), 200);
    for part in
        ["shown once", "id           key_", "name         first-customer", "undo         keyward key revoke key_"]
    {
        assert!(stderr.contains(part), "{part:?} is missing in:\n{stderr}");
    }
    assert!(!stderr.contains(key), "the key is in the card on stderr, which may be logged:\n{stderr}");
}

#[test]
fn on_a_terminal_a_card() {
    let world = serving();
    let data = world.data_dir();
    let typed =
        format!("'{BINARY}' key create first-customer --expires 90d --data-dir '{}' 2>/dev/null", data.display());
    let output = Command::new("script").args(["-qec", &typed, "/dev/null"]).output().unwrap();
    let card = String::from_utf8(output.stdout).unwrap();
    let key = card.lines().next().unwrap().trim();
    assert_eq!(status(&world, key), 200, "the first line is the key:\n{card}");
    for part in
        ["shown once", "mode         live", "expires      20", "from         anywhere", "undo         keyward key"]
    {
        assert!(card.contains(part), "{part:?} is missing in:\n{card}");
    }
}

#[test]
fn json_holds_all_that_is_promised() {
    let world = serving();
    let made = world.key_json("first-customer", &["--scopes", "orders:read", "--external-id", "crm/42"]);
    assert_eq!(fields(&made), [&["key"], &FIELDS[..]].concat());
    let mut shown = world.json(&["key", "show", &text(&made, "id")]);
    assert_eq!(fields(&shown), FIELDS);
    shown["key"] = made["key"].clone();
    assert_eq!(shown, made, "`show` says what `create` said, less the key");
    assert_eq!(made["scopes"], json!(["orders:read"]));
    assert_eq!(made["externalId"], "crm/42");
    assert_eq!(
        (&made["expiresAt"], &made["owner"], &made["status"]),
        (&Value::Null, &json!("admin"), &json!("active"))
    );
}

#[test]
fn a_list_for_people_and_for_programs() {
    let world = serving();
    assert_eq!(world.ok(&["key", "list"]), "no keys yet; `keyward key create NAME` makes one");
    assert_eq!(world.json(&["key", "list"]), json!({"data": [], "nextCursor": null}));
    for name in ["first", "second", "third"] {
        world.key(name, &[]);
    }
    let all = world.json(&["key", "list"]);
    let names: Vec<&str> = all["data"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["third", "second", "first"], "newest first");
    assert_eq!(all["nextCursor"], Value::Null);
    let two = world.json(&["key", "list", "--limit", "2"]);
    assert_eq!((two["data"].as_array().unwrap().len(), two["nextCursor"].is_string()), (2, true));
    let table = world.ok(&["key", "list"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("ID") && lines[0].ends_with("LAST USED"), "{table}");
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!((words[1], &words[3..]), ("third", &["active", "live", "admin", "never", "never"][..]), "{table}");
}

#[test]
fn an_unknown_id_is_refused_by_every_command() {
    let world = serving();
    for command in ["show", "rotate", "disable", "enable", "revoke"] {
        assert_eq!(world.refused(&["key", command, "key_nobody"]), "keyward: there is no key \"key_nobody\"");
        let said = world.refused(&["key", command, "key_nobody", "--json"]);
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), json!({"error": "there is no key \"key_nobody\""}));
    }
    assert_eq!(world.run(&["key", "show"]).status.code(), Some(2), "no id at all is wrong usage");
    assert_eq!(world.run(&["key", "create"]).status.code(), Some(2), "no name at all is wrong usage");
}

#[test]
fn a_rotated_key_goes_on_until_its_overlap_ends() {
    let world = serving();
    let (id, old) = made(&world, &["--scopes", "orders:read"]);
    let successor = world.json(&["key", "rotate", &id, "--overlap", "3s"]);
    let new = text(&successor, "key");
    assert_eq!((status(&world, &old), status(&world, &new)), (200, 200), "both work during the overlap");
    assert_eq!((&successor["replaces"], &successor["name"]), (&json!(id), &json!("one")));
    assert_eq!(successor["scopes"], json!(["orders:read"]));
    assert!(world.json(&["key", "show", &id])["overlapEndsAt"].is_string());
    until("the end of the overlap", || (status(&world, &old) == 401).then_some(()));
    assert_eq!(status(&world, &new), 200, "the successor stays");
    assert_eq!(world.json(&["key", "show", &id])["status"], "expired");
}

#[test]
fn an_overlap_of_nothing_ends_the_old_key_at_once() {
    let world = serving();
    let (id, old) = made(&world, &[]);
    assert_eq!(status(&world, &old), 200);
    let new = world.ok(&["key", "rotate", &id, "--overlap", "0"]);
    assert_eq!((status(&world, &old), status(&world, &new)), (401, 200), "the key alone is on stdout, and works");
}

#[test]
fn what_cannot_be_rotated_stays_as_it_is() {
    let world = serving();
    let (replaced, disabled, revoked) = (made(&world, &[]), made(&world, &[]), made(&world, &[]));
    world.ok(&["key", "rotate", &replaced.0]);
    world.ok(&["key", "disable", &disabled.0]);
    world.ok(&["key", "revoke", &revoked.0]);
    let before = world.json(&["key", "list"]);
    for (id, why) in [(replaced.0, "rotated already"), (disabled.0, "is disabled"), (revoked.0, "is revoked")] {
        let said = world.refused(&["key", "rotate", &id]);
        assert!(said.contains(why), "{said}");
    }
    let said = world.refused(&["key", "rotate", &text(&before["data"][0], "id"), "--overlap", "soon"]);
    assert!(said.contains("\"soon\" is not a span such as 24h"), "{said}");
    assert_eq!(world.json(&["key", "list"]), before, "nothing was made, nothing was changed");
}

#[test]
fn the_very_next_request_feels_each_change() {
    let world = serving();
    let (id, key) = made(&world, &[]);
    for _ in 0..10 {
        assert_eq!(status(&world, &key), 200);
        let said = world.ok(&["key", "disable", &id]);
        assert_eq!(status(&world, &key), 401, "after: {said}");
        assert!(said.starts_with(&format!("{id} disabled: refused by 1/1 nodes, ")) && said.ends_with(" ms"), "{said}");
        let said = world.ok(&["key", "enable", &id]);
        assert_eq!(status(&world, &key), 200, "after: {said}");
        assert!(said.starts_with(&format!("{id} enabled: accepted by 1/1 nodes, ")), "{said}");
    }
    let revoked = world.json(&["key", "revoke", &id, "--reason", "trial is over"]);
    assert_eq!(status(&world, &key), 401);
    assert_eq!(revoked["receipt"]["nodes"][0]["acknowledged"], true, "{revoked}");
    assert_eq!((&revoked["status"], &revoked["revokedReason"]), (&json!("revoked"), &json!("trial is over")));
}

#[test]
fn revoked_is_for_ever_and_saying_it_twice_changes_nothing() {
    let world = serving();
    let (id, key) = made(&world, &[]);
    for command in ["disable", "disable", "enable", "enable", "revoke"] {
        world.ok(&["key", command, &id]);
    }
    let first = world.json(&["key", "show", &id]);
    world.ok(&["key", "revoke", &id, "--reason", "another one"]);
    assert_eq!(world.json(&["key", "show", &id]), first, "the first revocation stands");
    for command in ["enable", "disable"] {
        let said = world.refused(&["key", command, &id]);
        assert!(said.contains("revoked, and that is for ever"), "{said}");
    }
    assert_eq!(status(&world, &key), 401);
}

#[test]
fn a_key_never_has_more_than_its_owner() {
    let mut world = serving();
    world.stop();
    world.user("bob", &["self"]);
    world.start(&[]);
    for (flags, why) in [
        (["--scopes", "keyward:*", "--owner", "admin"], "no wildcard reaches into keyward:"),
        (["--scopes", "keyward:no:such", "--owner", "admin"], "does not have keyward:no:such"),
        (["--scopes", "ord*", "--owner", "admin"], "* stands alone or as the last segment"),
        (["--scopes", "orders:read", "--owner", "bob"], "\"bob\" does not have orders:read"),
        (["--scopes", "*", "--owner", "bob"], "\"bob\" does not have *"),
        (["--scopes", "keyward:keys:read", "--owner", "bob"], "does not have keyward:keys:read"),
    ] {
        let said = world.refused(&[&["key", "create", "greedy"], &flags[..]].concat());
        assert!(said.contains(why), "{flags:?}: {said}");
    }
    assert_eq!(world.json(&["key", "list"])["data"], json!([]), "nothing was made");
    let scopes = |flags: &[&str]| world.key_json("modest", flags)["scopes"].clone();
    assert_eq!(scopes(&[]), Value::Null, "its owner's");
    assert_eq!(scopes(&["--scopes", ""]), json!([]), "none");
    assert_eq!(scopes(&["--scopes", "keyward:keys:read"]), json!(["keyward:keys:read"]), "by name, and held by admin");
    assert_eq!(scopes(&["--scopes", "self:keys:read", "--owner", "bob"]), json!(["self:keys:read"]));
    assert!(world.refused(&["key", "create", "x", "--owner", "nobody"]).contains("there is no user \"nobody\""));
}

#[test]
fn expiry_is_a_span_or_a_time_and_lies_ahead() {
    let world = serving();
    for past in ["2001-01-01T00:00:00Z", "0s", "2001-01-01T00:00:00+02:00"] {
        let said = world.refused(&["key", "create", "late", "--expires", past]);
        assert_eq!(said, format!("keyward: expiry {past:?} is not in the future"));
    }
    let said = world.refused(&["key", "create", "odd", "--expires", "tomorrow"]);
    assert!(said.contains("neither a time such as 2030-01-31T12:00:00Z nor a span such as 90d"), "{said}");
    assert_eq!(world.json(&["key", "list"])["data"], json!([]), "nothing was made");
    let at = world.key_json("time", &["--expires", "2099-01-31T12:00:00+02:00"]);
    assert_eq!(at["expiresAt"], "2099-01-31T10:00:00Z");
    let (id, key) = made(&world, &["--expires", "3s"]);
    assert_eq!(status(&world, &key), 200);
    until("the key's end", || (status(&world, &key) == 401).then_some(()));
    assert_eq!(world.json(&["key", "show", &id])["status"], "expired");
    assert!(world.get("/orders", &key).text().contains("has expired"), "who shows the right key is told why");
}

#[test]
fn a_key_is_bound_to_its_addresses() {
    let world = serving();
    let office = world.key_json("office", &["--ip", "10.0.0.0/8, 2001:db8::7"]);
    assert_eq!(office["allowedIps"], json!(["10.0.0.0/8", "2001:db8::7"]));
    assert_eq!(status(&world, &text(&office, "key")), 403);
    assert_eq!(status(&world, &world.key("here", &["--ip", "127.0.0.0/8"])), 200);
    let said = world.refused(&["key", "create", "odd", "--ip", "10.0.0.0/33"]);
    assert!(said.contains("\"10.0.0.0/33\""), "{said}");
    for nothing in ["", " , "] {
        let said = world.refused(&["key", "create", "open", "--ip", nothing]);
        assert!(said.contains("--ip names no address"), "an empty list would open the key to everybody: {said}");
    }
}

#[test]
fn mode_and_external_id() {
    let world = serving();
    let key = world.key_json("test", &["--mode", "test", "--external-id", " crm/42 "]);
    assert!(text(&key, "key").starts_with("kw_test_") && text(&key, "prefix").starts_with("kw_test_"), "{key}");
    assert_eq!((&key["mode"], &key["externalId"]), (&json!("test"), &json!("crm/42")));
    let seen = world.get("/orders", &text(&key, "key")).json();
    assert_eq!(seen["identity"]["mode"], "test", "the upstream is told");
    let said = world.refused(&["key", "create", "x", "--mode", "prod"]);
    assert!(said.contains("neither \"live\" nor \"test\""), "{said}");
    for (flag, value) in [("--external-id", " "), ("--external-id", &"x".repeat(256))] {
        assert!(world.refused(&["key", "create", "x", flag, value]).contains("externalId"));
    }
    assert!(world.refused(&["key", "create", ""]).contains("name must not be empty"));
}

#[test]
fn last_use_shows_up() {
    let world = serving();
    let (used, key) = made(&world, &[]);
    let (idle, _) = made(&world, &[]);
    assert_eq!(status(&world, &key), 200);
    let at = until("the last use", || world.json(&["key", "show", &used])["lastUsedAt"].as_str().map(str::to_owned));
    let created = text(&world.json(&["key", "show", &used]), "createdAt");
    assert!(at[..19] >= created[..19], "used at {at}, made at {created}");
    assert_eq!(world.json(&["key", "show", &idle])["lastUsedAt"], Value::Null);
}

#[test]
fn commands_and_server_are_of_one_mind() {
    let world = serving();
    for _ in 0..20 {
        let (id, key) = made(&world, &[]);
        assert_eq!(status(&world, &key), 200, "a key counts as soon as it is shown");
        world.ok(&["key", "revoke", &id]);
        assert_eq!(status(&world, &key), 401, "a revoked one ends as soon as it is said");
    }
}

#[test]
fn old_and_unused_keys_are_listed() {
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    world.ok(&["account", "add", "acme"]);
    world.user("ada", &["self", "admin"]);
    let used = world.key("used", &["--account", "acme", "--scopes", "self:*"]);
    world.key("idle", &["--account", "acme"]);
    world.key("hers", &["--owner", "ada"]);
    let gone = world.key_json("gone", &[]);
    world.ok(&["key", "revoke", &text(&gone, "id")]);
    assert_eq!(world.get("/_keyward/me", &used).status, 200);
    let later = "2999-01-01T00:00:00Z".to_owned();
    let names = |world: &World, flags: &[&str]| {
        let listed = world.json(&[&["key", "list"], flags].concat());
        let mut names: Vec<String> = listed["data"].as_array().unwrap().iter().map(|key| text(key, "name")).collect();
        names.sort();
        names
    };
    assert_eq!(names(&world, &["--account", "acme"]), ["idle", "used"]);
    assert_eq!(names(&world, &["--owner", "ada"]), ["hers"]);
    assert_eq!(names(&world, &["--unused", "1h"]), Vec::<String>::new(), "none is an hour old");
    assert_eq!(names(&world, &["--older", &later]), ["hers", "idle", "used"], "a revoked one is not asked for");
    // Uses are written by the minute, and at the end.
    world.stop();
    assert_eq!(names(&world, &["--unused", &later]), ["hers", "idle", "used"]);
    assert_eq!(names(&world, &["--unused", &later, "--owner", "ada"]), ["hers"]);
    world.start(&[]);
    let listed = world.get(&format!("/_keyward/api-keys?unused={}", later.replace(':', "%3A")), &used).json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "a caller's own: {listed}");
    assert_eq!(world.get("/_keyward/api-keys?older=soon", &used).status, 400);
    assert!(world.refused(&["key", "list", "--unused", "soon"]).contains("neither a time"));
    assert!(world.refused(&["key", "list", "--account", "nobody"]).contains("there is no account"));
    assert_eq!(world.ok(&["key", "list", "--unused", "1h"]), "no such keys");
}
