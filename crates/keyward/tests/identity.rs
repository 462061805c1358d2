//! What the API behind Keyward is told, byte for byte: identity as configured, never a client's word for it.

use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::World;

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// A server before an upstream that records, by a configuration.
fn before(upstream: &Upstream, yaml: &str) -> World {
    World::new(BINARY).config(yaml).serve(&["--upstream", &upstream.url()])
}

/// Every value that the upstream got of a header, in any spelling that a program could take for it.
fn seen(request: &str, name: &str) -> Vec<String> {
    let collapse = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "").to_ascii_lowercase();
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.filter(|(one, _)| collapse(one) == collapse(name)).map(|(_, value)| value.trim().to_owned()).collect()
}

#[test]
fn the_upstream_is_told_who_calls() {
    let upstream = Upstream::start();
    let world = before(&upstream, "{}");
    let made = world.key_json("Zoë 100%", &["--mode", "test", "--scopes", "orders:read,orders:write"]);
    let answer = world.get("/orders", made["key"].as_str().unwrap());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let request = upstream.last();
    let principal = seen(&request, "Keyward-Principal");
    assert!(principal.len() == 1 && principal[0].starts_with("user_"), "{principal:?}");
    for (name, value) in [
        ("Keyward-Name", "Zo%C3%AB 100%25"),
        ("Keyward-Kind", "api_key"),
        ("Keyward-Scopes", "orders:read orders:write"),
        ("Keyward-Mode", "test"),
        ("Keyward-Credential", made["id"].as_str().unwrap()),
    ] {
        assert_eq!(seen(&request, name), [value], "{name}");
    }
    assert!(seen(&request, "Keyward-Account").is_empty(), "a fact that is absent sends no header");
    assert_eq!(seen(&request, "Keyward-Decision").len(), 1);
}

#[test]
fn an_operators_key_is_called_by_its_name() {
    let upstream = Upstream::start();
    let key = "ci-key-of-the-operator-0123456789abcdef";
    let yaml = format!("security: {{api_keys: {{static: [{{name: ci, key: {key}, scopes: [\"orders:*\"]}}]}}}}\n");
    let world = before(&upstream, &yaml);
    assert_eq!(world.get("/orders", key).status, 200);
    let request = upstream.last();
    for (name, value) in [("Principal", "ci"), ("Name", "ci"), ("Kind", "static"), ("Scopes", "orders:*")] {
        assert_eq!(seen(&request, &format!("Keyward-{name}")), [value], "{name}");
    }
    assert!(!request.contains(key), "{request}");
}

#[test]
fn no_spelling_of_a_clients_reaches_the_upstream() {
    let upstream = Upstream::start();
    let world = before(&upstream, "routes: [{name: open, path: /open, public: true}, {name: all, path: /**}]\n");
    let made = world.key_json("one", &[]);
    let key = format!("X-API-Key: {}", made["key"].as_str().unwrap());
    let facts = ["Principal", "Name", "Kind", "Account", "Scopes", "Decision", "Credential", "Mode"];
    for spelling in ["Keyward-{}", "keyward_{}", "KEYWARD.{}", "keyward{}", "Key-ward-{}", "Keyward--{}", "Keyward-{}_"]
    {
        for target in ["/closed", "/open"] {
            let forged = facts.map(|fact| format!("{}: forged", spelling.replace("{}", fact)));
            let lines: Vec<&str> =
                [key.as_str()].into_iter().chain(forged.iter().chain(&forged).map(String::as_str)).collect();
            assert_eq!(world.send("GET", target, &lines, "").status, 200, "{spelling} {target}");
            let request = upstream.last();
            assert!(!request.contains("forged"), "{spelling} {target}:\n{request}");
            let known = seen(&request, "Keyward-Principal").len();
            assert_eq!(known, usize::from(target == "/closed"), "nobody is known on a public route:\n{request}");
        }
    }
}

#[test]
fn connection_removes_what_a_client_names_and_nothing_of_ours() {
    let upstream = Upstream::start();
    let world = before(&upstream, "upstream: {headers: {X-Inner-Key: inner}}\n");
    let key = format!("X-API-Key: {}", world.key("one", &[]));
    let named = "Connection: Keyward-Principal, keyward-kind, X-Inner-Key, X-Forwarded-For, X-Mine, close";
    let answer = world.send("GET", "/x", &[&key, named, "Keyward-Principal: forged", "X-Mine: hop"], "");
    assert_eq!(answer.status, 200);
    let request = upstream.last();
    assert!(seen(&request, "Keyward-Principal")[0].starts_with("user_"), "{request}");
    for (name, value) in [("Keyward-Kind", "api_key"), ("X-Inner-Key", "inner"), ("X-Forwarded-For", "127.0.0.1")] {
        assert_eq!(seen(&request, name), [value], "{request}");
    }
    assert!(!request.contains("forged") && !request.contains("hop"), "{request}");
}

#[test]
fn renamed_headers_are_guarded_by_their_new_names() {
    let upstream = Upstream::start();
    let world = before(&upstream, "identity: {headers: {principal: X-User, scopes: X-User-Scopes}}\n");
    let key = format!("X-API-Key: {}", world.key("one", &["--scopes", "a"]));
    assert_eq!(world.send("GET", "/x", &[&key, "X_User: forged", "x.user.scopes: forged"], "").status, 200);
    let request = upstream.last();
    assert!(seen(&request, "X-User").len() == 1 && seen(&request, "X-User")[0].starts_with("user_"), "{request}");
    assert_eq!(seen(&request, "X-User-Scopes"), ["a"]);
    assert!(seen(&request, "Keyward-Principal").is_empty() && !request.contains("forged"), "{request}");
}

#[test]
fn credentials_are_stripped_unless_the_route_keeps_them() {
    let upstream = Upstream::start();
    let yaml = "
schemes: {bearer: {kind: api_key, authorization: Bearer}}
routes:
  - {name: kept, path: /kept, keep_credential: true}
  - {name: first, path: /first, several: first}
  - {name: all, path: /**}
";
    let world = before(&upstream, yaml);
    let key = world.key("one", &[]);
    let carriers =
        [format!("X-API-Key: {key}"), format!("Authorization: ApiKey {key}"), format!("Authorization: Bearer {key}")];
    for carrier in &carriers {
        for (target, kept) in [("/x", false), ("/kept", true)] {
            assert_eq!(world.send("GET", target, &[carrier], "").status, 200, "{target} {carrier}");
            let request = upstream.last();
            assert_eq!(request.contains(&key), kept, "{target} {carrier}:\n{request}");
        }
    }
    assert_eq!(world.send("GET", "/first", &[&carriers[0], "Authorization: Bearer other"], "").status, 200);
    let request = upstream.last();
    assert!(!request.contains(&key) && !request.contains("other"), "each that could be read goes:\n{request}");
    for spelling in ["X_API_Key", "x.api.key"] {
        assert_eq!(world.send("GET", "/x", &[&carriers[1], &format!("{spelling}: {key}")], "").status, 200);
        assert!(!upstream.last().contains(&key), "{spelling}:\n{}", upstream.last());
    }
}

#[test]
fn a_key_sent_to_a_public_route_stays_here_unless_the_route_keeps_it() {
    let upstream = Upstream::start();
    let world = before(
        &upstream,
        "routes: [{name: open, path: /open, public: true}, {name: kept, path: /kept, public: true, keep_credential: true}]\n",
    );
    let key = world.key("everywhere", &[]);
    for (target, times) in [("/open", 0), ("/kept", 2)] {
        let headers = [&*format!("X_Api-Key: {key}"), &format!("Authorization: ApiKey {key}")];
        assert_eq!(world.send("GET", target, &headers, "").status, 200);
        assert_eq!(upstream.last().matches(&key).count(), times, "{target}: {}", upstream.last());
    }
}

#[test]
fn authorization_of_another_scheme_is_the_upstreams() {
    let upstream = Upstream::start();
    let world = before(&upstream, "{}");
    let key = format!("X-API-Key: {}", world.key("one", &[]));
    for theirs in ["Basic dTpw", "Negotiate YII=", "Digest username=\"u\""] {
        assert_eq!(world.send("GET", "/x", &[&key, &format!("Authorization: {theirs}")], "").status, 200, "{theirs}");
        assert_eq!(seen(&upstream.last(), "Authorization"), [theirs]);
    }
}

#[test]
fn headers_for_the_upstream_are_ours_alone() {
    let upstream = Upstream::start();
    let yaml = "
upstream: {headers: {X-Inner-Key: \"${env:INNER}\", X-Plain: set}}
routes: [{name: open, path: /open, public: true}, {name: all, path: /**}]
";
    let world = World::new(BINARY).config(yaml).env("INNER", "inner-secret").serve(&["--upstream", &upstream.url()]);
    let key = format!("X-API-Key: {}", world.key("one", &[]));
    for target in ["/closed", "/open"] {
        let forged = ["X-Inner-Key: forged", "x_inner_key: forged", "X-Plain: forged", key.as_str()];
        let answer = world.send("GET", target, &forged, "");
        let request = upstream.last();
        assert_eq!(seen(&request, "X-Inner-Key"), ["inner-secret"], "{request}");
        assert_eq!(seen(&request, "X-Plain"), ["set"], "{request}");
        assert!(!format!("{answer:?}").contains("inner-secret"), "the client is not told");
    }
}

#[test]
fn where_a_request_came_from_is_said_by_keyward() {
    let upstream = Upstream::start();
    let world = before(&upstream, "{}");
    let key = format!("X-API-Key: {}", world.key("one", &[]));
    let mut lines = vec![key.as_str()];
    lines.extend([
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Proto: forged",
        "X-Forwarded-Host: forged",
        "x_forwarded_for: forged",
        "Forwarded: for=forged",
        "X-Real-IP: forged",
        "X-Original-URL: /forged",
        "X-Rewrite-URL: /forged",
        "X-HTTP-Method-Override: FORGED",
        "X-Forwarded-Prefix: forged",
        "X-Forwarded-Ssl: forged",
        "X-HTTP-Method: FORGED",
        "X-Method-Override: FORGED",
        "X-Original-Host: forged",
        "X-Original-Forwarded-For: forged",
        "CF-Connecting-IP: forged",
    ]);
    assert_eq!(world.send("GET", "/x", &lines, "").status, 200);
    let request = upstream.last();
    let host = world.server().data.to_string();
    for (name, value) in [("For", "127.0.0.1"), ("Proto", "http"), ("Host", host.as_str())] {
        assert_eq!(seen(&request, &format!("X-Forwarded-{name}")), [value], "{request}");
    }
    assert!(!request.to_lowercase().contains("forged") && !request.contains("203.0.113.9"), "{request}");
}

#[test]
fn the_host_is_the_received_one_or_the_upstreams() {
    let upstream = Upstream::start();
    for (host, others) in [("received", false), ("upstream", true)] {
        let world = before(&upstream, &format!("upstream: {{host: {host}}}\n"));
        assert_eq!(world.get("/x", &world.key("one", &[])).status, 200);
        let (received, own) = (world.server().data.to_string(), upstream.address.to_string());
        assert_eq!(seen(&upstream.last(), "Host"), [if others { own } else { received.clone() }], "{host}");
        assert_eq!(seen(&upstream.last(), "X-Forwarded-Host"), [received], "{host}");
    }
}

#[test]
fn path_query_body_and_method_arrive_byte_for_byte() {
    let upstream = Upstream::start();
    let world = before(&upstream, "{}");
    let key = format!("X-API-Key: {}", world.key("one", &[]));
    for target in ["/", "/a/", "/A.b~c", "/caf%C3%A9", "/a%20b?q=%2F..//;x&&y=1?z", "/x?", "/%7Euser", "/a?%zz"] {
        for method in ["GET", "PUT", "DELETE", "PROPFIND"] {
            assert_eq!(world.send(method, target, &[&key], "").status, 200, "{method} {target}");
            let request = upstream.last();
            assert!(request.starts_with(&format!("{method} {target} HTTP/1.1\r\n")), "{request}");
        }
    }
    assert_eq!(world.send("POST", "/x", &[&key, "Content-Type: x/y"], "a\r\n\r\nb\0").status, 200);
    let request = upstream.last();
    assert!(request.ends_with("\r\n\r\na\r\n\r\nb\0"), "{request:?}");
    assert_eq!(seen(&request, "Content-Type"), ["x/y"]);
}

#[test]
fn head_is_forwarded_as_head() {
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 14\r\nX-Theirs: yes\r\n\r\n");
    let world = before(&upstream, "{}");
    let key = format!("X-API-Key: {}", world.key("one", &[]));
    let answer = world.send("HEAD", "/x", &[&key], "");
    assert_eq!((answer.status, answer.header("x-theirs"), answer.body.len()), (200, Some("yes"), 0));
    assert_eq!(answer.header("content-length"), Some("14"), "as GET would say");
    assert!(upstream.last().starts_with("HEAD /x HTTP/1.1\r\n"), "{}", upstream.last());
    let refused = world.send("HEAD", "/x", &[], "");
    assert_eq!((refused.status, refused.body.len()), (401, 0));
}

#[test]
fn only_keyward_says_that_keyward_answered() {
    let upstream = Upstream::answering(
        "HTTP/1.1 403 Forbidden\r\nKeyward-Decision: forged\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Theirs: 2\r\n\
         Content-Length: 0\r\n\r\n",
    );
    let world = before(&upstream, "{}");
    let answer = world.get("/x", &world.key("one", &[]));
    assert_eq!((answer.status, answer.header("keyward-decision"), answer.header("x-theirs")), (403, None, Some("2")));
    assert_eq!(answer.header("x-hop"), None, "hop by hop");
    assert!(world.get("/x", "wrong").header("keyward-decision").is_some(), "a refusal of ours has it");
}
