//! The key endpoints in a user's words: what each answers, what it refuses, and whose keys it shows.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::world::{World, text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");
const KEYS: &str = "/_keyward/api-keys";

/// A server and a key that may manage keys.
fn serving(scopes: &str) -> (World, String) {
    let world = World::new(BINARY).serve(&[]);
    let key = world.key("maker", &["--scopes", scopes]);
    (world, key)
}

/// A new key of the caller's, made over HTTP: its id and text.
fn made(world: &World, maker: &str) -> (String, String) {
    let answer = world.call("POST", KEYS, maker, "{\"name\":\"made\"}");
    assert_eq!(answer.status, 201, "{}", answer.text());
    (text(&answer.json(), "id"), text(&answer.json(), "key"))
}

fn at(id: &str) -> String {
    format!("{KEYS}/{id}")
}

fn names(listing: &Value) -> Vec<&str> {
    listing["data"].as_array().expect("a list").iter().map(|key| key["name"].as_str().expect("a name")).collect()
}

fn assert_receipt(answer: &Answer) {
    let receipt = answer.header("keyward-receipt").unwrap_or_else(|| panic!("no receipt: {answer:?}"));
    assert!(receipt.starts_with("1/1 nodes, ") && receipt.ends_with(" ms"), "{receipt}");
}

/// A refusal is a problem document that says who refused, and under which decision.
fn assert_problem(answer: &Answer, status: u16, part: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    let problem = answer.json();
    assert_eq!((&problem["status"], &problem["server"]), (&json!(status), &json!("Keyward")), "{what}");
    assert_eq!(problem["decision"].as_str(), answer.header("keyward-decision"), "{what}");
    assert!(text(&problem, "detail").contains(part), "{what}: {problem}");
}

#[test]
fn a_key_is_made_and_shown_once() {
    let (world, maker) = serving("self:*,*");
    let body = json!({
        "name": " shop ", "scopes": ["orders:read"], "expiresAt": "2099-01-31T12:00:00+02:00", "mode": "test",
        "allowedIps": ["127.0.0.1", "10.0.0.0/8"], "externalId": "crm/42", "of": "a later version", "key": "mine",
    });
    let answer = world.call("POST", KEYS, &maker, &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut made = answer.json();
    let key = text(&made, "key");
    assert!(key.starts_with("kw_test_") && world.get("/x", &key).status == 200, "it counts at once: {key}");
    assert_eq!(answer.header("location"), Some(at(&text(&made, "id")).as_str()));
    let shown = world.call("GET", answer.header("location").unwrap(), &maker, "");
    assert_eq!(shown.status, 200);
    assert!(!shown.text().contains(&key[12..]), "shown once: {}", shown.text());
    made.as_object_mut().unwrap().remove("key");
    made["lastUsedAt"] = shown.json()["lastUsedAt"].clone();
    assert_eq!(shown.json(), made);
    let told = ["name", "scopes", "expiresAt", "mode", "allowedIps", "externalId", "owner", "status", "createdAt"];
    let said = told.map(|field| made[field].clone());
    let meant = json!([
        "shop",
        ["orders:read"],
        "2099-01-31T10:00:00Z",
        "test",
        ["127.0.0.1", "10.0.0.0/8"],
        "crm/42",
        "admin",
        "active",
        made["createdAt"],
    ]);
    assert_eq!(json!(said), meant);
    assert!(!world.call("GET", KEYS, &maker, "").text().contains(&key[12..]), "nor in the list");
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_made() {
    let (world, maker) = serving("self:*,*");
    let long = "x".repeat(101);
    let many = json!({"name": "x", "scopes": vec!["a"; 101]}).to_string();
    let rows = [
        ("", "does not fit"),
        ("{\"name\":", "does not fit"),
        ("[\"x\"]", "must be an object"),
        ("\"x\"", "must be an object"),
        ("{}", "missing field `name`"),
        ("{\"name\":5}", "invalid type"),
        ("{\"name\":null}", "invalid type"),
        ("{\"name\":\"a\",\"name\":\"b\"}", "duplicate field"),
        ("{\"name\":\"  \"}", "name must not be empty"),
        (&format!("{{\"name\":\"{long}\"}}"), "at most 100 characters"),
        ("{\"name\":\"a\\u202eb\"}", "control or invisible"),
        ("{\"name\":\"x\",\"scopes\":\"a b\"}", "invalid type"),
        ("{\"name\":\"x\",\"scopes\":[\"a b\"]}", "cannot stand in a scope"),
        ("{\"name\":\"x\",\"scopes\":[\"keyward:*\"]}", "no wildcard reaches into keyward:"),
        (&many, "at most 100 entries"),
        ("{\"name\":\"x\",\"expiresAt\":4102444800}", "invalid type"),
        ("{\"name\":\"x\",\"expiresAt\":\"2001-01-01T00:00:00Z\"}", "is not in the future"),
        ("{\"name\":\"x\",\"expiresAt\":\"soon\"}", "neither a time such as"),
        ("{\"name\":\"x\",\"mode\":\"prod\"}", "neither \"live\" nor \"test\""),
        ("{\"name\":\"x\",\"allowedIps\":[\"10.0.0.0/33\"]}", "10.0.0.0/33"),
        ("{\"name\":\"x\",\"owner\":\"bob\"}", "\"owner\" is for operators"),
    ];
    for (body, part) in rows {
        let json = ["Content-Type: application/json", &format!("X-API-Key: {maker}")];
        assert_problem(&world.send("POST", KEYS, &json, body), 400, part, body);
    }
    for of in ["", "Content-Type: text/plain", "Content-Type: application/jsonx"] {
        let key = format!("X-API-Key: {maker}");
        let headers = [key.as_str(), of];
        let headers = if of.is_empty() { &headers[..1] } else { &headers[..] };
        let answer = world.send("POST", KEYS, headers, "{\"name\":\"x\"}");
        assert_problem(&answer, 415, "Content-Type: application/json", of);
    }
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(64 * 1024));
    assert_problem(&world.call("POST", KEYS, &maker, &huge), 413, "65536 bytes", "a huge body");
    // Who shows no key learns nothing of what would fit.
    for body in ["{", "", &huge] {
        let stranger = world.send("POST", KEYS, &["Content-Type: application/json"], body);
        assert_eq!(stranger.status, 401, "{}", stranger.text());
    }
    assert_eq!(names(&world.call("GET", KEYS, &maker, "").json()), ["maker"], "nothing was made");
}

#[test]
fn a_list_comes_in_pages() {
    let (world, maker) = serving("self:*,*");
    for name in ["a", "b", "c", "d"] {
        assert_eq!(world.call("POST", KEYS, &maker, &json!({"name": name}).to_string()).status, 201);
    }
    let (mut pages, mut found, mut target) = (Vec::new(), Vec::new(), format!("{KEYS}?limit=2"));
    loop {
        let listing = world.call("GET", &target, &maker, "").json();
        pages.push(names(&listing).len());
        found.extend(listing["data"].as_array().unwrap().iter().map(|key| (text(key, "createdAt"), text(key, "name"))));
        let Some(cursor) = listing["nextCursor"].as_str() else { break };
        target = format!("{KEYS}?limit=2&cursor={cursor}");
    }
    assert_eq!(pages, [2, 2, 1]);
    // Two of one millisecond stand in any order.
    let listing = world.call("GET", KEYS, &maker, "");
    let digest: String = Sha256::digest(&maker).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!listing.text().contains(&maker) && !listing.text().contains(&digest), "{}", listing.text());
    let whole = listing.json();
    assert_eq!(found.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), names(&whole), "none lost, none twice");
    let times: Vec<f64> = found.iter().map(|(at, _)| at[17..at.len() - 1].parse().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older || older - newer > 50.0), "newest first: {found:?}");
    for query in ["limit=0", "limit=1001", "limit=-1", "limit=two", "limit=", "cursor=", "cursor=x", "cursor=x.y"] {
        let what = if query.starts_with("limit") { "a number from 1 to 1000" } else { "the cursor is not one" };
        assert_problem(&world.call("GET", &format!("{KEYS}?{query}"), &maker, ""), 400, what, query);
    }
}

#[test]
fn the_very_next_request_feels_each_change() {
    let (world, maker) = serving("self:*,*");
    let (id, key) = made(&world, &maker);
    for (body, status) in [("{\"disabled\":true}", 401), ("{\"disabled\":false}", 200), ("{\"name\":\"new\"}", 200)] {
        let answer = world.call("PATCH", &at(&id), &maker, body);
        assert_eq!((answer.status, world.get("/x", &key).status), (200, status), "{body}: {}", answer.text());
        assert_receipt(&answer);
        assert_eq!(answer.json()["status"], if status == 200 { "active" } else { "disabled" });
    }
    assert_eq!(world.get("/x", &key).json()["identity"]["name"], "new", "the upstream is told the new name");
    let ended = world.call("DELETE", &at(&id), &maker, "");
    assert_eq!((ended.status, world.get("/x", &key).status), (204, 401));
    assert_receipt(&ended);
    assert_eq!(world.call("DELETE", &at(&id), &maker, "").status, 204, "it is so already");
    let back = world.call("PATCH", &at(&id), &maker, "{\"disabled\":false}");
    assert_problem(&back, 409, "for ever", "a revoked key");
    assert_eq!(world.get("/x", &key).status, 401);
}

#[test]
fn a_key_may_end_itself() {
    let (world, maker) = serving("self:*,*");
    let itself = text(&world.call("GET", KEYS, &maker, "").json()["data"][0], "id");
    assert_eq!(world.call("DELETE", &at(&itself), &maker, "").status, 204);
    assert_eq!(world.call("GET", KEYS, &maker, "").status, 401);
}

#[test]
fn rotation() {
    let (world, maker) = serving("self:*,*");
    let (id, old) = made(&world, &maker);
    let rotate = format!("{}/rotate", at(&id));
    let answer = world.call("POST", &rotate, &maker, "");
    assert_eq!(answer.status, 201, "without a body: {}", answer.text());
    assert_receipt(&answer);
    let new = answer.json();
    assert_eq!(new["replaces"], json!(id));
    for key in [&old, &text(&new, "key")] {
        assert_eq!(world.get("/x", key).status, 200, "both work during the overlap");
    }
    assert_problem(&world.call("POST", &rotate, &maker, "{}"), 409, "rotated already", "a second time");
    let again = format!("{}/rotate", at(&text(&new, "id")));
    for body in ["{\"overlap\":\"soon\"}", "{\"overlap\":5}", "[]"] {
        assert_eq!(world.call("POST", &again, &maker, body).status, 400, "{body}");
    }
    let last = world.call("POST", &again, &maker, "{\"overlap\":\"0\"}").json();
    assert_eq!(world.get("/x", &text(&new, "key")).status, 401, "ended at once");
    assert_eq!(world.get("/x", &text(&last, "key")).status, 200);
    let disabled = text(&last, "id");
    world.call("PATCH", &at(&disabled), &maker, "{\"disabled\":true}");
    let refused = world.call("POST", &format!("{}/rotate", at(&disabled)), &maker, "");
    assert_problem(&refused, 409, "enable it first", "a disabled key");
}

#[test]
fn what_a_key_may_do_cannot_change() {
    let (world, maker) = serving("self:*,*");
    let (id, _) = made(&world, &maker);
    let before = world.call("GET", &at(&id), &maker, "").json();
    for field in ["scopes", "mode", "expiresAt", "allowedIps", "owner", "externalId"] {
        let body = json!({"name": "new", field: null}).to_string();
        assert_problem(&world.call("PATCH", &at(&id), &maker, &body), 400, "cannot change", field);
    }
    for body in
        ["{}", "[]", "{\"disabled\":\"yes\"}", "{\"name\":5}", "{\"name\":\"\"}", "{\"name\":\"x\",\"disabled\":true}"]
    {
        assert_eq!(world.call("PATCH", &at(&id), &maker, body).status, 400, "{body}");
    }
    assert_eq!(world.call("GET", &at(&id), &maker, "").json(), before);
}

#[test]
fn wrong_methods_and_unknown_paths() {
    let (world, maker) = serving("self:*,*");
    let one = at("key_x");
    let rotate = format!("{one}/rotate");
    let all = [(KEYS, "GET", "POST"), (one.as_str(), "DELETE", "PATCH"), (rotate.as_str(), "POST", "POST")];
    for (target, method, other) in all {
        let answer = world.call("PUT", target, &maker, "");
        assert_problem(&answer, 405, "does not take this method", target);
        let allow = answer.header("allow").unwrap_or_default();
        assert!(allow.contains(method) && allow.contains(other) && !allow.contains("PUT"), "{target}: {allow}");
    }
    for (method, target) in [("GET", &one), ("DELETE", &one), ("POST", &rotate)] {
        assert_problem(&world.call(method, target, &maker, ""), 404, "there is no key \"key_x\"", method);
    }
    let renamed = world.call("PATCH", &one, &maker, "{\"name\":\"x\"}");
    assert_problem(&renamed, 404, "there is no key \"key_x\"", "PATCH");
    for target in ["/_keyward/api-keys/", "/_keyward/api-keysx", "/_keyward/api-keys/a/b"] {
        assert_eq!(world.call("GET", target, &maker, "").status, 404, "{target}");
    }
}

#[test]
fn the_scopes_of_self_are_needed_by_name() {
    let (world, maker) = serving("self:*,*");
    let (id, plain) = made(&world, &maker);
    let reader = world.key("reader", &["--scopes", "self:keys:read"]);
    let writer = world.key("writer", &["--scopes", "self:keys:write"]);
    let one = at(&id);
    for (method, target, body) in [
        ("GET", KEYS, ""),
        ("GET", &one, ""),
        ("POST", KEYS, "{\"name\":\"x\",\"scopes\":[]}"),
        ("PATCH", &one, "{\"name\":\"x\"}"),
        ("POST", &format!("{one}/rotate"), "{}"),
        ("DELETE", &one, ""),
    ] {
        let refused = world.call(method, target, &plain, body);
        assert_problem(&refused, 403, "self:keys:", &format!("{method} {target} with all its owner's"));
        let (right, wrong) = if method == "GET" { (&reader, &writer) } else { (&writer, &reader) };
        assert_eq!(world.call(method, target, wrong, body).status, 403, "{method} {target}");
        // The writer cannot give what only the owner has; that is asked after the scope.
        let answer = world.call(method, target, right, body);
        assert!(answer.status < 300 || target.ends_with("/rotate"), "{method} {target}: {}", answer.text());
        assert_eq!(world.send(method, target, &[], body).status, 401, "{method} {target} without a key");
    }
}

#[test]
fn somebody_elses_keys_are_as_unknown_ones() {
    let mut world = World::new(BINARY).serve(&[]);
    world.stop();
    world.user("bob", &["self", "admin"]);
    world.start(&[]);
    let mine = world.key("mine", &["--scopes", "self:*,*"]);
    let theirs = world.key_json("theirs", &["--owner", "bob", "--scopes", "self:*,*"]);
    let (id, key) = (text(&theirs, "id"), text(&theirs, "key"));
    let before = world.json(&["key", "show", &id]);
    for (method, suffix, body) in [
        ("GET", "", ""),
        ("PATCH", "", "{\"name\":\"x\"}"),
        ("PATCH", "", "{\"disabled\":true}"),
        ("DELETE", "", ""),
        ("POST", "/rotate", "{\"overlap\":\"0\"}"),
    ] {
        let [other, unknown] = [id.as_str(), "key_unknown"].map(|id| {
            let answer = world.call(method, &format!("{}{suffix}", at(id)), &mine, body);
            assert_problem(&answer, 404, &format!("there is no key {id:?}"), method);
            let mut problem = answer.json();
            problem["decision"] = Value::Null;
            problem.to_string().replace(id, "ID")
        });
        assert_eq!(other, unknown, "{method}: the same words for both");
    }
    assert_eq!(names(&world.call("GET", KEYS, &mine, "").json()), ["mine"]);
    assert_eq!(names(&world.call("GET", KEYS, &key, "").json()), ["theirs"]);
    assert_eq!(world.json(&["key", "show", &id])["status"], before["status"], "untouched");
    assert_eq!(world.call("DELETE", &at(&id), &key, "").status, 204, "its owner may");
}

#[test]
fn no_key_gives_more_than_it_has() {
    let (world, maker) = serving("self:*,orders:read");
    let scopes = |body: Value| world.call("POST", KEYS, &maker, &body.to_string());
    for greedy in ["orders:write", "orders:*", "*", "keyward:keys:read"] {
        let answer = scopes(json!({"name": "x", "scopes": [greedy]}));
        assert_problem(&answer, 403, &format!("you do not have {greedy}"), greedy);
    }
    assert_eq!(scopes(json!({"name": "x", "scopes": ["orders:read"]})).json()["scopes"], json!(["orders:read"]));
    assert_eq!(scopes(json!({"name": "x", "scopes": []})).json()["scopes"], json!([]));
    let quiet = scopes(json!({"name": "x"})).json();
    assert_eq!(quiet["scopes"], json!(["orders:read"]), "by omission it has its maker's, without self:");
    let strong = world.key_json("strong", &[]);
    let taken = world.call("POST", &format!("{}/rotate", at(&text(&strong, "id"))), &maker, "{}");
    assert_problem(&taken, 403, "you do not have *", "a successor of a stronger key");
    let own = world.call("POST", &format!("{}/rotate", at(&text(&quiet, "id"))), &maker, "{}");
    assert_eq!((own.status, &own.json()["scopes"]), (201, &json!(["orders:read"])));
    let all = world.key("all", &["--scopes", "self:*,*"]);
    let whole = world.call("POST", KEYS, &all, "{\"name\":\"whole\"}").json();
    assert_eq!(whole["scopes"], Value::Null, "its owner's, of which its maker has all");
    assert_eq!(world.call("GET", KEYS, &text(&whole, "key"), "").status, 403, "but not self:");
}

#[test]
fn an_operators_key_of_the_configuration_has_no_keys() {
    let operators = "ci-key-of-the-operator-0123456789abcdef";
    let yaml =
        format!("security: {{api_keys: {{static: [{{name: ci, key: {operators}, scopes: [\"*\", \"self:*\"]}}]}}}}\n");
    let world = World::new(BINARY).config(&yaml).serve(&[]);
    let admins = world.key_json("admins", &[]);
    let answer = world.call("POST", KEYS, operators, "{\"name\":\"x\"}");
    assert_problem(&answer, 403, "has no user that could own keys; use `keyward key create`", "POST");
    assert_eq!(world.call("GET", KEYS, operators, "").json()["data"], json!([]));
    assert_eq!(world.call("DELETE", &at(&text(&admins, "id")), operators, "").status, 404);
}
