//! Two operators at once, and calls that come twice: nothing is overwritten unseen, and nothing is made twice.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

fn serving() -> World {
    let config = "plans: {small: {limits: [{requests: 5, window: 1h}]}, big: {limits: [{requests: 50, window: 1h}]}}";
    World::new(env!("CARGO_BIN_EXE_keyward")).config(config).serve(&[])
}

/// A call with a key, further header lines and a body.
fn call(world: &World, (method, path): (&str, &str), key: &str, lines: &[&str], body: &Value) -> Answer {
    let key = format!("X-API-Key: {key}");
    world.operate_by(
        method,
        path,
        &[&[key.as_str(), "Content-Type: application/json"], lines].concat(),
        &body.to_string(),
    )
}

#[test]
fn of_two_who_change_the_same_at_once_the_later_one_is_told() {
    let world = serving();
    let operator = world.operator_key();
    world.user("ada", &["self"]);
    world.ok(&["account", "add", "Acme", "--plan", "small"]);
    let key = text(&world.key_json("k", &[]), "id");
    for (path, first, second) in [
        ("/users/ada".to_owned(), json!({"roles": ["auditor"]}), json!({"roles": ["operator"]})),
        ("/users/ada".to_owned(), json!({"externalId": "one"}), json!({"externalId": "two"})),
        ("/users/ada".to_owned(), json!({"account": "Acme"}), json!({"account": null})),
        ("/accounts/Acme".to_owned(), json!({"externalId": "one"}), json!({"externalId": null})),
        (format!("/keys/{key}"), json!({"metadata": {"a": "one"}}), json!({"metadata": {"a": "two"}})),
        ("/accounts/Acme".to_owned(), json!({"plan": "big"}), json!({"plan": null})),
        (format!("/keys/{key}"), json!({"name": "one"}), json!({"name": "two"})),
    ] {
        let read = || world.operate("GET", &path, &operator, "").header("etag").unwrap().to_owned();
        let patch = |lines: &[&str], body: &Value| call(&world, ("PATCH", &path), &operator, lines, body);
        let tag = read();
        assert_eq!(read(), tag, "what nobody changed is in the same version");
        assert_eq!(patch(&[], &first).status, 428, "{path}");
        for wrong in ["\"0000000000000000\"", "\"x\"", &tag.replace('"', ""), &format!("W/{tag}")] {
            assert_eq!(patch(&[&format!("If-Match: {wrong}")], &first).status, 412, "{path} {wrong}");
        }
        let mine = format!("If-Match: {tag}");
        assert_eq!(patch(&[&mine], &first).status, 200, "{path}");
        let late = patch(&[&mine], &second);
        assert_eq!((late.status, text(&late.json(), "reason").as_str()), (412, "Moved"), "{path}");
        let now = read();
        assert_ne!(now, tag);
        assert_eq!(patch(&[&format!("If-Match: {tag}, {now}")], &second).status, 200);
        assert_eq!(patch(&["If-Match: *"], &first).status, 200);
    }
}

#[test]
fn of_many_at_once_in_the_same_version_one_changes_it() {
    let world = serving();
    let operator = world.operator_key();
    world.ok(&["account", "add", "Acme"]);
    let tag = format!("If-Match: {}", world.operate("GET", "/accounts/Acme", &operator, "").header("etag").unwrap());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let one = |number: usize| {
            let body = json!({"limits": [format!("{}/1h", number + 1)]});
            call(&world, ("PATCH", "/accounts/Acme"), &operator, &[&tag], &body).status
        };
        let running: Vec<_> = (0..8).map(|number| scope.spawn(move || one(number))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
}

#[test]
fn a_call_that_comes_again_is_answered_as_before_and_done_once() {
    let world = serving();
    let (operator, other) = (world.operator_key(), world.key("other", &["--scopes", "keyward:keys:write,orders:read"]));
    let once = "Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324";
    let make = |key: &str, line: &str, body: &Value| call(&world, ("POST", "/keys"), key, &[line], body);
    let body = json!({"name": "made once", "scopes": ["orders:read"]});
    let first = make(&operator, once, &body);
    assert_eq!(first.status, 201, "{}", first.text());
    let key = text(&first.json(), "key");
    world.issued.note(&key);
    let again = make(&operator, once, &body);
    assert_eq!((again.status, again.json()), (201, first.json()), "the same key, shown again");
    assert_eq!(
        (again.header("location"), again.header("idempotency-replayed")),
        (first.header("location"), Some("true"))
    );
    assert_eq!(first.header("idempotency-replayed"), None);
    // Quoted, as the draft of the standard has it, it is the same.
    let quoted = make(&operator, "Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"", &body);
    assert_eq!(quoted.json(), first.json());
    let different = make(&operator, once, &json!({"name": "another"}));
    assert_eq!((different.status, text(&different.json(), "reason").as_str()), (422, "Reused"));
    // Of another caller, or for something else, it is another call.
    let theirs = make(&other, once, &body);
    assert_eq!(theirs.status, 201);
    assert_ne!(theirs.json()["id"], first.json()["id"]);
    world.issued.note(&text(&theirs.json(), "key"));
    assert_eq!(call(&world, ("POST", "/accounts"), &operator, &[once], &json!({"name": "Acme"})).status, 201);
    assert_eq!(call(&world, ("POST", "/accounts"), &operator, &[once], &json!({"name": "Acme"})).status, 201);
    let named = world.operate("GET", "/keys?search=made%20once", &operator, "").json();
    assert_eq!(named["data"].as_array().unwrap().len(), 2);
    // What failed may come again.
    let line = "Idempotency-Key: 00000000-0000-0000-0000-000000000000";
    assert_eq!(call(&world, ("POST", "/users"), &operator, &[line], &json!({"username": "admin"})).status, 409);
    assert_eq!(call(&world, ("POST", "/users"), &operator, &[line], &json!({"username": "ada"})).status, 201);
    for wrong in ["Idempotency-Key: short", "Idempotency-Key:", &format!("Idempotency-Key: {}", "x".repeat(300))] {
        assert_eq!(make(&operator, wrong, &body).status, 400, "{wrong}");
    }
    // Whoever has the store reads no key out of it: the world's end searches its files for what was noted above.
}

#[test]
fn of_many_that_come_at_once_one_is_done() {
    let world = serving();
    let operator = world.operator_key();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let one = || {
            let lines = ["Idempotency-Key: 11111111-2222-3333-4444-555555555555"];
            let answer = call(&world, ("POST", "/keys"), &operator, &lines, &json!({"name": "one"}));
            if answer.status == 201 {
                world.issued.note(&text(&answer.json(), "key"));
            }
            answer.status
        };
        let running: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.contains(&201) && statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    let named = world.operate("GET", "/keys?search=one", &operator, "").json();
    assert_eq!(named["data"].as_array().unwrap().len(), 1);
}
