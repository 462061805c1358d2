//! The audit log through the real binary: one event for each change, and old ones let go so that the rest still verifies.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::process::{Command, Output};

use keyward_testkit::people::Tokens;
use keyward_testkit::world::World;
use serde_json::Value;

fn events(world: &World) -> Vec<Value> {
    world.json(&["audit", "list", "--limit", "1000"])["data"].as_array().unwrap().clone()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn each_change_leaves_one_event_with_its_actor() {
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    let maker = world.key_json("maker", &["--scopes", "self:*,*"]);
    let (secret, maker_id) = (maker["key"].as_str().unwrap(), maker["id"].as_str().unwrap());
    let id = world.key_json("first", &[])["id"].as_str().unwrap().to_owned();
    for command in [
        vec!["key", "disable", &id],
        vec!["key", "disable", &id],
        vec!["key", "enable", &id],
        vec!["key", "rotate", &id],
        vec!["key", "revoke", &id, "--reason", "leaked"],
    ] {
        world.ok(&command);
    }
    let answer = world.call("POST", "/_keyward/api-keys", secret, "{\"name\":\"by endpoint\"}");
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made: Value = serde_json::from_str(&answer.text()).unwrap();
    let path = format!("/_keyward/api-keys/{}", made["id"].as_str().unwrap());
    assert_eq!(world.call("PATCH", &path, secret, "{\"name\":\"other\"}").status, 200);
    assert_eq!(world.call("DELETE", &path, secret, "").status, 204);

    let told = events(&world);
    let seen: Vec<(&str, &str)> =
        told.iter().rev().map(|e| (e["action"].as_str().unwrap(), e["actor"].as_str().unwrap())).collect();
    let operator = |action| (action, "operator");
    assert_eq!(
        seen,
        [
            ("user.created", "system"),
            ("signing_key.created", "system"),
            ("user.password_changed", "system"),
            operator("key.created"),
            operator("key.created"),
            operator("key.disabled"),
            operator("key.enabled"),
            operator("key.rotated"),
            operator("key.revoked"),
            ("key.created", maker_id),
            ("key.renamed", maker_id),
            ("key.revoked", maker_id),
        ]
    );
    assert_eq!(told[0]["client"], "127.0.0.1");
    assert_eq!(told[0]["decision"].as_str().unwrap().len(), 26);
    assert_eq!(told[3]["detail"]["reason"], "leaked");
    let export = world.ok(&["audit", "export"]);
    for secret in [secret, made["key"].as_str().unwrap()] {
        assert!(!export.contains(secret), "the audit log holds a key");
    }
    world.ok(&["audit", "verify"]);
    world.stop();
    assert_eq!(report(&world.run(&["audit", "verify", "--json"]))["verified"], 12);
}

#[test]
fn signing_in_and_out_and_every_failure_leave_one_event() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    let password = world.person("ada", &["--roles", "admin"]);
    let user = world.json(&["user", "list"])["data"][0]["id"].as_str().unwrap().to_owned();
    let start = events(&world).len();
    world.try_login("ada", "wrong password");
    world.try_login("nobody", &password);
    let tokens = world.login("ada", &password);
    let renewed = Tokens::of(&world.refresh(&tokens.refresh));
    world.refresh(&tokens.refresh);
    world.refresh(&renewed.refresh);
    world.refresh("kwr_no_such_token");
    world.try_login("ada", &"x".repeat(2000));
    let other = world.login("ada", &password);
    world.with_token("POST", "/_keyward/logout", &other.access);
    world.ok(&["user", "roles", "ada", "self"]);
    world.ok(&["user", "passwd", "ada"]);
    world.ok(&["user", "disable", "ada"]);
    world.ok(&["user", "disable", "ada"]);
    world.ok(&["user", "enable", "ada"]);
    let told = events(&world);
    let seen: Vec<(&str, &str)> = told
        .iter()
        .rev()
        .skip(start)
        .map(|event| (event["action"].as_str().unwrap(), event["actor"].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ("session.sign_in_failed", "stranger"),
            ("session.sign_in_failed", "stranger"),
            ("session.signed_in", &*user),
            ("session.family_killed", &user),
            ("session.refresh_failed", "stranger"),
            ("session.refresh_failed", "stranger"),
            ("session.sign_in_failed", "stranger"),
            ("session.signed_in", &user),
            ("session.signed_out", &user),
            ("user.roles_changed", "operator"),
            ("user.password_changed", "operator"),
            ("user.disabled", "operator"),
            ("user.enabled", "operator"),
        ]
    );
    let session = told.iter().find(|event| event["action"] == "session.family_killed").unwrap()["subject"].clone();
    let failed: Vec<&Value> = told.iter().rev().filter(|event| event["detail"]["why"].is_string()).collect();
    let subjects: Vec<&str> = failed.iter().map(|event| event["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, [&*user, "unknown user", session.as_str().unwrap(), "unknown token", "not looked up"]);
    let by_door = told.iter().rev().skip(start).take(9);
    for event in by_door {
        assert_eq!(event["client"], "127.0.0.1");
        // The id leads to the decision, as it was in the end.
        let explained = world.json(&["explain", event["decision"].as_str().unwrap()]);
        let outcome =
            if event["action"].as_str().unwrap().starts_with("session.signed") { "allowed" } else { "Rejected" };
        assert_eq!(explained["found"][0]["outcome"], outcome, "{event}");
    }
}

#[test]
fn a_killed_server_leaves_a_log_that_verifies() {
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[]);
    for round in 0..3 {
        for each in 0..10 {
            world.key(&format!("key {round} {each}"), &[]);
        }
        world.take_server().kill();
        let after = report(&world.run(&["audit", "verify", "--json"]));
        assert_eq!(after["ok"], true, "{after}");
        assert_eq!(events(&world).len(), 3 + (round + 1) * 10);
        world.start(&[]);
    }
    world.stop();
}

/// Changes the database by hand, as somebody may who can write the folder.
fn tamper(world: &World, statement: &str) {
    let database = world.data_dir().join("keyward.db");
    let done = Command::new("sqlite3").args(["-cmd", ".timeout 60000"]).arg(database).arg(statement).status().unwrap();
    assert!(done.success(), "{statement}");
}

#[test]
fn old_records_are_let_go_and_the_rest_still_verifies_from_its_beginning() {
    use keyward_testkit::world::until;
    let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).config("audit: {keep: 1s}").serve(&[]);
    // On a slow machine all may go but the event of pruning itself; what is left must begin with another record.
    let begins_with_another = |told: &[Value]| told.last().is_some_and(|event| event["action"] != "audit.pruned");
    let is_left = (0..20).any(|_| {
        until("the first records to go", || {
            world.key("one", &[]);
            let told = events(&world);
            let pruned = told.iter().any(|event| event["action"] == "audit.pruned");
            let gone = told.iter().all(|event| event["action"] != "user.created");
            (pruned && gone && begins_with_another(&told)).then_some(())
        });
        assert_eq!(world.json(&["audit", "verify"])["ok"], true, "while it serves");
        world.stop();
        let is_left = begins_with_another(&events(&world));
        if !is_left {
            world.start(&[]);
        }
        is_left
    });
    assert!(is_left, "everything went, again and again");
    for name in ["two", "three", "four"] {
        world.key(name, &[]);
    }
    let verified = world.json(&["audit", "verify"]);
    assert_eq!((&verified["ok"], &verified["flaws"]), (&true.into(), &serde_json::json!([])));
    let pruned = events(&world).into_iter().find(|event| event["action"] == "audit.pruned").unwrap();
    let up_to: u64 = pruned["detail"]["upTo"].as_str().unwrap().parse().unwrap();
    let first = events(&world).iter().map(|event| event["seq"].as_u64().unwrap()).min().unwrap();
    assert_eq!(first, up_to + 1, "no more and no less went than it says");

    // One more than was told, hidden behind an event that nobody sealed.
    let forged = format!(
        "INSERT INTO audit (at, actor, action, subject, detail) SELECT at, actor, action, subject, \
         json_set(detail, '$.upTo', '{first}') FROM audit WHERE action = 'audit.pruned' ORDER BY seq DESC LIMIT 1; \
         DELETE FROM audit WHERE seq = {first}"
    );
    tamper(&world, &forged);
    let output = world.run(&["audit", "verify", "--json"]);
    let found = report(&output);
    assert_eq!(found["ok"], false);
    assert_eq!((&found["flaws"][0]["flaw"], &found["flaws"][0]["from"]), (&"missing".into(), &first.into()), "{found}");
}

#[test]
fn an_event_of_pruning_that_was_altered_or_removed_hides_nothing() {
    use keyward_testkit::world::until;
    for statement in [
        "UPDATE audit SET detail = json_set(detail, '$.upTo', '99') WHERE action = 'audit.pruned'",
        "DELETE FROM audit WHERE action = 'audit.pruned'",
    ] {
        let mut world = World::new(env!("CARGO_BIN_EXE_keyward")).config("audit: {keep: 1s}").serve(&[]);
        until("records to go", || events(&world).iter().all(|event| event["action"] != "user.created").then_some(()));
        world.stop();
        world.key("after", &[]);
        assert_eq!(world.json(&["audit", "verify"])["ok"], true);
        tamper(&world, statement);
        assert_eq!(report(&world.run(&["audit", "verify", "--json"]))["ok"], false, "{statement}");
    }
}

#[test]
fn a_forged_event_of_pruning_that_keyward_itself_sealed_hides_nothing() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    world.ok(&["init"]);
    (0..6).for_each(|number| drop(world.key(&format!("key{number}"), &[])));
    tamper(
        &world,
        "INSERT INTO audit (at, actor, action, subject, detail) SELECT at, 'system', 'audit.pruned', 'audit log', \
         json_object('upTo', '5', 'seal', lower(hex(seal)), 'proof', lower(hex(seal))) FROM audit WHERE seq = 5",
    );
    // Whatever command comes next seals the row.
    world.key("after", &[]);
    tamper(&world, "DELETE FROM audit WHERE seq <= 5");
    let found = report(&world.run(&["audit", "verify", "--json"]));
    assert_eq!((&found["ok"], &found["flaws"][0]["flaw"]), (&false.into(), &"missing".into()), "{found}");
    assert_eq!((&found["flaws"][0]["from"], &found["flaws"][0]["to"]), (&1.into(), &5.into()), "{found}");
}

/// A world that serves and has let its first two records go, at least.
fn let_go() -> World {
    use keyward_testkit::world::until;
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config("audit: {keep: 1s}").serve(&[]);
    // More than the first: how many go at once depends on how long a start takes.
    until("records to go", || events(&world).iter().all(|event| event["seq"].as_u64() > Some(2)).then_some(()));
    world
}

#[test]
fn old_records_that_were_tampered_with_are_kept_as_evidence() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    world.ok(&["init"]);
    world.key("one", &[]);
    tamper(&world, "UPDATE audit SET actor = 'nobody' WHERE seq = 2");
    let mut world = world.config("audit: {keep: 1s}").serve(&[]);
    world.hears("old records of the audit log are kept");
    assert!(events(&world).iter().any(|event| event["seq"] == 2), "the evidence is gone");
    world.stop();
    let found = report(&world.run(&["audit", "verify", "--json"]));
    assert_eq!((&found["flaws"][0]["flaw"], &found["flaws"][0]["from"]), (&"altered".into(), &2.into()), "{found}");
}

#[test]
fn an_event_of_pruning_that_cannot_be_read_is_named() {
    let mut world = let_go();
    world.stop();
    tamper(&world, "UPDATE audit SET seal = x'00' WHERE action = 'audit.pruned'");
    let found = report(&world.run(&["audit", "verify", "--json"]));
    assert_eq!(found["ok"], false, "{found}");
    let flaws = found["flaws"].as_array().unwrap();
    assert!(flaws.iter().any(|flaw| flaw["flaw"] == "altered"), "{found}");
}

#[test]
fn a_head_of_a_record_that_was_let_go_is_refused() {
    let mut world = let_go();
    world.stop();
    let head = world.path("old.json");
    std::fs::write(&head, serde_json::json!({"head": {"seq": 1, "seal": "00".repeat(32)}}).to_string()).unwrap();
    let said = world.refused(&["audit", "verify", "--head", head.to_str().unwrap()]);
    assert!(said.contains("the head is of record 1, and the records up to"), "{said}");
}

#[test]
fn a_log_that_is_written_and_let_go_meanwhile_verifies_at_any_moment() {
    let world = let_go();
    let newest = || events(&world)[0]["seq"].as_u64().unwrap();
    for _ in 0..4 {
        // So many that reading them takes as long as letting them go: each round, one meets the other.
        tamper(
            &world,
            "INSERT INTO audit (at, actor, action, subject, detail) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL \
             SELECT i + 1 FROM n WHERE i < 4000) SELECT unixepoch() * 1000, 'operator', 'key.created', 'key_' || i, '{}' FROM n",
        );
        let last = newest();
        loop {
            let found = report(&world.run(&["audit", "verify", "--json"]));
            assert_eq!(found["ok"], true, "{found}");
            let oldest: Value = world.json(&["audit", "list", "--limit", "1000"]);
            let rows = oldest["data"].as_array().unwrap();
            if rows.iter().all(|row| row["seq"].as_u64().unwrap() > last) {
                break;
            }
        }
    }
}
