//! The API behind Keyward does not answer, too late, or not HTTP: the caller hears which, and nothing is passed off as
//! whole that is not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use keyward_testkit::ports::Silent;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::World;

use super::{assert_problem, assert_ready, assert_says, world};

const OPEN: &str = "routes: [{path: /**, public: true}]\n";
/// For upstreams that fall silent; elsewhere a time-out would only be in the way on a busy machine.
const IMPATIENT: &str = "upstream: {timeouts: {read: 400ms}}\nroutes: [{path: /**, public: true}]\n";

fn before(upstream: &str) -> World {
    world().config(OPEN).serve(&["--upstream", upstream])
}

#[test]
fn one_that_cannot_be_reached() {
    let place = Silent::hold();
    let address = place.address();
    let world = before(&format!("http://{address}"));
    assert_says(&world.server().log(), &[&format!("http://{address} (does not answer yet)")]);
    assert_problem(&world.send("GET", "/x", &[], ""), 502, "UpstreamUnreachable");
    assert_problem(&world.send("POST", "/x", &[], "body"), 502, "UpstreamUnreachable");
    assert!(!world.send("GET", "/x", &[], "").text().contains(&address.to_string()), "the caller learns the address");
    assert_ready(&world);
    // As soon as it is there, it is used.
    let place = place.listen();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = place.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    assert_eq!(world.send("GET", "/x", &[], "").status, 204);
    answering.join().unwrap();
}

#[test]
fn one_that_answers_is_said_to() {
    let upstream = Upstream::start();
    assert_says(&before(&upstream.url()).server().log(), &[&format!("{} (takes connections)", upstream.url())]);
}

#[test]
fn one_that_never_answers() {
    let upstream = Upstream::answering("");
    let world = world().config(IMPATIENT).serve(&["--upstream", &upstream.url()]);
    assert_problem(&world.send("GET", "/x", &[], ""), 504, "UpstreamTimeout");
    assert_eq!(upstream.requests().len(), 1, "a request that may have had an effect was sent twice");
    assert_ready(&world);
}

#[test]
fn one_that_answers_something_else_than_http() {
    for garbage in [
        "this is not HTTP\r\n\r\n",
        "\0\x01\x02\x03\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        let upstream = Upstream::answering(garbage);
        let world = before(&upstream.url());
        let answer = world.send("POST", "/x", &[], "once");
        assert_problem(&answer, 502, "UpstreamGarbage");
        assert_eq!(upstream.requests().len(), 1, "{garbage:?}: sent twice");
        assert_ready(&world);
    }
}

#[test]
fn one_that_dies_before_its_head_is_whole() {
    for part in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"] {
        let upstream = Upstream::hanging_up(part);
        let world = before(&upstream.url());
        let answer = world.send("POST", "/x", &[], "once");
        assert_problem(&answer, 502, "UpstreamUnreachable");
        assert_eq!(upstream.requests().len(), 1, "{part:?}: sent twice");
        assert_ready(&world);
    }
}

/// All bytes of an answer until the connection ends.
fn raw(world: &World) -> String {
    let mut stream = TcpStream::connect(world.server().data).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    // A reset says as clearly as an end that no more will come.
    let _ = stream.read_to_end(&mut bytes).map_err(|error| assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn one_that_dies_or_falls_silent_amid_its_body() {
    let known = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for (part, silent) in [(known, false), (chunked, false), (known, true), (chunked, true)] {
        let upstream = if silent { Upstream::answering(part) } else { Upstream::hanging_up(part) };
        let config = if silent { IMPATIENT } else { OPEN };
        let world = world().config(config).serve(&["--upstream", &upstream.url()]);
        let answer = raw(&world);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        // The client can tell: fewer bytes than announced, or no last chunk.
        let announced = head.contains("content-length: 100");
        assert!(announced || head.contains("transfer-encoding: chunked"), "{answer}");
        assert!(body.contains("hello") && body.len() < 100 && !body.ends_with("0\r\n\r\n"), "{answer}");
        assert_eq!(upstream.requests().len(), 1, "what was answered in part was sent again");
        assert_ready(&world);
    }
}
