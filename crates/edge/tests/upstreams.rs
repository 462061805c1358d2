//! Connections to an upstream: kept, replaced when stale, and what a client hears when there is no answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::time::Duration;

use support::Setup;
use support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[test]
fn a_connection_is_kept() {
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    let world = Setup::before(&upstream).start();
    let mut connection = world.connect();
    for _ in 0..20 {
        assert_eq!(connection.ask("POST /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: 1\r\n\r\nx").body, "ok");
    }
    assert_eq!(world.ask("GET /public/x HTTP/1.1\nHost: api").body, "ok");
    assert_eq!(upstream.connections(), 1);
}

/// Answers once on the first connection, then hangs up in the middle of the second request.
fn moody() -> Upstream {
    Upstream::scripted(|peer| {
        peer.request()?;
        peer.send(EMPTY)?;
        if peer.number == 0 {
            return peer.request().map(drop);
        }
        loop {
            peer.request()?;
            peer.send(EMPTY)?;
        }
    })
}

#[test]
fn a_stale_connection_is_replaced_for_what_may_be_sent_twice() {
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        let upstream = moody();
        let world = Setup::before(&upstream).start();
        let mut connection = world.connect();
        let request = format!("{method} /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
        assert_eq!(connection.ask(&request).status, 204, "{method}");
        assert_eq!(connection.ask(&request).status, 204, "{method}");
        assert_eq!(upstream.connections(), 2, "{method}");
        let [first, second, again] = [upstream.next(), upstream.next(), upstream.next()];
        assert_eq!(second.lines().next(), first.lines().next());
        assert_eq!(again, second, "the same request once more");
    }
}

#[test]
fn what_may_have_had_an_effect_is_not_sent_twice() {
    for (method, body) in [("POST", ""), ("POST", "x"), ("PATCH", ""), ("PUT", "x")] {
        let upstream = moody();
        let world = Setup::before(&upstream).start();
        let mut connection = world.connect();
        let length = body.len();
        let request = format!("{method} /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: {length}\r\n\r\n{body}");
        assert_eq!(connection.ask(&request).status, 204, "{method}");
        connection.ask(&request).assert_problem(502, "UpstreamUnreachable");
        assert_eq!(upstream.connections(), 1, "{method}");
    }
}

#[test]
fn a_connection_that_was_closed_while_idle_is_not_used() {
    let (closed, ends) = std::sync::mpsc::channel();
    let upstream = Upstream::scripted(move |peer| {
        peer.request()?;
        peer.send(OK)?;
        peer.stream.shutdown(std::net::Shutdown::Both).ok()?;
        closed.send(()).ok()
    });
    let world = Setup::before(&upstream).start();
    for _ in 0..5 {
        assert_eq!(world.ask("POST /public/x HTTP/1.1\nHost: api\nContent-Length: 0").status, 200);
        ends.recv().unwrap();
    }
    assert_eq!(upstream.connections(), 5);
}

#[test]
fn no_answer_is_502_or_504() {
    let garbage = Upstream::scripted(|peer| {
        peer.request()?;
        peer.send("SSH-2.0-OpenSSH\r\n\r\n")
    });
    Setup::before(&garbage).start().get("/api/x").assert_problem(502, "UpstreamGarbage");
    let upgrade = Upstream::answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    Setup::before(&upgrade).start().get("/api/x").assert_problem(502, "UpstreamGarbage");
    let hangs_up = Upstream::scripted(|peer| peer.request().map(drop));
    Setup::before(&hangs_up).start().get("/api/x").assert_problem(502, "UpstreamUnreachable");
    assert_eq!(hangs_up.connections(), 1, "a new connection that fails is not tried again");
    let silent = Upstream::scripted(|peer| {
        peer.request()?;
        peer.wait_for_end();
        None
    });
    // A public route, so that nothing but the upstream is waited for.
    let world = Setup::before(&silent).read_timeout(Duration::from_millis(100)).start();
    world.ask("GET /public/x HTTP/1.1\nHost: api").assert_problem(504, "UpstreamTimeout");
    silent.next();
    assert_eq!(silent.next(), "closed");
    let mut setup = Setup::demo();
    setup.upstreams = vec![support::origin("127.0.0.1:1")];
    let world = setup.start();
    world.get("/api/x").assert_problem(502, "UpstreamUnreachable");
    assert!(!world.get("/api/x").body.contains("127.0.0.1"), "the upstream's address is not told");
}

#[test]
fn an_answer_that_breaks_off_closes_the_connection() {
    let dies = Upstream::scripted(|peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    });
    let world = Setup::before(&dies).start();
    let mut connection = world.connect();
    connection.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    assert!(connection.try_answer(false).is_none());
    let stalls = Upstream::scripted(|peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")?;
        peer.wait_for_end();
        None
    });
    let world = Setup::before(&stalls).read_timeout(Duration::from_millis(100)).start();
    let mut connection = world.connect();
    connection.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    assert!(connection.try_answer(false).is_none());
}

#[test]
fn a_slow_but_steady_answer_is_not_late() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")?;
        for _ in 0..10 {
            support::pause(Duration::from_millis(150));
            peer.send("x")?;
        }
        Some(())
    });
    // Shorter than the whole answer, and many times longer than each wait for more of it.
    let world = Setup::before(&upstream).read_timeout(Duration::from_millis(1300)).start();
    assert_eq!(world.ask("GET /public/x HTTP/1.1\nHost: api").body, "xxxxxxxxxx");
}

#[test]
fn what_comes_beyond_an_answer_answers_nobody() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    );
    let world = Setup::before(&upstream).start();
    let mut connection = world.connect();
    for _ in 0..10 {
        assert_eq!(connection.ask("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n").body, "ok");
    }
    assert_eq!(upstream.connections(), 10, "a connection that said too much is not used again");
}
