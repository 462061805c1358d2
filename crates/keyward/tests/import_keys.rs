//! Importing keys: looked at first, taken when that is asked for, and kept as our own are once they were shown.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// Keys as other programs keep them, and what they are hashes of.
const SHA256: (&str, &str) =
    ("old-sha-key-3f9a81c2d4", "sha256:02b8393669f0f218dd7e399a52ae09351ecbdf0eb4d86f9638778d7d7a0f9393");
const HMAC: (&str, &str) =
    ("old-hmac-key-77aa0b1c2d", "hmac-sha256:05b60e1e6b106d91320e98b29706cb2067c634c5caf2d35e389a7f2f7e2f354c");
const BCRYPT: (&str, &str) =
    ("old-bcrypt-key-0123456789", "$2b$04$nxNow32Ll/whLrOq/7b5ve2EtZE2R9OZAfLy5rASV6fA8VezdGzq2");
const BLIND: (&str, &str) = ("blind-bcrypt-key-98765", "$2b$04$6bjzxEKGMjN9SnfFWxIkR.6zrPJO0R/BToLfj8.fxzmIPioRblTAi");
/// 72 times x, which is all that bcrypt sees of anything longer.
const LONG: &str = "$2b$04$maoaor7QEyB2tM8UjagpLOmDRwCdt5seL/nLwxLoR.tycQuZci7Cu";
const PLAIN: &str = "an-old-key-in-plain-text";
const SHORT: &str = "hunter2";

fn table() -> String {
    let rows = [
        format!("plain,{PLAIN},,,ada,orders:read,"),
        format!("short,{SHORT},,,,,"),
        format!("sha,,{},,,,", SHA256.1),
        format!("hmac,,{},,,,", HMAC.1),
        format!("bcrypt,,{},old-,,,", BCRYPT.1),
        format!("blind,,{},,,,", BLIND.1),
        format!("long,,{LONG},,,,"),
        format!("twice,,{},,,,", SHA256.1),
        "nobodys,nobodys-key-0123456789,,,nobody,,".to_owned(),
        "bad,,md5:00,,,,".to_owned(),
        format!("dear,,{},,,,", BLIND.1.replace("$04$", "$13$")),
        "none,,,,,,".to_owned(),
        "late,late-key-0123456789abc,,,,,2001-01-01T00:00:00Z".to_owned(),
    ];
    format!("name,key,hash,begins,owner,scopes,expires_at\n{}\n", rows.join("\n"))
}

struct Imported {
    world: World,
    file: String,
    pepper: String,
}

impl Imported {
    fn new() -> Self {
        let world = World::new(BINARY).config("security: {throttle: {per_address: 1000}}\n").serve(&[]);
        world.user("ada", &["admin"]);
        let [file, pepper] = ["old.csv", "pepper"].map(|name| world.path(name).to_str().unwrap().to_owned());
        std::fs::write(&file, table()).unwrap();
        std::fs::write(&pepper, "the pepper\n").unwrap();
        Self { world, file, pepper }
    }

    fn import(&self, flags: &[&str]) -> Value {
        self.world.json(&[&["import", "csv", &self.file], flags].concat())
    }

    fn status(&self, key: &str) -> u16 {
        self.world.get("/orders", key).status
    }
}

fn taken(report: &Value) -> Vec<&str> {
    let entries = report["entries"].as_array().unwrap().iter();
    entries.filter(|entry| entry["taken"] == true).map(|entry| entry["name"].as_str().unwrap()).collect()
}

fn why<'a>(report: &'a Value, name: &str) -> &'a str {
    let entry = report["entries"].as_array().unwrap().iter().find(|entry| entry["name"] == name);
    entry.unwrap()["why"].as_str().unwrap()
}

#[test]
fn keys_are_taken_as_others_kept_them_and_are_our_own_once_they_were_shown() {
    let it = Imported::new();
    let looked = it.import(&["--pepper-file", &it.pepper]);
    let all = ["plain", "short", "sha", "hmac", "bcrypt", "blind", "long"];
    assert_eq!((taken(&looked), &looked["applied"]), (all.to_vec(), &json!(false)), "{looked:#}");
    for (name, said) in [
        ("plain", "as it is"),
        ("short", "rotate it soon"),
        ("sha", "by its hash (sha256)"),
        ("twice", "twice"),
        ("nobodys", "no user \"nobody\""),
        ("bad", "nor begins with sha256:"),
        ("dear", "say how the key begins"),
        ("none", "neither a key nor a hash"),
        ("late", "not in the future"),
    ] {
        assert!(why(&looked, name).contains(said), "{name}: {}", why(&looked, name));
    }
    for secret in [PLAIN, SHORT, &SHA256.1[7..], BCRYPT.1, "the pepper"] {
        assert!(!looked.to_string().contains(secret), "{secret} is repeated");
    }
    assert!(why(&it.import(&[]), "hmac").contains("--pepper-file"));
    assert_eq!(it.world.json(&["key", "list"])["data"], json!([]), "something was changed");
    assert_eq!(it.status(PLAIN), 401);

    assert_eq!(taken(&it.import(&["--apply", "--pepper-file", &it.pepper])), all);
    let shown = [PLAIN, SHORT, SHA256.0, HMAC.0, BCRYPT.0, BLIND.0];
    for round in 0..3 {
        for key in shown {
            assert_eq!(it.status(key), 200, "{key}, shown {round} times before");
        }
    }
    for guess in ["old-bcrypt-key-0123456788", "old-", "hunter3", &SHA256.1[7..], SHA256.1, BCRYPT.1] {
        assert_eq!(it.status(guess), 401, "{guess}");
    }
    // What bcrypt would not see must not be there.
    assert_eq!(it.status(&("x".repeat(72) + "junk")), 401);
    assert_eq!(it.status(&"x".repeat(72)), 200);
    let proven = it.world.json(&["audit", "list", "--action", "key.proven"]);
    assert_eq!(proven["data"].as_array().unwrap().len(), 5, "once each: {proven}");
    let whoami = it.world.get("/_keyward/me", PLAIN).json();
    assert_eq!((&whoami["scopes"], &whoami["kind"]), (&json!(["orders:read"]), &json!("api_key")), "{whoami}");
    let again = it.import(&["--apply", "--pepper-file", &it.pepper]);
    assert_eq!(taken(&again), Vec::<&str>::new(), "{again:#}");
}

#[test]
fn an_imported_key_lives_and_ends_as_any_other() {
    let mut it = Imported::new();
    it.import(&["--apply", "--pepper-file", &it.pepper]);
    assert_eq!((it.status(SHA256.0), it.status(SHORT)), (200, 200));
    let keys = it.world.json(&["key", "list"]);
    let id = |name: &str| {
        let keys = keys["data"].as_array().unwrap();
        text(keys.iter().find(|key| key["name"] == name).unwrap(), "id")
    };
    assert!(!keys.to_string().contains(SHORT), "a short key is shown: {keys}");
    it.world.ok(&["key", "revoke", &id("sha")]);
    assert_eq!(it.status(SHA256.0), 401, "after its receipt");
    it.world.ok(&["key", "revoke", &id("bcrypt")]);
    assert_eq!(it.status(BCRYPT.0), 401, "revoked before it was ever shown");
    it.world.ok(&["key", "disable", &id("short")]);
    assert_eq!(it.status(SHORT), 401);
    it.world.ok(&["key", "enable", &id("short")]);
    it.world.stop();
    it.world.start(&[]);
    // Known again: those that were shown, and those that were not yet.
    for (key, status) in [(PLAIN, 200), (SHORT, 200), (HMAC.0, 200), (BLIND.0, 200), (SHA256.0, 401), (BCRYPT.0, 401)] {
        assert_eq!(it.status(key), status, "{key}");
    }
    let made = it.world.key("ours", &[]);
    std::fs::write(&it.file, format!("name,key\nours,{made}\n")).unwrap();
    assert!(why(&it.import(&[]), "ours").contains("this server made"));
    let rotated = text(&it.world.json(&["key", "rotate", &id("plain"), "--overlap", "1h"]), "key");
    it.world.issued.note(&rotated);
    assert_eq!((it.status(&rotated), it.status(PLAIN)), (200, 200));
}

#[test]
fn guesses_at_hashes_of_others_are_counted_and_then_wait() {
    let world = World::new(BINARY).config("security: {throttle: {per_address: 3}}\n").serve(&[]);
    let (file, known) = (world.path("old.json"), "a-key-that-nobody-could-ever-guess-0123456789");
    std::fs::write(&file, json!([{"key": known}, {"hash": BLIND.1}]).to_string()).unwrap();
    world.ok(&["import", "json", file.to_str().unwrap(), "--apply"]);
    assert_eq!(world.get("/orders", known).status, 200, "it counts at once");
    let statuses: Vec<u16> = (0..5).map(|n| world.get("/orders", &format!("guess-{n}-0123456789")).status).collect();
    assert_eq!(statuses[3..], [429, 429], "{statuses:?}");
    assert_eq!(world.get("/orders", BLIND.0).status, 429, "whoever guessed has to wait with a right one, too");
    assert_eq!(world.get("/orders", known).status, 200, "nobody could have guessed it");
}

#[test]
fn other_forms_and_what_is_none() {
    let it = Imported::new();
    let write = |name: &str, text: &str| {
        let path = it.world.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let env = write(".env", "PORT=1\nKEYS=\"env-key-one-0123456789, env-key-two-0123456789,\"\n");
    assert_eq!(taken(&it.world.json(&["import", "env", &env, "--keys", "KEYS", "--apply"])), ["KEYS 1", "KEYS 2"]);
    let list = json!([{"keyHash": BCRYPT.1, "userId": "grace", "createdAt": "2024-01-01"}, {"key": "a-legacy-key-0123456789"}]);
    let list = write("api-keys.json", &list.to_string());
    // Whatever preset has a file of keys with such members.
    let presets: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../../config/presets/imports.json")).unwrap();
    let preset = presets.keys().next().unwrap().as_str();
    let looked = it.world.json(&["import", preset, &list]);
    assert!(why(&looked, "imported 1").contains("no user \"grace\""), "{looked}");
    let flags = ["import", preset, &list, "--make-users", "--apply"];
    let report = it.world.json(&flags);
    assert_eq!(taken(&report), ["imported 1", "imported 2"], "{report}");
    let mapped = ["import", "json", &list, "--map", "hash=keyHash,owner=userId"];
    assert_eq!(taken(&it.world.json(&mapped)), Vec::<&str>::new(), "they are here already");
    assert_eq!(it.status("a-legacy-key-0123456789"), 200);
    assert_eq!(it.status("env-key-two-0123456789"), 200);
    assert_eq!(it.status(BCRYPT.0), 200);
    assert_eq!(it.world.get("/_keyward/me", BCRYPT.0).json()["name"], "imported 1");
    for (arguments, why) in [
        (&["import", "xml", &list][..], "no form of files"),
        (&["import", "csv", &list], "names the columns"),
        (&["import", "json", &env], "not a JSON list"),
        (&["import", "json", &list, "--map", "hash"], "FIELD=MEMBER"),
        (&["import", "env", &env, "--keys", "NONE"], "sets no NONE"),
        (&["import", "csv", "/nowhere"], "cannot read"),
        (&["import", "csv", &it.file, "--map", "hash=x"], "--map means nothing"),
        (&["import", "htpasswd", &it.file, "--make-users"], "--make-users means nothing"),
    ] {
        let said = it.world.refused(arguments);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    // Each of those is tried on whatever has no tag, so there are few.
    let blind = (10..30).map(|number| json!({"hash": format!("{}{number}{}", &LONG[..40], &LONG[42..])}));
    let many = write("many.json", &Value::Array(blind.collect()).to_string());
    assert_eq!(taken(&it.world.json(&["import", "json", &many])).len(), 16);
}
