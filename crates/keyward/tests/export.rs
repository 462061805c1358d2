//! `keyward export` through the real binary: every record, with and without a server, and no secret in any line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::process::Command;

use keyward_testkit::world::World;
use serde_json::Value;

fn kinds(export: &str) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for line in export.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        *kinds.entry(record["kind"].as_str().unwrap().to_owned()).or_default() += 1;
        assert!(record["id"].is_string() && record["createdAt"].is_string(), "{line}");
    }
    kinds
}

#[test]
fn every_record_and_no_secret() {
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    let keys = [world.key("one", &[]), world.key("two", &[])];
    world.ok(&["account", "add", "acme"]);
    let password = world.person("ada", &["--account", "acme"]);
    let tokens = world.login("ada", &password);
    let export = world.ok(&["export"]);
    let expected = [("account", 1), ("key", 2), ("session", 1), ("user", 2)];
    assert_eq!(kinds(&export), expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    for (kind, count) in expected {
        let only = world.ok(&["export", "--kind", kind]);
        assert_eq!(kinds(&only), [(kind.to_owned(), count)].into());
        assert!(export.contains(&only), "{kind}");
    }
    world.stop();
    assert_eq!(world.ok(&["export"]), export, "without a server it is the same");

    // Every blob of the database, and every hash of a password.
    let blobs = "SELECT lower(hex(digest)) FROM api_keys UNION SELECT lower(hex(digest)) FROM refresh_tokens \
         UNION SELECT lower(hex(tag_key)) FROM meta UNION SELECT lower(hex(sealed)) FROM signing_keys \
         UNION SELECT password FROM users UNION SELECT substr(password, -20) FROM users";
    let output = Command::new("sqlite3")
        .args(["-cmd", ".timeout 60000"])
        .arg(world.data_dir().join("keyward.db"))
        .arg(blobs)
        .output()
        .unwrap();
    let mut secrets: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(secrets.len() >= 9, "{secrets:?}");
    secrets.extend(keys.iter().map(|key| key[12..].to_owned()));
    secrets.extend([password, tokens.access, tokens.refresh[12..].to_owned(), "argon2".to_owned()]);
    let lower = export.to_lowercase();
    for secret in secrets {
        assert!(!export.contains(&secret) && !lower.contains(&secret), "{secret} is in the export");
    }
}

#[test]
fn pages_lose_nobody() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    world.key("one", &[]);
    let fill = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500) \
         INSERT INTO sessions (id, user, created_at) SELECT 'ses_' || n, (SELECT id FROM users), n % 3 FROM n";
    let output = Command::new("sqlite3")
        .args(["-cmd", ".timeout 60000"])
        .arg(world.data_dir().join("keyward.db"))
        .arg(fill)
        .output()
        .unwrap();
    assert!(output.status.success());
    let export = world.ok(&["export", "--kind", "session"]);
    let mut lines: Vec<&str> = export.lines().collect();
    assert_eq!(lines.len(), 2500);
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 2500);
}
