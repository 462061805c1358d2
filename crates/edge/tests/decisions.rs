//! Each decision as a client sees it: the table of reasons over real sockets, and what is refused before a decision.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use support::store::Mood;
use support::upstream::Upstream;
use support::{STATIC_KEY, Setup};

#[test]
fn the_table_of_reasons() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    let stranger = world.store.stranger.clone();
    for (head, status, reason, challenged) in [
        ("GET /api/x HTTP/1.1\nHost: api", 401, "NoCredential", true),
        ("GET /api/x HTTP/1.1\nHost: api\nX-Api-Key: wrong", 401, "Rejected", true),
        (&*format!("GET /api/x HTTP/1.1\nHost: api\nX-Api-Key: {stranger}"), 401, "Rejected", true),
        ("GET /api/x HTTP/1.1\nHost: api\nX-Api-Key:", 400, "Malformed", true),
        ("GET /api/x HTTP/1.1\nHost: api\nX-Api-Key: $KEY\nX-Api-Key: $KEY", 400, "Malformed", true),
        ("GET /api/x HTTP/1.1\nHost: api\nX-Api-Key: $KEY\nAuthorization: ApiKey $KEY", 400, "Ambiguous", true),
        ("GET /admin/x HTTP/1.1\nHost: api\nX-Api-Key: $KEY", 403, "Forbidden", true),
        ("GET /api/%2e%2e/x HTTP/1.1\nHost: api\nX-Api-Key: $KEY", 400, "Malformed", true),
        ("GET /api//x HTTP/1.1\nHost: api\nX-Api-Key: $KEY", 400, "Malformed", true),
        ("GET /elsewhere HTTP/1.1\nHost: api\nX-Api-Key: $KEY", 404, "NoRoute", false),
        ("GET /_keyward/unknown HTTP/1.1\nHost: api\nX-Api-Key: $KEY", 404, "NoRoute", false),
        ("POST /_keyward/health HTTP/1.1\nHost: api\nContent-Length: 0", 405, "WrongMethod", false),
        ("GET /nowhere/x HTTP/1.1\nHost: api", 502, "UpstreamUnreachable", false),
        ("GET /public/x HTTP/1.1", 400, "Malformed", true),
        ("GET /public/x HTTP/1.1\nHost: a\nHost: a", 400, "Malformed", true),
        ("GET /public/x HTTP/1.1\nHost:", 400, "Malformed", true),
        ("GET /public/x HTTP/1.1\nHost: a b/../c, d", 400, "Malformed", true),
        ("GET /public/x HTTP/1.1\nHost: user@api", 400, "Malformed", true),
        ("GET http://other/public/x HTTP/1.1\nHost: api", 400, "Malformed", true),
        ("OPTIONS * HTTP/1.1\nHost: api", 400, "Malformed", true),
        ("CONNECT api:443 HTTP/1.1\nHost: api:443", 400, "Malformed", true),
        ("CONNECT /public/x HTTP/1.1\nHost: api", 400, "Malformed", true),
        ("GET api:80 HTTP/1.1\nHost: api", 400, "Malformed", true),
    ] {
        let answer = world.ask(head);
        answer.assert_problem(status, reason);
        assert_eq!(answer.header("www-authenticate").is_some(), challenged, "{head}: {answer:?}");
    }
    assert_eq!(world.ask("DELETE /_keyward/health HTTP/1.1\nHost: api").header("allow"), Some("GET"));
    assert!(upstream.is_untouched());
}

#[test]
fn a_store_that_fails_is_no_word_on_the_credential() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    world.store.be(Mood::Failing);
    let answer = world.get("/api/x");
    answer.assert_problem(503, "Unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("www-authenticate"), None);
    assert!(upstream.is_untouched());
    world.store.be(Mood::Willing);
    assert_eq!(world.get("/api/x").status, 200);
}

#[test]
fn a_hit_asks_no_port() {
    let world = Setup::before(&Upstream::ok()).start();
    assert_eq!(world.get("/api/x").status, 200);
    assert_eq!(world.store.asked(), 1);
    world.store.be(Mood::Panicking);
    for _ in 0..10 {
        assert_eq!(world.get("/api/x").status, 200);
    }
    world.ask(&format!("GET /api/x HTTP/1.1\nHost: api\nX-Api-Key: {STATIC_KEY}"));
    assert_eq!(world.ask("GET /public/x HTTP/1.1\nHost: api").status, 200);
    assert_eq!(world.store.asked(), 1);
}

#[test]
fn head_has_the_fields_and_no_body() {
    let world = Setup::demo().start();
    for target in ["/api/x", "/elsewhere", "/api/%00", "/public/x", "/_keyward/health"] {
        let get = world.ask(&format!("GET {target} HTTP/1.1\nHost: api"));
        let mut connection = world.connect();
        let head = connection.ask(&format!("HEAD {target} HTTP/1.1\r\nHost: api\r\n\r\n"));
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{target}");
        assert!(head.header("content-length").is_some(), "{target}: {head:?}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{target}");
        // Nothing of a body follows: the next answer is one.
        assert_eq!(connection.ask("GET /public/y HTTP/1.1\r\nHost: api\r\n\r\n").status, 200);
    }
}

#[test]
fn own_endpoints_get_the_whole_request() {
    let world = Setup::demo().start();
    assert_eq!(
        world.ask("GET /_keyward/health?x=1 HTTP/1.1\nHost: api").body,
        "Health /_keyward/health?x=1 json=false "
    );
    let post = |kind: &str, framing: &str, body: &str| {
        let key = &world.store.key;
        world.connect().ask(&format!(
            "POST /_keyward/api-keys HTTP/1.1\r\nHost: api\r\nX-Api-Key: {key}\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n{body}"
        ))
    };
    let answer = post("application/json; charset=utf-8", "Content-Length: 2", "{}");
    assert_eq!(answer.body, "ApiKeys /_keyward/api-keys json=true {}");
    let answer = post("text/plain", "Transfer-Encoding: chunked", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n");
    assert_eq!(answer.body, "ApiKeys /_keyward/api-keys json=false abc");
    let large = "x".repeat(70_000);
    post("text/plain", "Content-Length: 70000", &large).assert_problem(413, "TooLarge");
    let chunk = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    post("text/plain", "Transfer-Encoding: chunked", &chunk).assert_problem(413, "TooLarge");
    post("text/plain", "Transfer-Encoding: chunked", "zz\r\n").assert_problem(400, "Incomplete");
}

#[test]
fn the_demo_shows_what_an_upstream_sees() {
    let world = Setup::demo().start();
    let seen = world.ask("GET /api/a?b=c HTTP/1.1\nHost: api\nX-Api-Key: $KEY\nKeyward-Principal: root").json();
    assert_eq!(seen["path"], "/api/a");
    assert_eq!(seen["query"], "b=c");
    assert_eq!(seen["identity"]["name"], "first-customer");
    assert_eq!(seen["headers"]["keyward-principal"], "user_1");
    assert_eq!(seen["headers"]["x-api-key"], serde_json::Value::Null);
    let seen = world.ask("GET /public/a HTTP/1.1\nHost: api\nKeyward-Principal: root").json();
    assert_eq!(seen["identity"], serde_json::Value::Null);
    assert_eq!(seen["headers"]["keyward-principal"], serde_json::Value::Null);
}
