//! Budgets through the real binary: what a key's line or an account may use, through rotations, further keys, changes and
//! crashes; and limits of one account alone.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::world::{World, text};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

fn world(yaml: &str) -> World {
    World::new(BINARY).config(yaml).serve(&[])
}

fn statuses(world: &World, key: &str, count: usize) -> Vec<u16> {
    (0..count).map(|_| world.get("/x", key).status).collect()
}

fn admitted(world: &World, key: &str, tries: usize) -> usize {
    statuses(world, key, tries).into_iter().filter(|status| *status == 200).count()
}

fn remaining(world: &World, id: &str) -> Value {
    world.json(&["key", "show", id])["budget"]["remaining"].clone()
}

#[test]
fn a_key_has_so_many_uses_and_rotating_it_brings_none_back() {
    let world = world("performance: {rate_limit_headers: both}\n");
    let key = world.key_json("bot", &["--budget", "4"]);
    assert_eq!(key["budget"], serde_json::json!({"granted": 4, "every": null, "remaining": 4}));
    let (id, first) = (text(&key, "id"), text(&key, "key"));
    let answer = world.get("/x", &first);
    assert_eq!((answer.status, answer.header("ratelimit")), (200, Some("\"key.budget\";r=3")));
    assert_eq!(answer.header("ratelimit-policy"), Some("\"key.budget\";q=4"), "it has no window");
    assert_eq!((answer.header("x-ratelimit-remaining"), answer.header("x-ratelimit-reset")), (Some("3"), None));
    let next = world.json(&["key", "rotate", &id]);
    world.issued.note(&text(&next, "key"));
    let (successor, second) = (text(&next, "id"), text(&next, "key"));
    assert_eq!(statuses(&world, &second, 2), [200, 200]);
    assert_eq!((remaining(&world, &id), remaining(&world, &successor)), (1.into(), 1.into()));
    assert_eq!(
        [&first, &second, &first].map(|key| world.get("/x", key).status),
        [200, 429, 429],
        "one budget for both"
    );
    let over = world.get("/x", &second);
    assert_eq!((over.header("retry-after"), over.json()["reason"].as_str()), (None, Some("Limited")));
    assert!(over.text().contains("left of `key.budget`, and waiting brings nothing back"), "{}", over.text());
    assert_eq!(text(&world.json(&["key", "show", &successor]), "status"), "active", "it is refused, never deleted");
    let explained = world.run(&["explain", "--key-id", &id, "--path", "/x", "--json"]);
    let explained: Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert!(text(&explained, "advice").contains("key budget ID +N"), "{explained}");
}

#[test]
fn a_change_counts_at_once_for_the_whole_line_and_keeps_what_was_used() {
    let world = world("");
    let key = world.key_json("bot", &["--budget", "3"]);
    let (id, first) = (text(&key, "id"), text(&key, "key"));
    assert_eq!(admitted(&world, &first, 5), 3);
    let next = world.json(&["key", "rotate", &id]);
    world.issued.note(&text(&next, "key"));
    let (successor, second) = (text(&next, "id"), text(&next, "key"));
    for (of, change, passes) in [
        (&id, "+2", 2),
        (&successor, "=3", 3),
        (&id, "=0", 0),
        (&id, "=4/30d", 4),
        (&successor, "+1", 1),
        (&id, "=2", 2),
    ] {
        let said = world.ok(&["key", "budget", of, change]);
        assert!(said.contains("by 1/1 nodes"), "{said}");
        let passed = admitted(&world, &first, passes.min(1)) + admitted(&world, &second, 6);
        assert_eq!(passed, passes, "after {change}");
    }
    world.ok(&["key", "budget", &id, "none"]);
    assert_eq!(admitted(&world, &second, 9), 9);
    for wrong in ["500", "+5/1d", "=x"] {
        assert!(world.refused(&["key", "budget", &id, wrong]).contains("is no change of a budget"), "{wrong}");
    }
    assert!(world.refused(&["key", "budget", &id, "+1"]).contains("there is no budget to add to"));
    let told = world.json(&["audit", "list", "--action", "key.budget_changed"]);
    let budgets: Vec<&str> = told["data"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|event| event["detail"]["budget"].as_str().unwrap())
        .collect();
    assert_eq!(
        budgets,
        ["3", "5", "8", "4/30d", "5/30d", "10", "none"],
        "after `=0` it was what had been used, 8, as before"
    );
    let nothing = world.key("nothing", &["--budget", "0"]);
    assert_eq!(statuses(&world, &nothing, 2), [429, 429], "a budget of nothing admits nothing");
}

#[test]
fn an_account_has_one_budget_over_all_that_it_makes() {
    let world = world("routes: [{name: dear, path: /dear, cost: 5}, {name: all, path: /**}]\n");
    world.ok(&["account", "add", "acme", "--budget", "10"]);
    let password = world.person("ada", &["--account", "acme"]);
    let one = world.key("one", &["--account", "acme"]);
    assert_eq!(world.get("/dear", &one).status, 200);
    let two = world.key("two", &["--account", "acme"]);
    assert_eq!(statuses(&world, &two, 2), [200, 200], "a second key brings nothing back");
    assert_eq!(world.token_status(&world.login("ada", &password).access), 200);
    assert_eq!(world.get("/dear", &one).status, 429, "it costs more than is left");
    assert_eq!(statuses(&world, &one, 3), [200, 200, 429]);
    assert_eq!(statuses(&world, &world.key("other", &[]), 1), [200]);
    let listed = world.json(&["account", "list"]);
    assert_eq!(listed["data"][0]["budget"], serde_json::json!({"granted": 10, "every": null, "remaining": 0}));
    assert!(world.ok(&["account", "budget", "acme", "+1"]).contains("acme: 1 of 11 left, by 1/1 nodes"));
    assert_eq!(statuses(&world, &two, 2), [200, 429]);
    world.ok(&["account", "budget", "acme", "none"]);
    assert_eq!(statuses(&world, &two, 2), [200, 200]);
}

#[test]
fn a_crash_brings_nothing_back_and_an_orderly_end_takes_nothing() {
    let mut world = world("");
    let key = world.key_json("bot", &["--budget", "40"]);
    let (id, key) = (text(&key, "id"), text(&key, "key"));
    let mut passed = 0;
    for _ in 0..4 {
        passed += admitted(&world, &key, 4);
        world.take_server().kill();
        world.start(&[]);
    }
    assert_eq!(passed, 16);
    world.stop();
    let left = remaining(&world, &id).as_u64().unwrap();
    assert!((20..=24).contains(&left), "each crash costs at most one of what was written ahead: {left}");
    world.start(&[]);
    assert_eq!(remaining(&world, &id), left, "an orderly end takes nothing");
    passed += admitted(&world, &key, 60);
    assert_eq!(passed as u64, 16 + left);
    world.take_server().kill();
    world.start(&[]);
    assert_eq!(statuses(&world, &key, 3), [429; 3]);
}

#[test]
fn many_at_once_are_admitted_no_more_than_there_is() {
    let world = world("");
    let key = world.key("bot", &["--budget", "50"]);
    let passed: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| admitted(&world, &key, 20))).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(passed, 50);
}

#[test]
fn whoever_has_a_budget_makes_nothing_that_goes_beside_it() {
    let world = world("");
    let bound = world.key_json("bound", &["--budget", "100", "--scopes", "self:*,*"]);
    let (id, key) = (text(&bound, "id"), text(&bound, "key"));
    let free = world.key_json("free", &["--scopes", "self:*,*"]);
    let free_id = text(&free, "id");
    for (path, body) in [
        ("/_keyward/api-keys".to_owned(), "{\"name\":\"second\"}"),
        (format!("/_keyward/api-keys/{free_id}/rotate"), ""),
    ] {
        let answer = world.call("POST", &path, &key, body);
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        assert!(answer.text().contains("your own key has a budget"), "{}", answer.text());
    }
    let rotated = world.call("POST", &format!("/_keyward/api-keys/{id}/rotate"), &key, "");
    assert_eq!(rotated.status, 201, "its own successor is charged to the same: {}", rotated.text());
    world.issued.note(&text(&rotated.json(), "key"));
    assert_eq!(rotated.json()["budget"]["granted"], 100);
    let asked = world.call("POST", "/_keyward/api-keys", &text(&free, "key"), "{\"name\":\"x\",\"budget\":\"9\"}");
    assert_eq!(asked.status, 400, "{}", asked.text());
    let usage = world.get("/_keyward/usage", &key).json();
    let told = &usage["limits"][0];
    assert_eq!(
        (&told["limit"], &told["remaining"], &told["resetsAt"]),
        (&"key.budget".into(), &100.into(), &Value::Null)
    );
}

#[test]
fn an_account_may_have_numbers_of_its_own_in_place_of_its_plans() {
    let world = world("plans: {enterprise: {limits: [{requests: 2, window: 1m}]}}\n");
    world.ok(&["account", "add", "acme", "--plan", "enterprise", "--limits", "5/1m,100/1h"]);
    let key = world.key("bot", &["--account", "acme", "--scopes", "self:*,*"]);
    let answer = world.get("/x", &key);
    assert_eq!(answer.header("ratelimit-policy"), Some("\"account.1m\";q=5;w=60, \"account.1h\";q=100;w=3600"));
    assert_eq!(admitted(&world, &key, 9), 4);
    assert_eq!(
        text(&world.get("/_keyward/me", &key).json(), "plan"),
        "enterprise",
        "its plan goes by its name all the same"
    );
    world.ok(&["account", "limits", "acme", "7/1m"]);
    assert_eq!(admitted(&world, &key, 9), 2, "what was used stays used");
    world.ok(&["account", "limits", "acme", "plan"]);
    assert_eq!(world.get("/x", &key).status, 429);
    for (list, why) in
        [("5/1m,6/60s", "two limits with one window"), ("5", "is not a number in a window"), ("", "names no limit")]
    {
        let said = world.refused(&["account", "limits", "acme", list]);
        assert!(said.contains(why), "{said}");
    }
}
