//! Keys by the operators' port: made, listed, changed, and never more than whoever does it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use keyward_testkit::world::{World, text};
use serde_json::json;

fn serving() -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).serve(&[])
}

#[test]
fn an_operator_makes_a_key_for_somebody_and_ends_it() {
    let world = serving();
    world.user("ada", &["admin"]);
    let operator = world.operator_key();
    let body = json!({"name": "hers", "owner": "ada", "scopes": ["orders:read"], "mode": "test"}).to_string();
    let made = world.operate("POST", "/keys", &operator, &body);
    assert_eq!(made.status, 201, "{}", made.text());
    let key = text(&made.json(), "key");
    world.issued.note(&key);
    let id = text(&made.json(), "id");
    assert_eq!(made.header("location"), Some(format!("/admin/v1/keys/{id}").as_str()));
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(world.get("/x", &key).status, 200);
    let all = world.operate("GET", "/keys", &operator, "").json();
    assert_eq!(all["data"][0]["owner"], "ada");
    assert!(!all.to_string().contains(&key));
    let ended = world.operate("POST", &format!("/keys/{id}/revoke"), &operator, "{\"reason\":\"lost\"}").json();
    assert_eq!((&ended["key"]["status"], &ended["key"]["revokedReason"]), (&json!("revoked"), &json!("lost")));
    assert_eq!(ended["receipt"]["nodes"][0]["acknowledged"], true);
    assert_eq!(world.get("/x", &key).status, 401);
    // What was done is in the audit log, under the key that did it.
    let log = world.ok(&["audit", "list"]);
    assert!(log.contains("key.revoked") && log.contains("key_"), "{log}");
}

#[test]
fn rotating_renaming_pausing_and_budgets() {
    let world = serving();
    let operator = world.operator_key();
    let made = world.key_json("one", &["--scopes", "orders:read"]);
    let (id, key) = (text(&made, "id"), text(&made, "key"));
    let call = |path: &str, body: &str| {
        let answer = world.operate("POST", &format!("/keys/{id}{path}"), &operator, body);
        assert!(answer.status < 300, "{path}: {}", answer.text());
        answer.json()
    };
    let lines = [&*format!("X-API-Key: {operator}"), "Content-Type: application/json", "If-Match: *"];
    let renamed = world.operate_by("PATCH", &format!("/keys/{id}"), &lines, "{\"name\":\"two\"}");
    assert_eq!(renamed.json()["key"]["name"], "two");
    assert_eq!(call("/disable", "")["key"]["status"], "disabled");
    assert_eq!(world.get("/x", &key).status, 401);
    assert_eq!(call("/enable", "")["key"]["status"], "active");
    assert_eq!(world.get("/x", &key).status, 200);
    assert_eq!(call("/budget", "{\"change\":\"=100\"}")["key"]["budget"]["granted"], 100);
    let next = call("/rotate", "{\"overlap\":\"0\"}");
    let successor = text(&next, "key");
    world.issued.note(&successor);
    assert_eq!((&next["replaces"], &next["receipt"]["nodes"][0]["acknowledged"]), (&json!(id), &json!(true)));
    assert_eq!((world.get("/x", &key).status, world.get("/x", &successor).status), (401, 200));
    let shown = world.operate("GET", &format!("/keys/{id}"), &operator, "").json();
    assert_eq!(shown["status"], "expired");
}

#[test]
fn nobody_gives_what_it_does_not_have() {
    let world = serving();
    world.user("root", &["admin", "operator"]);
    // It may write keys, and has nothing else.
    let writer = world.key("writer", &["--scopes", "keyward:keys:write,keyward:keys:read,orders:read"]);
    let strong = world.key_json("strong", &["--scopes", "*"]);
    for (body, status) in [
        (json!({"name": "a", "scopes": ["orders:read"]}), 201),
        (json!({"name": "a", "scopes": ["keyward:keys:read"]}), 201),
        (json!({"name": "a", "scopes": ["*"]}), 403),
        (json!({"name": "a", "scopes": ["orders:write"]}), 403),
        (json!({"name": "a", "scopes": ["keyward:audit:read"]}), 403),
        (json!({"name": "a", "scopes": ["keyward:users:write"], "owner": "root"}), 403),
        (json!({"name": "a", "owner": "root"}), 201),
        (json!({"name": "a", "owner": "nobody"}), 404),
        (json!({"name": "a", "key": "chosen"}), 400),
        (json!({"name": "a", "createdAt": "2020-01-01T00:00:00Z"}), 400),
        (json!({"name": ""}), 400),
    ] {
        let made = world.operate("POST", "/keys", &writer, &body.to_string());
        assert_eq!(made.status, status, "{body}: {}", made.text());
        if status == 201 {
            let scopes = made.json()["scopes"].to_string();
            assert!(!scopes.contains('*') && scopes != "null", "{body}: {scopes}");
            world.issued.note(&text(&made.json(), "key"));
        }
    }
    let id = text(&strong, "id");
    assert_eq!(world.operate("POST", &format!("/keys/{id}/rotate"), &writer, "").status, 403);
    assert_eq!(world.operate("POST", &format!("/keys/{id}/disable"), &writer, "").status, 200, "less is no escalation");
    assert_eq!(world.operate("POST", &format!("/keys/{id}/enable"), &writer, "").status, 403);
}

#[test]
fn the_door_states_what_is_wrong() {
    let world = serving();
    let operator = world.operator_key();
    let reader = world.key("reader", &["--scopes", "keyward:keys:read"]);
    let everything = world.key("everything", &["--scopes", "*,self:*"]);
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(70_000));
    for (method, path, key, body, status, reason) in [
        ("GET", "/keys", "", "", 401, "NoCredential"),
        ("GET", "/keys", "kw_live_nothing", "", 401, "Rejected"),
        // No wildcard reaches what is reserved.
        ("GET", "/keys", &everything, "", 403, "Forbidden"),
        ("POST", "/keys", &reader, "{\"name\":\"a\"}", 403, "Forbidden"),
        ("PUT", "/keys", &operator, "{}", 405, "WrongMethod"),
        ("GET", "/nothing", &operator, "", 404, "NoRoute"),
        ("GET", "/keys/../keys", &operator, "", 400, "Malformed"),
        ("GET", "/keys/key_nothing", &operator, "", 404, "NotFound"),
        ("GET", "/keys?limit=0", &operator, "", 400, "Invalid"),
        ("GET", "/keys?limit=x", &operator, "", 400, "Invalid"),
        ("GET", "/keys?limt=5", &operator, "", 400, "Invalid"),
        ("GET", "/keys?cursor=x", &operator, "", 400, "Invalid"),
        ("POST", "/keys", &operator, "[]", 400, "Invalid"),
        ("POST", "/keys", &operator, "{", 400, "Invalid"),
        ("POST", "/keys", &operator, &long, 413, "TooLarge"),
    ] {
        let answer = world.operate(method, path, key, body);
        let problem = answer.json();
        assert_eq!((answer.status, text(&problem, "reason").as_str()), (status, reason), "{method} {path}: {problem}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
        assert_eq!(answer.header("keyward-decision"), Some(text(&problem, "decision").as_str()), "{method} {path}");
    }
    let plain =
        world.operate_by("POST", "/keys", &[&format!("X-API-Key: {operator}"), "Content-Type: text/plain"], "{}");
    assert_eq!(plain.status, 415);
    for header in ["Authorization: ApiKey", "Authorization: Bearer", "X-API-Key:"] {
        assert_eq!(world.operate_by("GET", "/keys", &[&format!("{header} {operator}")], "").status, 200, "{header}");
    }
}

#[test]
fn what_operators_do_is_decided_recorded_and_explained_as_all_else() {
    let world = serving();
    let operator = world.key_json("operator", &["--scopes", "keyward:keys:read"]);
    let key = text(&operator, "key");
    let seen = world.operate("GET", "/keys", &key, "");
    let id = seen.header("keyward-decision").unwrap().to_owned();
    let refused = text(&world.operate("POST", "/keys", &key, "{\"name\":\"a\"}").json(), "decision");
    let missing = text(&world.operate("GET", "/keys/key_x", &key, "").json(), "decision");
    for (id, outcome, route) in [
        (id, "allowed", "admin:keys.list"),
        (refused, "Forbidden", "admin:keys.create"),
        (missing, "NotFound", "admin:keys.show"),
    ] {
        let found = world.json(&["explain", &id])["found"][0].clone();
        assert_eq!((&found["outcome"], &found["route"]), (&json!(outcome), &json!(route)), "{found}");
        assert_eq!(found["credential"], operator["id"]);
    }
}

#[test]
fn wrong_keys_are_throttled_here_as_well() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward")).config("security: {throttle: {per_address: 3}}").serve(&[]);
    let operator = world.operator_key();
    let guess = || world.operate("GET", "/keys", "kw_live_0123456789", "").status;
    assert_eq!([guess(), guess(), guess(), guess()], [401, 401, 401, 429]);
    assert_eq!(world.operate("GET", "/keys", &operator, "").status, 200, "who is known does not wait");
}
