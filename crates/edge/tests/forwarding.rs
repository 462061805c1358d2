//! What an upstream gets of a permitted request, and what a client gets of its answer, byte by byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use support::client::header;
use support::upstream::Upstream;
use support::{STATIC_KEY, Setup};

#[test]
fn path_and_query_pass_byte_for_byte() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    for target in [
        "/public/",
        "/public/x?",
        "/public/x??a=b&&c=%zz",
        "/public/%41%62?q=/../..//;\\&%2e",
        "/public/a%20b+c~_-.!$&'()*,:@=",
        "/public/%E4%BD%A0/%c3%a9",
        "/public/{x}|\"^",
        "/odd//x;y=1/a%2Fb/",
    ] {
        assert_eq!(world.ask(&format!("GET {target} HTTP/1.1\nHost: api")).status, 200, "{target}");
        assert_eq!(upstream.next().lines().next(), Some(&*format!("GET {target} HTTP/1.1")));
    }
    // Absolute form arrives in origin form, with the same bytes.
    assert_eq!(world.ask("GET http://api/public/%7Ex?y HTTP/1.1\nHost: api").status, 200);
    let request = upstream.next();
    assert!(request.starts_with("GET /public/%7Ex?y HTTP/1.1\r\n"), "{request}");
    assert_eq!(header(&request, "host"), Some("api"));
}

#[test]
fn identity_is_ours_in_every_spelling() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    let spoofs = "keyward-principal: root\nKeyward_Principal: root\nKEYWARD.PRINCIPAL: root\nkeyward-principal: admin\n\
                  KeywardScopes: *\nx_inner_key: stolen\nX-Forwarded-For: 10.0.0.1\nForwarded: for=10.0.0.1\n\
                  Connection: keyward-principal, keyward-name, x-inner-key, host, x-hop\nX-Hop: 1\nX-Kept: 1";
    world.ask(&format!("GET /api/x HTTP/1.1\nHost: api\nX-Api-Key: $KEY\n{spoofs}"));
    let request = upstream.next();
    assert!(!request.contains("root") && !request.contains("stolen") && !request.contains("10.0.0.1"), "{request}");
    for (name, value) in [
        ("keyward-principal", Some("user_1")),
        ("keyward-name", Some("first-customer")),
        ("keyward-kind", Some("api_key")),
        ("keyward-scopes", Some("orders:read orders:write")),
        ("x-inner-key", Some("inner")),
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-forwarded-host", Some("api")),
        ("host", Some("api")),
        ("x-hop", None),
        ("x-kept", Some("1")),
        ("connection", None),
    ] {
        assert_eq!(header(&request, name), value, "{name} in {request}");
        assert!(request.matches(&format!("\r\n{name}:")).count() <= 1, "{name} twice in {request}");
    }
    // Nobody is nobody: a public route tells of no principal.
    world.ask(&format!("GET /public/x HTTP/1.1\nHost: api\n{spoofs}"));
    let request = upstream.next();
    assert!(!request.contains("root") && !request.contains("keyward-name"), "{request}");
    assert!(header(&request, "keyward-decision").is_some(), "{request}");
}

#[test]
fn credentials_are_stripped_unless_kept() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    world.ask("GET /api/x HTTP/1.1\nHost: api\nX-Api-Key: $KEY\nx_api_key: $KEY\nAuthorization: Bearer other");
    let request = upstream.next();
    assert!(!request.contains(&world.store.key), "{request}");
    assert_eq!(header(&request, "authorization"), Some("Bearer other"));
    world.ask(&format!("GET /api/x HTTP/1.1\nHost: api\nAuthorization: ApiKey {STATIC_KEY}"));
    assert!(!upstream.next().contains(STATIC_KEY));
    world.ask("GET /keep/x HTTP/1.1\nHost: api\nX-Api-Key: $KEY");
    assert!(upstream.next().contains(&world.store.key));
}

#[test]
fn bodies_pass_whole_and_framed_as_they_were() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    let ask = |method: &str, framing: &str, body: &str| {
        let head = format!("{method} /public/x HTTP/1.1\r\nHost: api\r\n{framing}\r\n\r\n");
        assert_eq!(world.connect().ask(&format!("{head}{body}")).status, 200, "{method} {framing}");
        upstream.next()
    };
    for method in ["POST", "GET", "DELETE"] {
        let request = ask(method, "Content-Length: 3", "abc");
        assert!(request.ends_with("\r\n\r\nabc") && header(&request, "content-length") == Some("3"), "{request}");
        let request = ask(method, "Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n");
        assert!(request.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "{request}");
        let request = ask(method, "Content-Length: 3\r\nConnection: content-length", "abc");
        assert!(request.ends_with("\r\n\r\nabc"), "{request}");
    }
    // Both framings at once are an attack or a mistake (RFC 9112 §6.3).
    let both = "Host: api\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    world.connect().ask(&format!("POST /public/x HTTP/1.1\r\n{both}")).assert_problem(400, "Malformed");
    assert!(ask("GET", "X: y", "").ends_with("\r\n\r\n"));
}

#[test]
fn an_upload_streams() {
    let upstream = Upstream::scripted(|peer| {
        peer.wait_for("first")?;
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let world = Setup::before(&upstream).start();
    let mut connection = world.connect();
    connection
        .send("POST /public/x HTTP/1.1\r\nHost: api\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(connection.answer(false).status, 100);
    connection.send("5\r\nfirst\r\n");
    support::pause(std::time::Duration::from_millis(50));
    connection.send("4\r\nlast\r\n0\r\n\r\n");
    assert_eq!(connection.answer(false).body, "ok");
    assert!(upstream.next().ends_with("5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n"));
}

#[test]
fn an_answer_streams_and_loses_only_what_is_not_for_the_client() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.send(
            "HTTP/1.1 203 Fine\r\nKeyward-Decision: forged\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
             Content-Length: 1\r\nTransfer-Encoding: chunked\r\nX-Own: a\r\nX-Own: b\r\n\r\n5\r\nfirst\r\n",
        )?;
        peer.stream.set_nodelay(true).ok()?;
        support::pause(std::time::Duration::from_millis(50));
        peer.send("4\r\nlast\r\n0\r\n\r\n")?;
        peer.request().map(drop)
    });
    let world = Setup::before(&upstream).start();
    let answer = world.get("/api/x");
    assert_eq!((answer.status, answer.body.as_str()), (203, "firstlast"));
    assert!(answer.head.starts_with("HTTP/1.1 203 Fine\r\n"), "{answer:?}");
    for gone in ["keyward-decision", "x-hop", "keep-alive", "content-length", "connection"] {
        assert_eq!(answer.header(gone), None, "{answer:?}");
    }
    assert_eq!(answer.head.matches("X-Own: ").count(), 2, "{answer:?}");
}

#[test]
fn old_clients_and_old_upstreams() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.send("HTTP/1.0 200 OK\r\n\r\nuntil the end")
    });
    let world = Setup::before(&upstream).start();
    let answer = world.get("/api/x");
    assert_eq!(answer.body, "until the end");
    assert!(answer.head.starts_with("HTTP/1.1 200"), "{answer:?}");
    upstream.next();
    let answer = world.ask("GET /public/x HTTP/1.0");
    assert_eq!(answer.body, "until the end");
    let request = upstream.next();
    assert!(request.starts_with("GET /public/x HTTP/1.1\r\n"), "{request}");
    assert_eq!(header(&request, "host"), Some(&*upstream.address.to_string()));
}

#[test]
fn head_passes_through_with_its_length() {
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n");
    let world = Setup::before(&upstream).start();
    let mut connection = world.connect();
    for _ in 0..2 {
        let answer = connection.ask("HEAD /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
        assert_eq!(answer.header("content-length"), Some("1234"), "{answer:?}");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn an_upstream_by_name_and_by_ipv6() {
    let upstream = Upstream::ok();
    let mut setup = Setup::before(&upstream);
    setup.upstreams = vec![support::origin(&format!("localhost:{}", upstream.address.port()))];
    assert_eq!(setup.start().get("/api/x").body, "ok");
    let mut setup = Setup::demo();
    setup.upstreams = vec![support::origin("[::1]:9")];
    setup.start().get("/api/x").assert_problem(502, "UpstreamUnreachable");
}
