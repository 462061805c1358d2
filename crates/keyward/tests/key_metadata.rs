//! What operators keep beside keys: given, changed and seen by them alone, by command and by their port.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};

fn serving() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[])
}

fn patch(world: &World, id: &str, key: &str, body: &Value) -> Answer {
    let lines = [&*format!("X-API-Key: {key}"), "Content-Type: application/json", "If-Match: *"];
    world.operate_by("PATCH", &format!("/keys/{id}"), &lines, &body.to_string())
}

fn make(world: &World, key: &str, metadata: &Value) -> Answer {
    let made = world.operate("POST", "/keys", key, &json!({"name": "k", "metadata": metadata}).to_string());
    if made.status == 201 {
        world.issued.note(&text(&made.json(), "key"));
    }
    made
}

#[test]
fn it_is_given_changed_passed_on_and_told_to_operators() {
    let world = serving();
    let operator = world.operator_key();
    let first = json!({"team": "billing", "note": "=cmd() <b>", "empty": ""});
    let made = make(&world, &operator, &first).json();
    let id = text(&made, "id");
    assert_eq!(made["metadata"], first);
    let shown = |id: &str| {
        let by_port = world.operate("GET", &format!("/keys/{id}"), &operator, "").json()["metadata"].clone();
        assert_eq!(world.json(&["key", "show", id])["metadata"], by_port);
        let listed = [world.json(&["key", "list"]), world.operate("GET", "/keys", &operator, "").json()];
        for all in listed {
            let one = all["data"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone();
            assert_eq!(one["metadata"], by_port);
        }
        by_port
    };
    assert_eq!(shown(&id), first);
    let second = json!({"stage": "test"});
    let changed = patch(&world, &id, &operator, &json!({"metadata": second})).json();
    assert_eq!((&changed["key"]["metadata"], &changed["receipt"]["nodes"][0]["acknowledged"]), (&second, &json!(true)));
    assert_eq!(shown(&id), second);
    // Its successor has it, and other changes leave it.
    patch(&world, &id, &operator, &json!({"name": "renamed"}));
    world.ok(&["key", "disable", &id]);
    world.ok(&["key", "enable", &id]);
    let next = world.json(&["key", "rotate", &id]);
    world.issued.note(&text(&next, "key"));
    assert_eq!((&next["metadata"], shown(&text(&next, "id"))), (&second, second.clone()));
    // The same by command.
    let made = world.key_json("by command", &["--metadata", "team=a=b", "--metadata", "empty="]);
    let own = text(&made, "id");
    assert_eq!(made["metadata"], json!({"team": "a=b", "empty": ""}));
    assert!(world.ok(&["key", "show", &own]).contains("team=a=b"));
    assert!(world.ok(&["key", "set", &own, "--metadata", "stage=live"]).contains("has other metadata, by 1/1 nodes"));
    assert_eq!(shown(&own), json!({"stage": "live"}));
    assert!(world.ok(&["key", "set", &own, "--name", "another"]).contains("has another name, by 1/1 nodes"));
    assert_eq!(
        (text(&world.json(&["key", "show", &own]), "name").as_str(), shown(&own)),
        ("another", json!({"stage": "live"}))
    );
    world.ok(&["key", "set", &own, "--no-metadata"]);
    assert_eq!(shown(&own), json!({}));
    assert!(world.refused(&["key", "set", &own, "--metadata", "a=1", "--metadata", "a=2"]).contains("\"a\" twice"));
    for wrong in [&[][..], &["--metadata", "no value"], &["--name", "x", "--metadata", "a=b"]] {
        assert_eq!(world.run(&[&["key", "set", &own], wrong].concat()).status.code(), Some(2), "{wrong:?}");
    }
    assert!(world.ok(&["export", "--kind", "key"]).contains("\"metadata\":{\"stage\":\"test\"}"));
    // The audit log has the names, and no value.
    let told = world.json(&["audit", "list", "--subject", &id]);
    let details: Vec<&Value> = told["data"].as_array().unwrap().iter().map(|one| &one["detail"]["metadata"]).collect();
    assert_eq!(details.last(), Some(&&json!("empty, note, team")), "{told}");
    assert!(details.contains(&&json!("stage")), "{told}");
    let log = world.ok(&["audit", "export"]);
    assert!(["billing", "=cmd()", "a=b"].iter().all(|value| !log.contains(value)), "{log}");
}

#[test]
fn it_is_small_and_plain_and_all_that_can_be_changed_of_a_key_but_its_name() {
    let world = serving();
    let operator = world.operator_key();
    let id = text(&make(&world, &operator, &json!({"a": "b"})).json(), "id");
    let many = |count: usize, length: usize| {
        (0..count).map(|number| (format!("n{number}"), "x".repeat(length).into())).collect::<serde_json::Map<_, _>>()
    };
    for wrong in [
        json!({"": "x"}),
        json!({"a=b": "x"}),
        json!({" a": "x"}),
        json!({"a": 1}),
        json!({"a": null}),
        json!({"a": {"b": "c"}}),
        json!({"a": "line\nbreak"}),
        json!({"a\u{0}": "x"}),
        json!({"a": "\u{202e}x"}),
        json!({("n".repeat(65)): "x"}),
        json!({"a": "x".repeat(513)}),
        many(33, 1).into(),
        many(8, 510).into(),
        json!([["a", "b"]]),
        json!("a=b"),
    ] {
        assert_eq!(make(&world, &operator, &wrong).status, 400, "{wrong}");
        let refused = patch(&world, &id, &operator, &json!({"metadata": wrong}));
        assert_eq!(refused.status, 400, "{wrong}");
        assert!(!refused.text().contains("line\\nbreak"), "{}", refused.text());
    }
    for wrong in [
        json!({}),
        json!({"metadata": null}),
        json!({"metadata": {}, "name": null}),
        json!({"metadata": {}, "name": "x"}),
        json!({"metadata": {}, "scopes": ["*"]}),
        json!({"scopes": ["*"]}),
    ] {
        assert_eq!(patch(&world, &id, &operator, &wrong).status, 400, "{wrong}");
    }
    assert_eq!(patch(&world, &id, &operator, &json!({"metadata": many(32, 100)})).status, 200);
    world.ok(&["key", "revoke", &id]);
    assert_eq!(patch(&world, &id, &operator, &json!({"metadata": {}})).status, 409);
    let reader = world.key("reader", &["--scopes", "keyward:keys:read"]);
    assert_eq!(patch(&world, &id, &reader, &json!({"metadata": {}})).status, 403);
}

#[test]
fn owners_neither_give_nor_see_it() {
    let world = serving();
    world.user("ada", &["admin"]);
    let made =
        world.key_json("hers", &["--owner", "ada", "--scopes", "self:*,*", "--metadata", "note=between-operators"]);
    let (id, key) = (text(&made, "id"), text(&made, "key"));
    let call =
        |method: &str, path: &str, body: &str| world.call(method, &format!("/_keyward/api-keys{path}"), &key, body);
    let refused = call("POST", "", "{\"name\":\"x\",\"metadata\":{\"a\":\"b\"}}");
    assert!(refused.status == 400 && refused.text().contains("for operators"), "{}", refused.text());
    let own = call("POST", "", "{\"name\":\"x\"}");
    world.issued.note(&text(&own.json(), "key"));
    let rotated = call("POST", &format!("/{id}/rotate"), "{}");
    world.issued.note(&text(&rotated.json(), "key"));
    for answer in [
        own,
        call("GET", "", ""),
        call("GET", &format!("/{id}"), ""),
        call("PATCH", &format!("/{id}"), "{\"name\":\"y\"}"),
        call("PATCH", &format!("/{id}"), "{\"metadata\":{}}"),
    ] {
        assert!(!answer.text().contains("between-operators") && !answer.text().contains("\"metadata\""), "{answer:?}");
    }
    assert!([200, 201].contains(&rotated.status) && !rotated.text().contains("between-operators"));
    let successor = text(&rotated.json(), "id");
    assert_eq!(world.json(&["key", "show", &successor])["metadata"], json!({"note": "between-operators"}));
}
