//! Each limit on what a client may use up: sizes, times and connections.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::time::{Duration, Instant};

use keyward_edge::Limits;
use keyward_engine::node::FILL;
use support::store::Mood;
use support::upstream::Upstream;
use support::{STATIC_KEY, Setup};

const SHORT: Duration = Duration::from_millis(150);
/// Longer than any of these tests waits: what ends within their patience was ended by the limit that is short.
const LONG: Duration = Duration::from_secs(600);

#[allow(clippy::disallowed_methods, reason = "these tests measure real time from outside")]
fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let value = run();
    (value, began.elapsed())
}

#[test]
fn a_large_head_is_431() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    let ask = |size: usize| world.ask(&format!("GET /public/x HTTP/1.1\nHost: api\nX: {}", "x".repeat(size)));
    assert_eq!(ask(60_000).status, 200);
    upstream.next();
    ask(65_536).assert_problem(431, "TooLarge");
    // Far beyond, or with too many fields, hyper answers before us; both ways nothing passes.
    assert_eq!(ask(1_000_000).status, 431);
    let many: String = (0..200).map(|number| format!("\nX-{number}: y")).collect();
    assert_eq!(world.ask(&format!("GET /public/x HTTP/1.1\nHost: api{many}")).status, 431);
    assert!(upstream.is_untouched());
}

#[test]
fn a_large_body_is_413() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).limits(|limits| limits.body_bytes = Some(100)).start();
    let head = "POST /public/x HTTP/1.1\r\nHost: api\r\n";
    let body = "x".repeat(100);
    assert_eq!(world.connect().ask(&format!("{head}Content-Length: 100\r\n\r\n{body}")).status, 200);
    upstream.next();
    let declared = world.connect().ask(&format!("{head}Content-Length: 101\r\n\r\n"));
    declared.assert_problem(413, "TooLarge");
    // Far more than socket buffers hold: the client still hears the answer.
    let huge = "x".repeat(4_000_000);
    world.connect().ask(&format!("{head}Content-Length: 4000000\r\n\r\n{huge}")).assert_problem(413, "TooLarge");
    assert!(upstream.is_untouched());
    let chunk = format!("64\r\n{body}\r\n");
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    world.connect().ask(&chunks).assert_problem(413, "TooLarge");
    assert!(upstream.is_untouched(), "the upstream never got a whole request");
}

#[test]
fn a_body_that_grows_too_large_after_the_answer_began_closes_the_connection() {
    let upstream = Upstream::scripted(|peer| {
        peer.wait_for("first")?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")?;
        peer.wait_for_end();
        None
    });
    let world = Setup::before(&upstream).limits(|limits| limits.body_bytes = Some(10)).start();
    let mut connection = world.connect();
    connection.send("POST /public/x HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    assert_eq!(connection.stream.peek(&mut [0]).unwrap(), 1, "the answer has begun");
    connection.send("a\r\n0123456789\r\n");
    assert!(connection.try_answer(false).is_none());
    assert_eq!(upstream.next(), "closed");
}

#[test]
fn a_body_in_bad_framing_is_400() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    let head = "POST /public/x HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n";
    world.connect().ask(&format!("{head}5\r\nfirst\r\nzz\r\n")).assert_problem(400, "Incomplete");
    assert!(upstream.is_untouched());
}

#[test]
fn a_slow_head_is_cut() {
    let world = Setup::demo().limits(|limits| (limits.header_timeout, limits.idle_timeout) = (SHORT, LONG)).start();
    // Nothing, half a head, and a head that trickles.
    let (closed, took) = timed(|| world.connect().is_closed());
    assert!(closed && took >= SHORT, "{took:?}");
    let mut connection = world.connect();
    connection.send("GET / HTTP/1.1\r\nHo");
    assert!(connection.is_closed());
    let mut connection = world.connect();
    let ((), took) = timed(|| {
        connection.send("GET / HTTP/1.1\r\nHost: api\r\nX: ");
        while std::io::Write::write_all(&mut connection.stream, b"y").is_ok() {
            support::pause(Duration::from_millis(10));
        }
    });
    assert!(took >= SHORT, "{took:?}");
    // The second request has a limit of its own, and resting is not reading a head.
    let mut connection = world.connect();
    assert_eq!(connection.ask("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n").status, 200);
    support::pause(SHORT * 2);
    assert_eq!(connection.ask("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n").status, 200);
    let (closed, took) = timed(|| {
        connection.send("GET");
        connection.is_closed()
    });
    assert!(closed && took >= SHORT, "{took:?}");
}

#[test]
fn an_idle_connection_is_closed() {
    let world = Setup::demo().limits(|limits| (limits.header_timeout, limits.idle_timeout) = (LONG, SHORT)).start();
    let mut connection = world.connect();
    let (closed, took) = timed(|| {
        assert_eq!(connection.ask("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n").status, 200);
        connection.is_closed()
    });
    assert!(closed && took >= SHORT, "{took:?}");
}

#[test]
fn a_silent_upload_is_408() {
    let upstream = Upstream::ok();
    let short = |limits: &mut Limits| limits.signed_body_timeout = SHORT;
    let world = Setup::before(&upstream).read_timeout(SHORT).limits(short).start();
    let head = "Host: api\r\nContent-Length: 10\r\n\r\nhalf";
    world.connect().ask(&format!("POST /public/x HTTP/1.1\r\n{head}")).assert_problem(408, "Incomplete");
    // A key that is known without the store, so that nothing but the body is waited for.
    let own = format!("POST /_keyward/api-keys HTTP/1.1\r\nX-Api-Key: {STATIC_KEY}\r\n{head}");
    world.connect().ask(&own).assert_problem(408, "Incomplete");
    // A body that its signature is waited for with: nothing is decided yet.
    let signature = format!("X-Hub-Signature-256: sha256={}", "0".repeat(64));
    for head in [head, "Host: api\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf"] {
        let signed = format!("POST /signed/x HTTP/1.1\r\n{signature}\r\n{head}");
        world.connect().ask(&signed).assert_problem(408, "Incomplete");
    }
    assert!(upstream.is_untouched());
}

#[test]
fn a_store_that_takes_too_long_is_told_of() {
    let world = Setup::demo().limits(|limits| limits.own_timeout = SHORT).start();
    world.store.be(Mood::Hanging);
    // The store's own limit is longer, so that whoever is told here was told by the connection's.
    let (answer, waited) = timed(|| world.get("/api/x"));
    answer.assert_problem(503, "Unavailable");
    assert!(waited < FILL, "after {waited:?}");
}

#[test]
fn a_client_that_does_not_read_is_cut() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")?;
        let megabyte = "x".repeat(1_000_000);
        while peer.send(&megabyte).is_some() {}
        peer.wait_for_end();
        None
    });
    let world = Setup::before(&upstream).read_timeout(SHORT).start();
    let mut connection = world.connect();
    connection.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    upstream.next();
    assert_eq!(upstream.next(), "closed");
}

#[test]
fn one_connection_too_many_is_closed_at_once() {
    let mut setup = Setup::demo().limits(|limits| limits.connections = 2);
    setup.cores = 2;
    let world = setup.start();
    let ask = "GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n";
    let (mut first, mut second) = (world.connect(), world.connect());
    assert_eq!((first.ask(ask).status, second.ask(ask).status), (200, 200));
    assert!(world.connect().is_closed());
    assert_eq!(first.ask(ask).status, 200);
    drop(second);
    let free = (0..6000).any(|_| {
        support::pause(Duration::from_millis(10));
        let mut third = world.connect();
        let _ = std::io::Write::write_all(&mut third.stream, ask.as_bytes());
        third.try_answer(false).is_some()
    });
    assert!(free, "its place is free again");
}

#[test]
fn a_client_that_stops_sending_before_its_answer_counts_as_gone() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.wait_for_end();
        None
    });
    let world = Setup::before(&upstream).start();
    let mut connection = world.connect();
    connection.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    upstream.next();
    connection.finish_sending();
    assert!(connection.is_closed());
    assert_eq!(upstream.next(), "closed");
}
