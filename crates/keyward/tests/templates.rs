//! Answers in the operator's words: refusals and own endpoints, with the contract's status and body, and nothing of the decision
//! changed by it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::world::{World, text, until};
use serde_json::{Value, json};

const YAML: &str = r#"
security: {jwt: {expiration: 1h}}
limits: {few: {per: key, requests: 2, window: 1h}}
routes:
  - {name: docs, path: /docs, public: true}
  - {name: few, path: /few, limits: [few]}
  - {name: admin, path: /admin, scopes: [admin]}
  - {name: near, path: /near, ip: {deny: [127.0.0.1]}}
  - {name: all, path: /api/**}
endpoints: {login: /auth/login, api_keys: /auth/keys, logout: /auth/logout}
responses:
  NoCredential: {status: 401, body: &wrong {error: Unauthorized, code: AUTH_REQUIRED, message: Authentication required}}
  Malformed.credential: {status: 401, body: *wrong}
  Rejected: {body: *wrong}
  Rejected.revoked: {body: {error: Unauthorized, code: REVOKED, decision: "${decision}"}}
  Forbidden: {body: {error: Forbidden, cause: "${cause}", status: "${status}"}}
  Limited: {body: {error: Rate limit exceeded, retryAfter: "${retry_after}", limit: "${limit}"}}
  NoRoute: {status: 410}
  Invalid: {status: 422, body: {error: "${detail}", code: VALIDATION_ERROR, details: {}}}
  login.Rejected: {body: {success: false, error: {code: INVALID_CREDENTIALS, message: wrong}}}
  NotFound: {body: {error: "${detail}", code: NOT_FOUND, details: {}}}
  login: {body: {token: "${access_token}", expiresAt: "${access_expires_at}", user: {id: "${user.id}", username: "${user.name}"}}}
  api_keys.create: {body: {id: "${id}", name: "${name}", key: "${key}", createdAt: "${createdAt}", expiresAt: "${expiresAt}"}}
  api_keys.list: {body: {data: {$each: keys, item: {id: "${id}", name: "${name}", prefix: "${prefix}"}}, count: "${count}"}}
  logout: {status: 200, body: {success: true}}
"#;

fn world(yaml: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(yaml).serve(&[])
}

fn wrong() -> Value {
    json!({"error": "Unauthorized", "code": "AUTH_REQUIRED", "message": "Authentication required"})
}

fn names(object: &Value) -> Vec<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// What holds of every refusal, in whatever words: its decision is named, it is JSON, and a 401 says how one signs in.
fn told(answer: &Answer, status: u16, body: &Value) {
    assert_eq!((answer.status, &answer.json()), (status, body), "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("keyward-decision").map(str::len), Some(26));
    assert_eq!(answer.header("www-authenticate").is_some(), status == 401 || answer.status == 400, "{}", answer.text());
}

#[test]
fn refusals_are_told_in_the_operators_words() {
    let world = world(YAML);
    let key = world.key_json("a", &[]);
    let (key, id) = (text(&key, "key"), text(&key, "id"));
    told(&world.send("GET", "/api/x", &[], ""), 401, &wrong());
    for broken in ["X-API-Key:", "X-API-Key: a\r\nX-API-Key: b", "Authorization: Bearer", "Authorization: ApiKey a b"] {
        told(&world.send("GET", "/api/x", &[broken], ""), 401, &wrong());
    }
    told(&world.get("/api/x", "kw_live_nonsense"), 401, &wrong());
    let scope = json!({"error": "Forbidden", "cause": "scope", "status": 403});
    let answer = world.get("/admin", &world.key("scoped", &["--scopes", "orders:read"]));
    assert_eq!((answer.status, answer.json()), (403, scope));
    assert!(answer.header("www-authenticate").unwrap().contains("insufficient_scope"), "the challenge stays");
    told(&world.get("/near", &key), 403, &json!({"error": "Forbidden", "cause": "address", "status": 403}));
    assert_eq!((world.get("/few", &key).status, world.get("/few", &key).status), (200, 200));
    let limited = world.get("/few", &key);
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((3590..=3600).contains(&wait), "{wait}");
    told(&limited, 429, &json!({"error": "Rate limit exceeded", "retryAfter": wait, "limit": "few"}));
    assert!(limited.header("ratelimit").is_some(), "the fields stay");
    // A refused path is no wrong credential: it stays 400, in Keyward's own words.
    let path = world.get("/api/a/../b", &key);
    assert_eq!((path.status, &*text(&path.json(), "reason")), (400, "Malformed"));
    assert_eq!(path.header("content-type"), Some("application/problem+json"));
    // Another status alone: the document says it too.
    let gone = world.get("/nowhere", &key);
    assert_eq!((gone.status, gone.json()["status"].as_u64(), &*text(&gone.json(), "title")), (410, Some(410), "Gone"));
    world.ok(&["key", "revoke", &id]);
    let revoked = world.get("/api/x", &key);
    let decision = revoked.header("keyward-decision").unwrap();
    told(&revoked, 401, &json!({"error": "Unauthorized", "code": "REVOKED", "decision": decision}));
    // The record says what it was, and explain what the caller sees.
    let explained = world.json(&["explain", "--path", "/api/x"]);
    assert_eq!((explained["status"].as_u64(), explained["reason"].as_str()), (Some(401), Some("NoCredential")));
    until("the decision", || world.run(&["explain", decision]).status.success().then_some(()));
}

#[test]
fn own_endpoints_answer_in_the_operators_words() {
    let world = world(YAML);
    let password = world.person("ada", &["--roles", "admin,self"]);
    let json_body = "Content-Type: application/json";
    let login = |password: &str| {
        world.send("POST", "/auth/login", &[json_body], &json!({"username": "ada", "password": password}).to_string())
    };
    let answer = login(&password);
    let body = answer.json();
    world.issued.note(&text(&body, "token"));
    assert_eq!(names(&body), ["token", "expiresAt", "user"]);
    assert_eq!(body["user"]["username"], "ada");
    assert!(text(&body, "expiresAt").ends_with('Z'), "{body}");
    let wrong_password = json!({"success": false, "error": {"code": "INVALID_CREDENTIALS", "message": "wrong"}});
    told(&login("not the password"), 401, &wrong_password);
    let bearer = format!("Authorization: Bearer {}", text(&body, "token"));
    let made = world.send("POST", "/auth/keys", &[&bearer, json_body], r#"{"name":"ci"}"#);
    let key = made.json();
    world.issued.note(&text(&key, "key"));
    assert_eq!(
        (made.status, names(&key)),
        (201, ["id", "name", "key", "createdAt", "expiresAt"].map(str::to_owned).into())
    );
    assert_eq!(key["expiresAt"], Value::Null);
    let listed = world.send("GET", "/auth/keys", &[&bearer], "").json();
    let key_text = text(&key, "key");
    let item = json!({"id": key["id"], "name": "ci", "prefix": key_text.get(..12).unwrap()});
    assert_eq!(listed, json!({"data": [item], "count": 1}));
    let invalid = world.send("POST", "/auth/keys", &[&bearer, json_body], r#"{"name":7}"#);
    assert_eq!((invalid.status, &invalid.json()["code"]), (422, &json!("VALIDATION_ERROR")));
    let missing = world.send("DELETE", "/auth/keys/key_gone", &[&bearer], "");
    assert_eq!(missing.json(), json!({"error": "there is no key \"key_gone\"", "code": "NOT_FOUND", "details": {}}));
    let out = world.send("POST", "/auth/logout", &[&bearer], "");
    assert_eq!((out.status, out.json()), (200, json!({"success": true})));
    assert_eq!(world.send("GET", "/api/x", &[&bearer], "").json()["code"], "REVOKED", "whoever signed out is told so");
}

#[test]
fn bodies_are_read_by_the_names_that_clients_know() {
    let yaml = "requests: {login: {username: email, password: secret}, refresh: {refresh_token: refreshToken}}";
    let world = world(yaml);
    let password = world.person("ada", &[]);
    let login = |body: &Value| world.post("/_keyward/login", body);
    let answer = login(&json!({"email": "ada", "secret": password}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    ["access_token", "refresh_token"].iter().for_each(|name| world.issued.note(&text(&tokens, name)));
    // One name each: what another name was given to is not read by its own.
    assert_eq!(login(&json!({"username": "ada", "password": password})).status, 400);
    assert_eq!(login(&json!({"username": "ada", "email": "eve", "secret": password})).status, 401);
    let refreshed = world.post("/_keyward/refresh", &json!({"refreshToken": tokens["refresh_token"]}));
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    ["access_token", "refresh_token"].iter().for_each(|name| world.issued.note(&text(&refreshed.json(), name)));
}
