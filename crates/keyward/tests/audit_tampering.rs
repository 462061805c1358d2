//! The audit log in the hands of whoever can write the data directory: every way to tamper with it is named.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use keyward_testkit::world::World;
use serde_json::Value;

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What is done to the table, and what is then said: the first flaw, from and to which record.
const TAMPERINGS: &[(&str, &str, u64, u64)] = &[
    ("UPDATE audit SET at = at + 1 WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET actor = 'nobody' WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET action = 'key.enabled' WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET subject = subject || 'x' WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET client = '' WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET decision = '' WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET detail = replace(detail, 'k2', 'k4') WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET key_id = 'x' WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET previous = zeroblob(32) WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET seal = zeroblob(32) WHERE seq = 4", "altered", 4, 4),
    ("UPDATE audit SET seal = NULL WHERE seq = 4", "not sealed", 4, 4),
    ("DELETE FROM audit WHERE seq BETWEEN 3 AND 5", "missing", 3, 5),
    ("DELETE FROM audit WHERE seq = 1", "missing", 1, 1),
    (
        "UPDATE audit SET seq = 100 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 6;
      UPDATE audit SET seq = 6 WHERE seq = 100",
        "altered",
        3,
        3,
    ),
    (
        "UPDATE audit SET seq = seq + 100 WHERE seq >= 4; UPDATE audit SET seq = seq - 99 WHERE seq >= 4;
      INSERT INTO audit SELECT 4, at, actor, action, subject, client, decision, detail, key_id, previous, seal
      FROM audit WHERE seq = 3",
        "altered",
        4,
        9,
    ),
    // Forged: a row of its own behind the last, with the links and the seal of a true one.
    (
        "INSERT INTO audit (at, actor, action, subject, client, decision, detail, key_id, previous, seal) SELECT at, actor,
      action, 'key_forged', client, decision, detail, key_id, previous, seal FROM audit WHERE seq = 8",
        "altered",
        9,
        9,
    ),
    (
        "INSERT INTO audit (at, actor, action, subject, client, decision, detail, key_id, previous, seal) SELECT at, actor,
      action, 'key_forged', client, decision, detail, key_id, seal, seal FROM audit WHERE seq = 8",
        "altered",
        9,
        9,
    ),
    ("DELETE FROM audit WHERE seq > 5", "missing", 6, 8),
    ("DELETE FROM audit WHERE seq > 5; UPDATE sqlite_sequence SET seq = 5", "missing", 6, 8),
    ("DELETE FROM audit", "missing", 1, 8),
];

#[test]
fn every_tampering_is_named() {
    for (statements, flaw, from, to) in TAMPERINGS {
        let world = sealed();
        sql(&world.data_dir().join("keyward.db"), statements);
        let output = world.run(&["audit", "verify", "--json"]);
        assert_eq!(output.status.code(), Some(1), "{statements}");
        let report = report(&output);
        let first = &report["flaws"][0];
        assert_eq!(
            (first["flaw"].as_str().unwrap(), first["from"].as_u64().unwrap(), first["to"].as_u64().unwrap()),
            (*flaw, *from, *to),
            "{statements}: {report}"
        );
    }
}

#[test]
fn a_byte_that_was_flipped_in_the_file_is_named() {
    // Each text stands in one record and, as the names of keys also stand in their own table, is looked for as only the log
    // writes it.
    for (text, seq) in [("\"name\":\"k2\"", 4), ("\"name\":\"k6\"", 8)] {
        for place in [0, text.len() / 2, text.len() - 1] {
            let world = sealed();
            let file = world.data_dir().join("keyward.db");
            assert!(!world.data_dir().join("keyward.db-wal").exists(), "all of it is in the one file");
            let mut bytes = std::fs::read(&file).unwrap();
            let found: Vec<usize> = bytes
                .windows(text.len())
                .enumerate()
                .filter_map(|(at, window)| (window == text.as_bytes()).then_some(at))
                .collect();
            assert!(!found.is_empty(), "{text} is not in the file");
            for at in found {
                bytes[at + place] ^= 1;
            }
            std::fs::write(&file, bytes).unwrap();
            let output = world.run(&["audit", "verify", "--json"]);
            assert_eq!(output.status.code(), Some(1), "{text}, byte {place}");
            let report = report(&output);
            let first = &report["flaws"][0];
            assert_eq!(
                (&first["flaw"], &first["from"]),
                (&"altered".into(), &seq.into()),
                "{text}, byte {place}: {report}"
            );
        }
    }
}

#[test]
fn a_log_that_lost_its_end_and_its_kept_head_differs_from_an_exported_head() {
    let world = sealed();
    let exported = world.path("head.json");
    std::fs::write(&exported, world.ok(&["audit", "export", "--head"])).unwrap();
    let compare = ["audit", "verify", "--json", "--head", exported.to_str().unwrap()];
    assert_eq!(report(&world.run(&compare))["ok"], true);
    sql(&world.data_dir().join("keyward.db"), "DELETE FROM audit WHERE seq > 5; UPDATE sqlite_sequence SET seq = 5");
    std::fs::remove_file(world.data_dir().join("audit.head")).unwrap();
    assert_eq!(report(&world.run(&["audit", "verify", "--json"]))["ok"], true, "nothing else can tell");
    let told = report(&world.run(&compare));
    assert_eq!((&told["flaws"][0]["flaw"], &told["flaws"][0]["from"]), (&"missing".into(), &6.into()), "{told}");
}

#[test]
fn without_its_key_nothing_starts() {
    let world = sealed();
    std::fs::remove_file(world.data_dir().join("audit.key")).unwrap();
    let said = world.refused(&["key", "create", "more"]);
    assert!(said.contains("audit.key is gone"), "{said}");
}

/// A world whose log holds eight sealed records, and no server.
fn sealed() -> World {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    world.ok(&["init"]);
    for each in 2..=7 {
        world.key(&format!("k{}", each - 1), &[]);
    }
    world
}

fn sql(file: &Path, statements: &str) {
    let output = Command::new("sqlite3").args(["-cmd", ".timeout 60000"]).arg(file).arg(statements).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
