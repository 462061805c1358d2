//! APIs behind that are reached over TLS or by a socket file: what is believed of a certificate, and what a caller hears.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use keyward_testkit::certificates::Authority;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::{World, until};

const OPEN: &[&str] = &["--public", "/**"];

/// A server that believes one authority.
fn before(authority: &Authority, url: &str) -> World {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let file = world.path("ca.pem");
    std::fs::write(&file, &authority.certificate).unwrap();
    let world = world.env("SSL_CERT_FILE", file.to_str().unwrap());
    world.serve(&[OPEN, &["--upstream", url]].concat())
}

#[test]
fn an_api_over_tls_is_asked_and_its_connections_are_kept() {
    let authority = Authority::new("test");
    let cores = std::thread::available_parallelism().unwrap().get();
    for host in ["localhost", "127.0.0.1"] {
        let upstream = Upstream::over_tls(&authority.issue(&[host]));
        let url = format!("https://{host}:{}", upstream.address.port());
        let world = before(&authority, &url);
        for body in ["", "a body", &"x".repeat(500_000)].repeat(cores + 1) {
            let answer = world.send("POST", "/x?y", &[], body);
            assert_eq!((answer.status, answer.text().as_str()), (200, "from upstream\n"), "{url}");
            assert!(upstream.last().starts_with("POST /x?y HTTP/1.1\r\n") && upstream.last().ends_with(body));
        }
        assert!(upstream.last().contains("\r\nx-forwarded-proto: http\r\n"), "{}", upstream.last());
        // One for each core, and the look that the banner takes.
        assert!(upstream.connections() <= cores + 1, "they are not kept: {}", upstream.connections());
    }
}

#[test]
fn an_api_that_chooses_http2_is_asked_and_checked_in_it() {
    let authority = Authority::new("test");
    let cores = std::thread::available_parallelism().unwrap().get();
    let upstream = Upstream::over_h2(&authority.issue(&["localhost"]));
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let file = world.path("ca.pem");
    std::fs::write(&file, &authority.certificate).unwrap();
    let port = upstream.address.port();
    let config = format!("upstream: {{url: \"https://localhost:{port}\", health: {{path: /health, every: 1h}}}}\n");
    let world = world.env("SSL_CERT_FILE", file.to_str().unwrap()).config(&config).serve(OPEN);
    let asked = |line: &str| upstream.requests().into_iter().find(|request| request.starts_with(line));
    let check = format!("GET https://localhost:{port}/health HTTP/2.0\r\n");
    until("a check", || asked(&check));
    for (number, body) in ["", "a body", &"x".repeat(500_000)].repeat(cores + 1).into_iter().enumerate() {
        let answer = world.send("POST", &format!("/x?{number}"), &[], body);
        assert_eq!((answer.status, answer.text().as_str()), (200, "from upstream\n"));
        let seen = asked(&format!("POST https://{}/x?{number} HTTP/2.0\r\n", world.server().data)).unwrap();
        assert!(seen.contains("\r\nx-forwarded-proto: http\r\n") && seen.ends_with(body), "{seen}");
    }
    // One for each core, the check, and the look that the banner takes.
    assert!(upstream.connections() <= cores + 2, "they are not shared: {}", upstream.connections());
}

#[test]
fn one_that_cannot_show_who_it_is_gets_no_request() {
    let authority = Authority::new("test");
    let issued = [
        ("another name", authority.issue(&["other.test"])),
        ("another address", authority.issue(&["127.0.0.2"])),
        ("expired", authority.issue_until(&["localhost"], 2020)),
        ("nobody's", Authority::new("another").issue(&["localhost"])),
    ];
    for (what, issued) in issued {
        let upstream = Upstream::over_tls(&issued);
        let world = before(&authority, &format!("https://localhost:{}", upstream.address.port()));
        let answer = world.send("POST", "/x", &["Authorization: Bearer secret"], "body");
        assert_eq!(answer.status, 502, "{what}");
        assert_eq!(answer.json()["reason"], "UpstreamUntrusted", "{what}");
        assert!(upstream.requests().is_empty(), "{what}: {:?}", upstream.requests());
    }
}

#[test]
fn one_that_speaks_no_tls_is_garbage() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let world =
        before(&Authority::new("test"), &format!("https://localhost:{}", listener.local_addr().unwrap().port()));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
            // Until it hangs up.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let answer = world.send("GET", "/x", &[], "");
    assert_eq!((answer.status, &answer.json()["reason"]), (502, &"UpstreamGarbage".into()));
}

#[test]
fn without_any_authority_nothing_starts() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let file = world.path("none.pem");
    std::fs::write(&file, "").unwrap();
    let world = world.env("SSL_CERT_FILE", file.to_str().unwrap());
    let written = world.try_start(&["--upstream", "https://localhost:1"]).err().unwrap();
    assert!(written.contains("no certificate authority") && written.contains("SSL_CERT_FILE"), "{written}");
}

#[test]
fn an_api_at_a_socket_file() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let path = world.path("api.sock");
    let url = format!("unix:{}", path.display());
    let mut world = world;
    world.start(&[OPEN, &["--upstream", &url]].concat());
    world.hears("(does not answer yet)");
    assert_eq!(world.send("GET", "/x", &[], "").json()["reason"], "UpstreamUnreachable");
    let upstream = Upstream::at_socket(&path);
    for _ in 0..3 {
        assert_eq!(world.send("POST", "/x", &[], "body").text(), "from upstream\n");
    }
    assert!(upstream.last().starts_with("POST /x HTTP/1.1\r\n") && upstream.last().ends_with("body"));
}
