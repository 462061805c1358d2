//! Upstreams over TLS that choose what is spoken: HTTP/2 where they want it, HTTP/1.1 otherwise and for what needs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use keyward_engine::upstreams::Standing;
use support::client::header;
use support::h2::{Stream, ask, read, with};
use support::tls::{Upstream, stranger};
use support::{Setup, World, becomes};
use tokio::sync::Barrier;

const BOTH: &[&str] = &["h2", "http/1.1"];
const WEBSOCKET: &str = "HTTP/1.1\r\nHost: api\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

async fn ok(mut stream: Stream) {
    let _ = read(stream.request.body_mut()).await;
    // Its connection may have ended.
    if let Ok(mut out) = stream.respond.send_response(Response::new(()), false) {
        let _ = out.send_data(Bytes::from_static(b"ok"), true);
    }
}

fn before(upstream: &Upstream) -> World {
    let mut setup = Setup::demo();
    setup.upstreams = vec![upstream.at()];
    setup.start()
}

/// The connections that Keyward has open there.
fn open(world: &World) -> usize {
    world.setups.shown()[0].addresses[0].open.load(Ordering::Relaxed)
}

#[test]
fn what_is_chosen_is_spoken() {
    for (offers, version) in [
        (BOTH, "HTTP/2.0"),
        (&["http/1.1", "h2"], "HTTP/1.1"),
        (&["h2"], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ] {
        let upstream = Upstream::offering(offers, ok);
        let world = before(&upstream);
        let line = |method: &str, target: &str| match version {
            "HTTP/2.0" => format!("{method} https://api{target} HTTP/2.0\r\n"),
            _ => format!("{method} {target} HTTP/1.1\r\n"),
        };
        for _ in 0..3 {
            let answer = world.get("/api/x?y=%2f");
            assert_eq!((answer.status, &*answer.body), (200, "ok"), "{offers:?}");
            let request = upstream.next();
            assert!(request.starts_with(&line("GET", "/api/x?y=%2f")), "{offers:?}: {request}");
            assert_eq!(header(&request, "keyward-principal"), Some("user_1"));
            assert_eq!(header(&request, "x-inner-key"), Some("inner"));
            assert!(!request.contains(&world.store.key), "{request}");
        }
        assert_eq!(world.ask("GET /api/x HTTP/1.1\nHost: api").status, 401);
        let body = "POST /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(world.connect().ask(body).body, "ok", "{offers:?}");
        let request = upstream.next();
        assert!(request.starts_with(&line("POST", "/public/x")), "{offers:?}: {request}");
        assert_eq!(header(&request, "content-length"), Some("3"), "judged by its length, and sent with it");
        assert!(upstream.is_untouched());
        assert_eq!((upstream.connections(), open(&world)), (1, 1), "{offers:?}");
    }
}

#[test]
fn streams_share_one_connection() {
    // Nobody is answered before all have come.
    let all = Arc::new(Barrier::new(4));
    let upstream = Upstream::offering(BOTH, move |stream: Stream| {
        let all = Arc::clone(&all);
        async move {
            if stream.request.uri().path() == "/public/together" {
                all.wait().await;
            }
            ok(stream).await;
        }
    });
    let world = before(&upstream);
    let together = |target: &str| {
        let mut clients: Vec<_> = (0..4).map(|_| world.connect()).collect();
        clients.iter_mut().for_each(|one| one.send(&format!("GET {target} HTTP/1.1\r\nHost: api\r\n\r\n")));
        clients.iter_mut().for_each(|one| assert_eq!(one.answer(false).body, "ok"));
    };
    // They may all have dialled; what is made for nothing is let go of.
    together("/public/together");
    assert!(becomes(|| open(&world) == 1), "{} are open", open(&world));
    let made = upstream.connections();
    together("/public/together");
    assert_eq!(upstream.connections(), made);
}

#[test]
fn a_call_with_trailers_comes_back_whole() {
    let upstream = Upstream::offering(BOTH, async |mut stream: Stream| {
        let body = read(stream.request.body_mut()).await.unwrap();
        let mut out = stream.respond.send_response(Response::new(()), false).unwrap();
        out.send_data(body.into(), false).unwrap();
        let status = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
        out.send_trailers(status).unwrap();
    });
    let world = before(&upstream);
    with(world.address, async |send| {
        let call =
            Request::post("http://api/public/call").header("te", "trailers").header("content-type", "application/grpc");
        let answer = ask(&send, call, b"message").await.unwrap();
        assert_eq!((answer.status, &*answer.body), (200, b"message".as_slice()));
        assert_eq!(answer.trailers.unwrap()["grpc-status"], "0");
        let request = upstream.next();
        assert!(request.starts_with("POST https://api/public/call HTTP/2.0\r\n"), "{request}");
        assert_eq!(header(&request, "te"), Some("trailers"), "{request}");
    });
}

#[test]
fn the_cap_counts_both() {
    let upstream = Upstream::offering(BOTH, ok);
    let mut setup = Setup::demo();
    setup.upstreams = vec![upstream.at()];
    setup.caps = keyward_edge::Caps { open: 2, idle: 1 };
    let world = setup.start();
    assert_eq!(world.get("/api/x").status, 200);
    let websocket = format!("GET /public/ws {WEBSOCKET}");
    let mut first = world.connect();
    first.send(&websocket);
    assert_eq!(first.answer(true).status, 101);
    world.connect().ask(&websocket).assert_problem(503, "UpstreamBusy");
    assert_eq!(world.get("/api/x").status, 200, "streams need no further connection");
    drop(first);
    assert!(becomes(|| open(&world) == 1));
    assert_eq!(world.connect().ask(&format!("GET /public/refused {WEBSOCKET}")).status, 200);
}

#[test]
fn what_no_stream_carries_goes_over_http1() {
    let upstream = Upstream::offering(BOTH, ok);
    let world = before(&upstream);
    assert_eq!(world.get("/api/x").status, 200);
    assert!(upstream.next().contains("HTTP/2.0"));

    let mut connection = world.connect();
    connection.send(&format!("GET /public/ws {WEBSOCKET}"));
    assert_eq!(connection.answer(true).status, 101);
    let request = upstream.next();
    assert!(request.starts_with("GET /public/ws HTTP/1.1\r\n"), "{request}");
    assert_eq!((header(&request, "upgrade"), header(&request, "connection")), (Some("websocket"), Some("Upgrade")));
    connection.send("GET /admin/x HTTP/1.1\r\n\r\n");
    assert_eq!(connection.bytes(25).unwrap(), "GET /admin/x HTTP/1.1\r\n\r\n");
    assert_eq!(upstream.connections(), 2);

    // Others go on as before, also where a connection of HTTP/1.1 is left over.
    for (request, seen, connections) in [
        (format!("GET /public/refused {WEBSOCKET}"), "GET /public/refused HTTP/1.1\r\n", 3),
        ("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n".into(), "GET https://api/public/x HTTP/2.0\r\n", 3),
        ("GET /public/<x> HTTP/1.1\r\nHost: api\r\n\r\n".into(), "GET /public/<x> HTTP/1.1\r\n", 3),
        ("GET /public/y HTTP/1.1\r\nHost: a%b\r\n\r\n".into(), "GET /public/y HTTP/1.1\r\n", 3),
        ("GET /public/z HTTP/1.1\r\nHost: api\r\n\r\n".into(), "GET https://api/public/z HTTP/2.0\r\n", 3),
    ] {
        assert_eq!(world.connect().ask(&request).body, "ok", "{request}");
        let request = upstream.next();
        assert!(request.starts_with(seen), "{request}");
        assert_eq!(upstream.connections(), connections, "{request}");
    }

    // One that has no HTTP/1.1 gets none of it.
    let upstream = Upstream::offering(&["h2"], ok);
    let world = before(&upstream);
    for _ in 0..5 {
        world.connect().ask(&format!("GET /public/ws {WEBSOCKET}")).assert_problem(502, "UpstreamGarbage");
    }
    assert!(upstream.is_untouched());
    assert!(world.stands(Standing::In), "whoever asks for one takes nobody out");
    assert_eq!(world.get("/api/x").status, 200);
}

#[test]
fn one_that_changes_its_mind_is_followed() {
    let upstream = Upstream::offering(BOTH, ok);
    let world = before(&upstream);
    for (offers, version) in
        [(BOTH, "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1"), (BOTH, "HTTP/2.0"), (&["h2"], "HTTP/2.0")]
    {
        upstream.restart(offers);
        // What may be sent twice does not wait until Keyward has heard of it.
        for _ in 0..3 {
            assert_eq!(world.get("/api/x").status, 200, "{offers:?}");
            assert!(upstream.next().contains(version), "{offers:?}");
        }
        upstream.restart(offers);
        assert!(becomes(|| open(&world) == 0 || version == "HTTP/1.1"));
        let body = "POST /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: 3\r\n\r\nabc";
        assert!(becomes(|| world.connect().ask(body).status == 200), "{offers:?}");
        assert!(upstream.next().contains(version), "{offers:?}");
        assert!(upstream.is_untouched());
    }
}

#[test]
fn nobody_unbelieved_gets_anything() {
    let upstream = Upstream::offering(BOTH, ok);
    for request in [
        "GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n".to_owned(),
        "GET /public/<x> HTTP/1.1\r\nHost: api\r\n\r\n".to_owned(),
        format!("GET /public/ws {WEBSOCKET}"),
    ] {
        let mut setup = Setup::demo();
        setup.upstreams = vec![upstream.believed_by(&stranger())];
        let world = setup.start();
        world.connect().ask(&request).assert_problem(502, "UpstreamUntrusted");
        assert!(upstream.is_untouched());
        assert_eq!((upstream.connections(), open(&world)), (0, 0));
    }
}

#[test]
fn one_that_does_not_speak_what_it_chose() {
    for (breaks, status, reason) in [(true, 502, "UpstreamUnreachable"), (false, 504, "UpstreamTimeout")] {
        let upstream = Upstream::offering(BOTH, ok);
        upstream.lie(breaks);
        let mut setup = Setup::demo().read_timeout(Duration::from_secs(1));
        setup.upstreams = vec![upstream.at()];
        let world = setup.start();
        world.connect().ask("POST /public/x HTTP/1.1\r\nHost: api\r\n\r\n").assert_problem(status, reason);
        upstream.tell_the_truth();
        assert!(becomes(|| world.get("/api/x").status == 200));
    }
}

#[test]
fn active_checks_speak_what_is_chosen() {
    for (offers, seen) in [(BOTH, "GET https://localhost:"), (&["http/1.1"], "GET /health HTTP/1.1\r\n")] {
        let upstream = Upstream::offering(offers, ok);
        let mut setup = Setup::demo();
        setup.upstreams = vec![upstream.at()];
        setup.change = |upstream| {
            upstream.check = Some(keyward_edge::Check { path: "/health".into(), every: Duration::from_secs(5) });
        };
        let world = setup.start();
        world.check();
        let request = upstream.next();
        assert!(request.starts_with(seen) && request.contains("/health "), "{request}");
        assert_eq!(header(&request, "x-inner-key"), Some("inner"), "{request}");
    }
}
