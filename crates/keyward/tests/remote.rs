//! Commands on a server elsewhere: with a key of its operator they do what they do beside its data directory, and no more than
//! the key may.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use keyward_testkit::elsewhere::Elsewhere;
use keyward_testkit::world::{World, until};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

const CONFIG: &str = "plans: {free: {limits: [{requests: 10, window: 1m}]}}\nroles: {reader: [orders:read]}\n";

/// Each scope of the operator, by name: no wildcard reaches them.
fn all_scopes(world: &World) -> String {
    let roles = world.json(&["role", "list"]);
    let operator = roles["data"].as_array().unwrap().iter().find(|role| role["name"] == "operator").unwrap();
    operator["scopes"].as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect::<Vec<_>>().join(",")
}

/// Asks both ways for the same, again while the server itself writes between the two: asking is counted, and what is counted takes
/// room on disk that `status` tells.
fn same(elsewhere: &Elsewhere<'_>, line: &str, part: impl Fn(Value) -> Value) {
    const TRIES: usize = 20;
    let words: Vec<&str> = line.split(' ').collect();
    for tried in 1..=TRIES {
        let (there, here) = (part(elsewhere.json(&words)), part(elsewhere.world.json(&words)));
        if there == here {
            return;
        }
        assert!(tried < TRIES, "{line}: {there} is not {here}");
    }
}

#[test]
fn what_is_listed_and_shown_is_what_the_machine_itself_shows() {
    let world = World::new(BINARY).config(CONFIG).serve(&[]);
    let scopes = all_scopes(&world);
    let elsewhere = Elsewhere { world: &world, key: world.key("remote", &["--scopes", &scopes]) };
    world.ok(&["account", "add", "acme", "--external-id", "A/1", "--plan", "free"]);
    world.person("ada", &["--account", "acme"]);
    let key = world.key_json("one", &["--owner", "ada"]);
    let id = key["id"].as_str().unwrap();
    // What is sealed between the two would differ.
    until("all seals", || (!world.ok(&["audit", "export"]).contains("\"sealed\":false")).then_some(()));
    for line in [
        "user list",
        "user show ada",
        "account list",
        "account show acme",
        "role list",
        "plan list",
        "signing-key list",
        &format!("key show {id}"),
        "key list --owner ada",
        "key list --account acme --limit 1",
        "audit list --action key.created",
        "audit list --limit 3",
        "user sessions ada",
        "session list",
        "session list --by tokens",
        "session list --by cookie --user ada",
        "config show",
        "status",
    ] {
        same(&elsewhere, line, |answer| answer);
    }
    // Pages go on from each other.
    for number in 0..3 {
        world.key(&format!("more {number}"), &[]);
    }
    assert_eq!(elsewhere.json(&["key", "list"])["data"].as_array().unwrap().len(), 5);
    assert!(elsewhere.ok(&["explain", "--path", "/x"]).contains("NoCredential"));
    assert!(elsewhere.ok(&["audit", "verify"]).contains("ok: "));
    same(&elsewhere, "overview --span 1h", |answer| answer["points"].clone());
    world.get("/x", "no key");
    let found = until("its decision", || {
        let found = world.json(&["decisions", "list", "--outcome", "Rejected"]);
        found["data"].get(0).is_some().then_some(found)
    });
    let decision = found["data"][0]["id"].as_str().unwrap();
    assert_eq!(elsewhere.json(&["decisions", "list", "--outcome", "Rejected"]), found);
    assert_eq!(elsewhere.json(&["explain", decision])["id"], decision);
}

#[test]
fn what_is_done_there_counts_there() {
    let world = World::new(BINARY).config(CONFIG).serve(&[]);
    let scopes = all_scopes(&world);
    let elsewhere = Elsewhere { world: &world, key: world.key("remote", &["--scopes", &scopes]) };
    elsewhere.ok(&["account", "add", "acme", "--budget", "1000"]);
    for line in [
        "account plan acme free",
        "account limits acme 5/1m",
        "account ip acme 127.0.0.0/8",
        "account budget acme +5",
        "account set acme --external-id A/7",
        "account set acme --no-external-id",
        "account disable acme",
        "account enable acme",
    ] {
        let said = elsewhere.ok(&line.split(' ').collect::<Vec<_>>());
        assert!(said.starts_with("acme") && said.contains("1/1 nodes"), "{line}: {said}");
    }
    let acme = world.json(&["account", "show", "acme"]);
    assert_eq!(
        (&acme["plan"], &acme["limits"][0], &acme["allowedIps"][0]),
        (&"free".into(), &"5/1m".into(), &"127.0.0.0/8".into())
    );
    let ada = elsewhere.json(&["user", "add", "ada", "--account", "acme"]);
    assert_eq!(world.try_login("ada", ada["password"].as_str().unwrap()).status, 200);
    world.ok(&["account", "add", "second", "--external-id", "S/2"]);
    for (flags, member, now) in [
        (&["--account", "S/2"][..], "account", world.json(&["account", "show", "second"])["id"].clone()),
        (&["--no-account"], "account", Value::Null),
        (&["--account", "acme"], "account", acme["id"].clone()),
        (&["--external-id", "crm 7"], "externalId", "crm 7".into()),
        (&["--no-external-id"], "externalId", Value::Null),
    ] {
        let said = elsewhere.ok(&[&["user", "set", "ada"], flags].concat());
        assert!(said.starts_with("ada") && said.contains("1/1 nodes"), "{flags:?}: {said}");
        assert_eq!(world.json(&["user", "show", "ada"])[member], now, "{flags:?}");
    }
    assert!(elsewhere.refused(&["account", "set", "acme", "--external-id", "S/2"]).contains("external id already"));
    elsewhere.ok(&["user", "roles", "ada", "auditor"]);
    assert_eq!(world.json(&["user", "show", "ada"])["roles"], serde_json::json!(["auditor"]));
    assert!(
        elsewhere.refused(&["user", "roles", "ada", "reader"]).contains("orders:read"),
        "nobody gives what it has not"
    );
    let password = elsewhere.ok(&["user", "passwd", "ada"]);
    let tokens = world.login("ada", &password);
    let made = elsewhere.json(&["key", "create", "one", "--owner", "ada", "--ip", "127.0.0.1"]);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert_eq!(world.get("/x", key).status, 200);
    assert!(elsewhere.ok(&["key", "set", id, "--name", "renamed"]).contains("1/1 nodes"));
    assert!(elsewhere.ok(&["key", "set", id, "--metadata", "team=a=b", "--metadata", "empty="]).contains("1/1 nodes"));
    let shown = world.json(&["key", "show", id]);
    let metadata = serde_json::json!({"team": "a=b", "empty": ""});
    assert_eq!((&shown["name"], &shown["metadata"]), (&"renamed".into(), &metadata));
    for (line, status) in [("key disable", 401), ("key enable", 200)] {
        let said = elsewhere.ok(&[&line.split(' ').collect::<Vec<_>>()[..], &[id]].concat());
        assert!(said.contains("1/1 nodes"), "{said}");
        assert_eq!(world.get("/x", key).status, status, "{line}");
    }
    let next = elsewhere.json(&["key", "rotate", id, "--overlap", "1h"]);
    assert_eq!((world.get("/x", next["key"].as_str().unwrap()).status, &next["replaces"]), (200, &made["id"]));
    assert_eq!(next["metadata"], metadata, "its successor has it, too");
    assert!(elsewhere.ok(&["key", "revoke", id, "--reason", "over"]).contains("1/1 nodes"));
    assert_eq!(world.get("/x", key).status, 401);
    assert!(elsewhere.ok(&["user", "disable", "ada"]).contains("1/1 nodes"));
    assert_eq!(world.token_status(&tokens.access), 401);
    elsewhere.ok(&["user", "enable", "ada"]);
    elsewhere.ok(&["signing-key", "rotate", "--now"]);
    // Tokens and sessions.
    let [first, second] = [(), ()].map(|()| world.login("ada", &password));
    let look = |verb: &str, token: &str| {
        std::fs::write(world.path("token"), token).unwrap();
        elsewhere.ok(&["token", verb, world.path("token").to_str().unwrap()])
    };
    assert!(look("inspect", &first.access).contains("active") && look("revoke", &first.access).contains("1/1 nodes"));
    assert_eq!((world.token_status(&first.access), world.token_status(&second.access)), (401, 200));
    let session = world.json(&["user", "sessions", "ada"])["data"][0]["id"].clone();
    assert!(elsewhere.ok(&["user", "sign-out", "--session", session.as_str().unwrap()]).contains("1/1 nodes"));
    assert_eq!(world.token_status(&second.access), 401);
    let third = world.login("ada", &password);
    assert!(elsewhere.ok(&["user", "sign-out", "ada"]).contains("1/1 nodes"));
    assert_eq!(world.token_status(&third.access), 401);
    // Each change says who did it.
    let by = world.json(&["audit", "list", "--subject", id]);
    let remote = world.json(&["key", "list", "--owner", "admin"])["data"][0]["id"].clone();
    assert!(by["data"].as_array().unwrap().iter().all(|event| event["actor"] == remote), "{by}");
}

#[test]
fn a_key_does_no_more_there_than_it_may() {
    let world = World::new(BINARY).serve(&[]);
    let reader = Elsewhere { world: &world, key: world.key("reader", &["--scopes", "keyward:keys:read"]) };
    assert_eq!(reader.json(&["key", "list"])["data"].as_array().unwrap().len(), 1);
    for line in ["key create two", "user list", "user add eve", "audit list", "signing-key rotate", "role list"] {
        let said = reader.refused(&line.split(' ').collect::<Vec<_>>());
        assert!(said.contains("decision "), "{line}: {said}");
    }
    for key in [world.key("plain", &["--scopes", "*"]), "kw_live_nothing".to_owned()] {
        let nobody = Elsewhere { world: &world, key };
        nobody.refused(&["key", "list"]);
    }
    let writer =
        Elsewhere { world: &world, key: world.key("writer", &["--scopes", "keyward:keys:read,keyward:keys:write"]) };
    let said = writer.refused(&["key", "create", "more", "--scopes", "keyward:users:write"]);
    assert!(said.contains("keyward:users:write"), "{said}");
}

#[test]
fn what_cannot_be_asked_is_said_before_a_key_leaves() {
    let world = World::new(BINARY);
    for (server, token, words) in [
        ("http://keyward.example:9470", "k", "in the clear"),
        ("https://u:p@keyward.example", "k", "more than a scheme"),
        ("nonsense", "k", "no URL"),
        ("http://127.0.0.1:1", "k", "nobody answers"),
        ("http://127.0.0.1:1", "", "wants a key"),
    ] {
        let output = world.plain(&["key", "list", "--server", server]).env("KEYWARD_TOKEN", token).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(words), "{server}: {said}");
    }
    for line in ["backup x", "doctor", "serve", "init", "import csv -"] {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.extend(["--server", "http://127.0.0.1:1"]);
        let output = world.plain(&words).env("KEYWARD_TOKEN", "k").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(1) && said.contains("on the machine of the data directory"),
            "{line}: {said}"
        );
    }
}
