//! Requests that are too large, malformed, slow or cut: each gets the answer that is written down, nothing of it reaches
//! the API, and the next request is answered as ever.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use keyward_testkit::client::{exchange, read_answer};
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::World;

use super::{assert_problem, assert_ready, assert_says, world};

const SMALL: &str = "\
server: {limits: {header_bytes: 8KiB, headers: 20, body_bytes: 1KiB}}
routes: [{path: /guarded}, {path: /**, public: true}]
";
const IMPATIENT: &str = "\
server: {limits: {header_timeout: 400ms, idle_timeout: 400ms}}
routes: [{path: /**, public: true}]
";

fn small(upstream: &Upstream) -> World {
    world().config(SMALL).serve(&["--upstream", &upstream.url()])
}

/// What becomes of raw bytes: the status, or 0 where the connection is closed without an answer.
fn status(world: &World, request: &str) -> u16 {
    exchange(world.server().data, request.as_bytes()).map_or(0, |answer| answer.status)
}

#[test]
fn heads_that_are_not_taken() {
    let upstream = Upstream::start();
    let world = small(&upstream);
    let long = "a".repeat(9000);
    let longest = "a".repeat(200_000);
    let many = "x: y\r\n".repeat(21);
    // Request line | the rest of the head | status
    for (line, head, expected) in [
        ("GET /x HTTP/1.1", format!("Host: a\r\nx: {long}\r\n"), 431),
        ("GET /x HTTP/1.1", format!("Host: a\r\nx: {longest}\r\n"), 431),
        (&format!("GET /{long} HTTP/1.1"), "Host: a\r\n".to_owned(), 431),
        (&format!("GET /x?{long} HTTP/1.1"), "Host: a\r\n".to_owned(), 431),
        ("GET /x HTTP/1.1", format!("Host: a\r\n{many}"), 431),
        ("GET /x HTTP/1.1", String::new(), 400),
        ("GET /x HTTP/1.1", "Host: a\r\nHost: a\r\n".to_owned(), 400),
        ("GET http://b/x HTTP/1.1", "Host: a\r\n".to_owned(), 400),
        ("GET ftp://a/x HTTP/1.1", "Host: a\r\n".to_owned(), 400),
        ("GET http://me@a/x HTTP/1.1", "Host: me@a\r\n".to_owned(), 400),
        ("OPTIONS * HTTP/1.1", "Host: a\r\n".to_owned(), 400),
        ("CONNECT a:80 HTTP/1.1", "Host: a:80\r\n".to_owned(), 400),
        ("CONNECT /x HTTP/1.1", "Host: a\r\n".to_owned(), 400),
        ("GET x HTTP/1.1", "Host: a\r\n".to_owned(), 400),
        ("GET /a b HTTP/1.1", "Host: a\r\n".to_owned(), 400),
        ("GET /x", "Host: a\r\n".to_owned(), 400),
        ("GET /x HTTP/1.2", "Host: a\r\n".to_owned(), 505),
        ("GET /x HTTP/3", "Host: a\r\n".to_owned(), 505),
        ("G(T /x HTTP/1.1", "Host: a\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}", String::new(), 400),
        ("GET /x HTTP/1.1", "Host: a\r\nno colon\r\n".to_owned(), 400),
        ("GET /x HTTP/1.1", "Host: a\r\nx : y\r\n".to_owned(), 400),
        ("GET /x HTTP/1.1", "Host: a\r\nx: y\r\n z\r\n".to_owned(), 400),
        ("GET /x HTTP/1.1", "Host: a\r\nx: y\rz: a\r\n".to_owned(), 400),
        ("GET /x HTTP/1.1", "Host: a\r\nx: \0\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n".to_owned(), 400),
        ("GET /x HTTP/1.1\nHost: a", String::new(), 400),
        ("GET /x HTTP/1.1", "Host: a\nX: y\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nContent-Length: -1\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nContent-Length: +1\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nContent-Length: 1e2\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nTransfer-Encoding: gzip\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nTransfer-Encoding: xchunked\r\n".to_owned(), 400),
        ("POST /x HTTP/1.1", "Host: a\r\nTransfer-Encoding: chunked, identity\r\n".to_owned(), 400),
    ] {
        let shown: String = format!("{line}\\{head}").chars().take(80).collect();
        let got = status(&world, &format!("{line}\r\n{head}Connection: close\r\n\r\n"));
        assert_eq!(got, expected, "{shown:?}");
        assert_eq!(status(&world, "GET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 200, "after {shown:?}");
    }
    let http2 = status(&world, "GET / HTTP/2.0\r\nHost: a\r\n\r\n");
    assert_eq!(http2, 505, "HTTP/2 begins with its preface");
    let strangers: Vec<String> =
        upstream.requests().into_iter().filter(|request| !request.starts_with("GET /y HTTP/1.1\r\n")).collect();
    assert!(strangers.is_empty(), "the API got {strangers:#?}");
}

#[test]
fn heads_that_are_odd_and_taken() {
    let upstream = Upstream::start();
    let world = small(&upstream);
    for (what, request) in [
        ("HTTP/1.0 needs no Host", "GET /x HTTP/1.0\r\n\r\n"),
        ("absolute form", "GET http://a/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        ("a blank line before", "\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        ("asterisk below /", "OPTIONS /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    ] {
        assert_eq!(status(&world, request), 200, "{what}");
        // What was odd is not handed on.
        let seen = upstream.last();
        assert!(
            seen.contains(" /x HTTP/1.1\r\n") && seen.matches('\n').count() == seen.matches("\r\n").count(),
            "{seen}"
        );
        assert!(seen.to_ascii_lowercase().contains("\r\nhost: "), "{seen}");
        assert!(seen.to_ascii_lowercase().matches("content-length").count() < 2, "{seen}");
    }
}

#[test]
fn bodies_that_are_too_large() {
    let upstream = Upstream::start();
    let world = small(&upstream);
    let large = "x".repeat(2000);
    let announced = world.send("POST", "/x", &[], &large);
    assert_problem(&announced, 413, "TooLarge");
    assert_says(&announced.text(), &["1024 bytes"]);
    let head = "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    assert_eq!(status(&world, &format!("{head}Content-Length: 2000\r\n\r\n")), 413, "nothing needs to be sent first");
    assert_eq!(status(&world, &format!("{head}Content-Length: 99999999999999999999\r\n\r\n")), 400, "no number");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n7d0\r\n{large}\r\n0\r\n\r\n");
    assert_problem(&exchange(world.server().data, chunked.as_bytes()).unwrap(), 413, "TooLarge");
    assert!(upstream.requests().iter().all(|request| !request.contains("xxxx")), "a large body reached the API");
    assert_eq!(world.send("POST", "/x", &[], &large[..1024]).status, 200, "as large as it may be");
    assert_ready(&world);
}

#[test]
fn bodies_too_large_for_own_endpoints() {
    let world = world().serve(&[]);
    let maker = world.key("maker", &["--scopes", "self:*,*"]);
    let large = format!("{{\"name\":\"x\",\"pad\":\"{}\"}}", "x".repeat(64 * 1024));
    let answer = world.call("POST", "/_keyward/api-keys", &maker, &large);
    assert_problem(&answer, 413, "TooLarge");
    assert_eq!(world.json(&["key", "list"])["data"].as_array().unwrap().len(), 1, "a key was made");
}

#[test]
fn bodies_that_do_not_come_whole() {
    let world = world().serve(&[]);
    let maker = world.key("maker", &["--scopes", "self:*,*"]);
    let head = format!(
        "POST /_keyward/api-keys HTTP/1.1\r\nHost: a\r\nX-API-Key: {maker}\r\nContent-Type: application/json\r\n"
    );
    for (rest, expected) in [
        ("Content-Length: 50\r\n\r\n{\"name\":\"half\"}", &[0, 400][..]),
        ("Transfer-Encoding: chunked\r\n\r\nf\r\n{\"name\":\"half\"}\r\n", &[0, 400]),
        ("Transfer-Encoding: chunked\r\n\r\nnot hex\r\n{\"name\":\"half\"}\r\n0\r\n\r\n", &[400]),
        ("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{\"name\":\"half\"}\r\n0\r\n\r\n", &[400]),
    ] {
        let mut stream = TcpStream::connect(world.server().data).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(format!("{head}{rest}").as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let status = read_answer(&mut stream, false).map_or(0, |answer| answer.status);
        assert!(expected.contains(&status), "{rest}: {status}");
    }
    assert_eq!(world.json(&["key", "list"])["data"].as_array().unwrap().len(), 1, "a key was made of half a body");
    assert_ready(&world);
}

#[test]
fn credentials_that_are_malformed_or_several() {
    let upstream = Upstream::start();
    let world = small(&upstream);
    let key = world.key("bot", &[]);
    let (in_header, in_authorization) = (format!("X-API-Key: {key}"), format!("Authorization: ApiKey {key}"));
    let header = in_header.as_str();
    for (headers, status, reason, detail) in [
        (&["X-API-Key:"][..], 400, "Malformed", "empty"),
        (&["X-API-Key:   "], 400, "Malformed", "empty"),
        (&[header, header], 400, "Malformed", "more than once"),
        (&["Authorization: ApiKey"], 400, "Malformed", "Authorization"),
        (&["Authorization: ApiKey a b"], 400, "Malformed", "Authorization"),
        (&[header, &in_authorization], 400, "Ambiguous", "Two credentials at once"),
        (&["Authorization: Basic YTpi"], 401, "NoCredential", "Send it as"),
        (&["X-API-Key: guessed"], 401, "Rejected", "not valid"),
    ] {
        let answer = world.send("GET", "/guarded", headers, "");
        assert_problem(&answer, status, reason);
        assert_says(&answer.json()["detail"].to_string(), &[detail]);
        assert!(answer.header("www-authenticate").is_some(), "{headers:?}: a challenge");
        assert!(!answer.text().contains(&key), "{headers:?}: the answer repeats the key");
    }
    assert!(upstream.requests().is_empty(), "a refused request reached the API");
    assert_eq!(world.get("/guarded", &key).status, 200);
}

#[test]
fn an_expiry_that_has_passed() {
    let world = world().serve(&[]);
    let maker = world.key("maker", &["--scopes", "self:*,*"]);
    for expiry in ["2001-01-01T00:00:00Z", "0s", "yesterday"] {
        let text = world.refused(&["key", "create", "late", "--expires", expiry]);
        let word = if expiry == "yesterday" { "neither a time" } else { "is not in the future" };
        assert_says(&text, &[expiry, word]);
        let body = format!("{{\"name\":\"late\",\"expiresAt\":\"{expiry}\"}}");
        let answer = world.call("POST", "/_keyward/api-keys", &maker, &body);
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_says(&answer.text(), &[word]);
    }
    assert_eq!(world.json(&["key", "list"])["data"].as_array().unwrap().len(), 1, "a key was made");
}

#[test]
fn clients_that_are_slow_or_half_gone() {
    let open = |world: &World, bytes: &str| {
        let mut stream = TcpStream::connect(world.server().data).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let world = world().config(IMPATIENT).serve(&[]);
    // Nothing, half a head, and a head that never ends: closed without an answer.
    for bytes in ["", "\r\n", "GET /x HT", "GET /x HTTP/1.1\r\nHost: a\r\n"] {
        assert_eq!(open(&world, bytes).read(&mut [0; 1]).unwrap_or(0), 0, "{bytes:?} was answered");
    }
    let mut trickle = open(&world, "GET /x HTTP/1.1\r\nHost: a\r\nx: ");
    let mut bytes = 0;
    trickle.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while trickle.write_all(b"y").is_ok() && !matches!(trickle.read(&mut [0; 1]), Ok(0)) {
        bytes += 1;
        assert!(bytes < 1200, "a head that comes byte by byte is never closed");
    }
    assert_ready(&world);
    // A client that closes its side before it is answered counts as gone.
    let upstream = Upstream::answering("");
    let world = small(&upstream);
    let mut half = open(&world, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(half.read(&mut [0; 1]).unwrap_or(0), 0, "it was answered");
    assert_ready(&world);
}
