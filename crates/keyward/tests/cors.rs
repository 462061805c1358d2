//! Web pages that call: preflights are answered before a credential is asked for, and every answer says to whom it may be shown.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use keyward_testkit::client::Answer;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::World;
use serde_json::Value;

/// A block as another program documents it, word for word.
const FROM_THE_DOCS: &str = "
security:
  cors:
    enabled: true
    allowed_origins:
      - \"https://app.example.com\"
      - \"http://localhost:3000\"
    allowed_methods:
      - \"GET\"
      - \"POST\"
      - \"PUT\"
      - \"DELETE\"
    allowed_headers:
      - \"Content-Type\"
      - \"Authorization\"
    allow_credentials: true
";
const ROUTES: &str = "
routes:
  - {name: office, path: /office/**, ip: {allow: [192.0.2.1]}}
  - {name: open, path: /open/**, public: true}
  - {name: read, path: /read/**, methods: [GET]}
";
const APP: &str = "Origin: https://app.example.com";
const EVIL: &str = "Origin: https://app.example.com.evil.example";
const ASKS: &str = "Access-Control-Request-Method: PUT";

/// An upstream that would let everybody in.
fn upstream() -> Upstream {
    let said = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nVary: Accept\r\n";
    Upstream::answering(&format!("HTTP/1.1 200 OK\r\n{said}Content-Length: 2\r\n\r\nok"))
}

fn before(upstream: &Upstream, yaml: &str) -> World {
    World::new(env!("CARGO_BIN_EXE_keyward")).config(yaml).serve(&["--upstream", &upstream.url()])
}

/// All that an answer says about pages, sorted.
fn says(answer: &Answer) -> Vec<String> {
    let about = |name: &str| name.starts_with("access-control-") || name == "vary";
    let mut said: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| about(name))
        .map(|(name, value)| format!("{}: {value}", name.trim_start_matches("access-control-")))
        .collect();
    said.sort_unstable();
    said
}

const TO_APP: [&str; 3] = ["allow-credentials: true", "allow-origin: https://app.example.com", "vary: Origin"];
const TO_NOBODY: [&str; 1] = ["vary: Origin"];

#[test]
fn a_preflight_needs_no_credential() {
    let upstream = upstream();
    let world = before(&upstream, &format!("{FROM_THE_DOCS}{ROUTES}"));
    let preflight = [
        "allow-credentials: true",
        "allow-headers: Content-Type, Authorization, X-API-Key",
        "allow-methods: GET, POST, PUT, DELETE",
        "allow-origin: https://app.example.com",
        "max-age: 600",
        "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    ];
    let read = "Access-Control-Request-Method: GET";
    let long = format!("Access-Control-Request-Headers: x-api-key{}", ",x".repeat(10_000));
    for (target, asks) in [
        ("/open/x", ASKS),
        ("/read/x", read),
        ("/_keyward/api-keys", "Access-Control-Request-Method: POST"),
        ("/_keyward/login", "Access-Control-Request-Method: POST"),
    ] {
        for more in ["Access-Control-Request-Headers: x-api-key, content-type", &long, "X-API-Key: wrong"] {
            let answer = world.send("OPTIONS", target, &[APP, asks, more], "");
            assert_eq!((answer.status, says(&answer)), (204, preflight.map(str::to_owned).to_vec()), "{target}");
            assert!(answer.body.is_empty() && answer.header("content-length").is_none());
        }
    }
    assert_eq!(upstream.requests(), [] as [String; 0], "none is forwarded");
}

#[test]
fn a_preflight_that_may_not_be_is_told_nothing() {
    let upstream = upstream();
    let world = before(&upstream, &format!("{FROM_THE_DOCS}{ROUTES}"));
    for (target, headers, status) in [
        // Origins are compared as a whole.
        ("/open/x", &[EVIL, ASKS][..], 403),
        ("/open/x", &["Origin: https://evil.example", ASKS], 403),
        ("/open/x", &["Origin: null", ASKS], 403),
        ("/open/x", &["Origin: http://app.example.com", ASKS], 403),
        ("/open/x", &["Origin: https://app.example.com:8443", ASKS], 403),
        ("/open/x", &["Origin: https://xapp.example.com", ASKS], 403),
        ("/open/x", &["Origin:", ASKS], 403),
        ("/read/x", &[EVIL, "Access-Control-Request-Method: GET"], 403),
    ] {
        let answer = world.send("OPTIONS", target, headers, "");
        let vary = "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        assert_eq!((answer.status, says(&answer)), (status, vec![vary.to_owned()]), "{target} {headers:?}");
        assert_eq!(answer.json()["reason"], "Forbidden", "{headers:?}");
    }
    // Nor where the request that it asks about would lead nowhere, or may not come from here.
    for (target, asks, status) in [
        ("/nowhere", ASKS, 404),
        ("/_keyward/nothing", ASKS, 404),
        ("/read/x", ASKS, 404),
        ("/_keyward/health", ASKS, 405),
        ("/open/../x", ASKS, 400),
        ("/open/%2fx", ASKS, 400),
        ("/office/x", ASKS, 403),
    ] {
        let answer = world.send("OPTIONS", target, &[APP, asks], "");
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
    }
    // What is no preflight is a request like others: it needs a credential.
    for headers in [
        &[APP][..],
        &[ASKS],
        &[APP, "Access-Control-Request-Method: GET,PUT"],
        &[APP, APP, "Access-Control-Request-Method: GET"],
        &[APP, ASKS, ASKS],
    ] {
        for (target, status) in [("/_keyward/me", 405), ("/read/x", 404)] {
            assert_eq!(world.send("OPTIONS", target, headers, "").status, status, "{target} {headers:?}");
        }
    }
    assert_eq!(upstream.requests(), [] as [String; 0], "none is forwarded");
}

#[test]
fn every_answer_says_who_may_read_it() {
    let upstream = upstream();
    let world = before(&upstream, FROM_THE_DOCS);
    let key = format!("X-API-Key: {}", world.key("one", &["--scopes", "self:*,x"]));
    let wrong = "X-API-Key: wrong";
    for (method, target, headers, status) in [
        ("GET", "/x", &[key.as_str()][..], 200),
        ("GET", "/x", &[], 401),
        ("GET", "/x", &[wrong], 401),
        ("GET", "/x/../y", &[], 400),
        ("OPTIONS", "/x", &[], 401),
        ("GET", "/_keyward/api-keys", &[&key], 200),
        ("GET", "/_keyward/api-keys", &[], 401),
        ("PUT", "/_keyward/api-keys", &[&key], 405),
        ("GET", "/_keyward/nothing", &[], 404),
        ("GET", "/_keyward/health", &[], 200),
    ] {
        for (origin, expected) in
            [(APP, &TO_APP[..]), (EVIL, &TO_NOBODY), ("Origin: null", &TO_NOBODY), ("X: y", &TO_NOBODY)]
        {
            let answer = world.send(method, target, &[headers, &[origin]].concat(), "");
            assert_eq!(answer.status, status, "{method} {target} {origin}: {}", answer.text());
            let said: Vec<String> = says(&answer).into_iter().filter(|line| line != "vary: Accept").collect();
            assert_eq!(said, expected, "{method} {target} {headers:?} {origin}");
        }
    }
    // The upstream is told of the page all the same, and its own Vary stays.
    let answer = world.send("GET", "/x", &[&key, APP], "");
    assert!(says(&answer).contains(&"vary: Accept".to_owned()) && upstream.last().contains("https://app.example.com"));
}

#[test]
fn all_pages_and_none() {
    let upstream = upstream();
    let star =
        "security: {cors: {enabled: true, allowed_origins: [\"*\"], exposed_headers: [X-Total], max_age: 10m}}\n";
    let world = before(&upstream, star);
    let expected = ["allow-origin: *", "expose-headers: X-Total"];
    for origin in [APP, EVIL, "X: y"] {
        let answer = world.send("GET", "/x", &[origin], "");
        assert_eq!((answer.status, says(&answer)), (401, expected.map(str::to_owned).to_vec()), "{origin}");
    }
    let answer = world.send("OPTIONS", "/x", &[EVIL, ASKS], "");
    let said = says(&answer);
    assert_eq!((answer.status, said.contains(&"max-age: 600".to_owned())), (204, true), "{said:?}");
    assert!(said.contains(&"allow-origin: *".to_owned()) && !said.iter().any(|line| line.contains("credentials")));

    // Where it is off, OPTIONS is a request like others, and what the upstream says passes.
    let world = before(&upstream, "routes: [{name: open, path: /open, public: true}, {name: all, path: /**}]\n");
    assert_eq!(world.send("OPTIONS", "/x", &[APP, ASKS], "").status, 401);
    let answer = world.send("OPTIONS", "/open", &[APP, ASKS], "");
    assert_eq!(says(&answer), ["allow-credentials: true", "allow-origin: *", "vary: Accept"]);
    assert!(upstream.last().starts_with("OPTIONS /open "));
}

#[test]
fn a_key_header_of_ones_own_may_always_be_sent() {
    let upstream = upstream();
    let schemes =
        "schemes: {ours: {kind: api_key, header: X-Our-Key}}\nroutes: [{name: all, path: /**, schemes: [ours]}]\n";
    let cors = "security: {cors: {enabled: true, allowed_origins: [\"https://app.example.com\"]}}\n";
    let world = before(&upstream, &format!("{schemes}{cors}"));
    let answer = world.send("OPTIONS", "/x", &[APP, ASKS, "Access-Control-Request-Headers: x-our-key"], "");
    let allowed = answer.header("access-control-allow-headers").unwrap_or_default().to_ascii_lowercase();
    assert!(allowed.split(", ").any(|name| name == "x-our-key"), "{allowed}");
}

#[test]
fn preflights_are_on_record() {
    let world = before(&upstream(), FROM_THE_DOCS);
    world.send("OPTIONS", "/x", &[APP, ASKS], "");
    let refused = world.send("OPTIONS", "/x", &[EVIL, ASKS], "");
    let explained = world.json(&["explain", refused.json()["decision"].as_str().unwrap()]);
    let found = &explained["found"][0];
    assert_eq!((&found["outcome"], &found["detail"]), (&"Forbidden".into(), &"origin".into()), "{explained}");
    let listed = world.json(&["decisions", "list", "--limit", "0"]);
    // Both may be of one millisecond, and of two cores, which hand over in turn.
    let is_preflight = |one: &Value| one["outcome"] == "allowed" && one["detail"] == "preflight";
    assert!(listed["data"].as_array().unwrap().iter().any(is_preflight), "{listed}");
}
