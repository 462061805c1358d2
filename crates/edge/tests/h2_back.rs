//! HTTP/2 to upstreams: what they get of a permitted request, and what becomes of their answers and refusals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::{Request, Response};
use keyward_edge::Address;
use keyward_engine::upstreams::Standing;
use support::Setup;
use support::client::header;
use support::h2::{Stream, Upstream, ask, read, with};
use support::upstream;

/// Answers with what came.
async fn echo(mut stream: Stream) {
    let mut out = stream.respond.send_response(Response::new(()), false).unwrap();
    let body = stream.request.body_mut();
    while let Some(Ok(data)) = body.data().await {
        body.flow_control().release_capacity(data.len()).unwrap();
        let mut rest = data;
        while !rest.is_empty() {
            out.reserve_capacity(rest.len());
            let Some(Ok(room)) = std::future::poll_fn(|cx| out.poll_capacity(cx)).await else { return };
            let _ = out.send_data(rest.split_to(room.min(rest.len())), false);
        }
    }
    let _ = out.send_data(Bytes::new(), true);
}

async fn ok(mut stream: Stream) {
    let _ = read(stream.request.body_mut()).await;
    let mut out = stream.respond.send_response(Response::new(()), false).unwrap();
    let _ = out.send_data(Bytes::from_static(b"ok"), true);
}

#[test]
fn requests_arrive_as_judged_over_one_connection() {
    let upstream = Upstream::scripted(100, 0, ok);
    let world = Setup::before_h2(&upstream).start();
    for _ in 0..3 {
        let answer = world.get("/api/x?y=%2f");
        assert_eq!((answer.status, &*answer.body), (200, "ok"));
        let request = upstream.next();
        assert!(request.starts_with("GET http://api/api/x?y=%2f HTTP/2.0\r\n"), "{request}");
        assert_eq!(header(&request, "keyward-principal"), Some("user_1"));
        assert!(!request.contains(&world.store.key) && header(&request, "host").is_none(), "{request}");
    }
    assert_eq!(world.ask("GET /api/x HTTP/1.1\nHost: api").status, 401);
    assert!(upstream.is_untouched());
    assert_eq!(upstream.connections(), 1);
    let head = "POST /public/x HTTP/1.1\r\nHost: api\r\n";
    for body in ["Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"] {
        assert_eq!(world.connect().ask(&format!("{head}{body}")).body, "ok");
    }
    // What the library could not carry as it was judged is not carried.
    assert_eq!(world.ask("GET /public/<x> HTTP/1.1\nHost: api").status, 502);
}

#[test]
fn both_sides_talk_at_once() {
    let upstream = Upstream::scripted(100, 0, echo);
    let world = Setup::before_h2(&upstream).start();
    with(world.address, async |send| {
        let mut send = send.ready().await.unwrap();
        let request =
            Request::post("http://api/public/talk").header("content-type", "application/grpc").body(()).unwrap();
        let (answer, mut out) = send.send_request(request, false).unwrap();
        out.send_data(Bytes::from_static(b"message 0"), false).unwrap();
        let mut body = answer.await.unwrap().into_body();
        for number in 0..5 {
            // Each message comes back before the next one leaves.
            let mut got = Vec::new();
            while got.len() < 9 {
                let data = body.data().await.unwrap().unwrap();
                body.flow_control().release_capacity(data.len()).unwrap();
                got.extend_from_slice(&data);
            }
            assert_eq!(got, format!("message {number}").as_bytes());
            out.send_data(Bytes::from(format!("message {}", number + 1)), number == 4).unwrap();
        }
        assert_eq!(read(&mut body).await.unwrap(), b"message 5");
    });
}

#[test]
fn large_bodies_flow_through_both() {
    let upstream = Upstream::scripted(100, 0, echo);
    let world = Setup::before_h2(&upstream).start();
    with(world.address, async |send| {
        let text: String = (0..400_000).map(|number| format!("{number:07}\n")).collect();
        let answer = ask(&send, Request::post("http://api/public/x"), text.as_bytes()).await.unwrap();
        assert!(answer.body == text.as_bytes(), "{} of {} bytes came back", answer.body.len(), text.len());
    });
}

#[test]
fn an_answer_that_breaks_off_is_no_whole_one() {
    let upstream = Upstream::scripted(100, 0, async |mut stream: Stream| {
        let mut out = stream.respond.send_response(Response::new(()), false).unwrap();
        out.send_data(Bytes::from_static(b"half"), false).unwrap();
        out.send_reset(Reason::CANCEL);
    });
    let world = Setup::before_h2(&upstream).start();
    assert!(world.connect().try_ask("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n").is_none_or(|one| one.status == 502));
    with(world.address, async |send| match ask(&send, Request::get("http://api/public/x"), b"").await {
        Ok(answer) => assert_eq!(answer.status, 502),
        Err(error) => assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR)),
    });
}

#[test]
fn what_was_not_begun_is_sent_once_more() {
    let refuse_first = async |mut stream: Stream| {
        if stream.number.is_multiple_of(2) {
            if stream.request.uri().path() == "/public/late" {
                let mut left = 200_000_usize;
                while left > 0 {
                    let data = stream.request.body_mut().data().await.unwrap().unwrap();
                    stream.request.body_mut().flow_control().release_capacity(data.len()).unwrap();
                    left = left.saturating_sub(data.len());
                }
            }
            stream.respond.send_reset(Reason::REFUSED_STREAM)
        } else {
            let body = read(stream.request.body_mut()).await.unwrap();
            stream.tell(&format!("{} bytes, {}", body.len(), body.iter().map(|byte| u64::from(*byte)).sum::<u64>()));
            ok(stream).await
        }
    };
    let upstream = Upstream::scripted(100, 0, refuse_first);
    let world = Setup::before_h2(&upstream).start();
    let chunks = format!("1388\r\n{}\r\n", "b".repeat(5000)).repeat(6);
    for (rest, got) in [
        ("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n".to_owned(), "0 bytes, 0"),
        ("POST /public/x HTTP/1.1\r\nHost: api\r\n\r\n".to_owned(), "0 bytes, 0"),
        ("POST /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: 3\r\n\r\nabc".to_owned(), "3 bytes, 294"),
        (
            format!("POST /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: 90000\r\n\r\n{}", "a".repeat(90_000)),
            "90000 bytes, 8730000",
        ),
        (
            format!("POST /public/x HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"),
            "30000 bytes, 2940000",
        ),
    ] {
        assert_eq!(world.connect().ask(&rest).status, 200, "{}", &rest[..40]);
        upstream.next();
        upstream.next();
        assert_eq!(upstream.next(), got);
    }
    // Not what is too long to be kept.
    let late = "POST /public/late HTTP/1.1\r\nHost: api\r\nContent-Length: 300000\r\n\r\n";
    let late = world.connect().ask(&format!("{late}{}", "a".repeat(300_000)));
    late.assert_problem(502, "UpstreamUnreachable");
    upstream.next();
    assert!(upstream.is_untouched());

    // And not for ever.
    let upstream = Upstream::scripted(100, 0, async |mut stream: Stream| {
        stream.respond.send_reset(Reason::REFUSED_STREAM);
    });
    let world = Setup::before_h2(&upstream).start();
    world.ask("GET /public/x HTTP/1.1\nHost: api").assert_problem(502, "UpstreamUnreachable");
    upstream.next();
    upstream.next();
    assert!(upstream.is_untouched());

    // An error is no refusal: it may have been done.
    let upstream = Upstream::scripted(100, 0, async |mut stream: Stream| {
        stream.respond.send_reset(Reason::INTERNAL_ERROR);
    });
    let world = Setup::before_h2(&upstream).start();
    world.ask("POST /public/x HTTP/1.1\nHost: api").assert_problem(502, "UpstreamUnreachable");
    upstream.next();
    assert!(upstream.is_untouched());
}

#[test]
fn an_upstream_that_leaves_is_called_anew() {
    let upstream = Upstream::scripted(100, 2, ok);
    let world = Setup::before_h2(&upstream).start();
    for _ in 0..6 {
        assert_eq!(world.get("/api/x").status, 200);
    }
    assert!(upstream.connections() >= 3, "{} connections", upstream.connections());
    // What came too late has a body as well as not.
    for _ in 0..6 {
        let body = "POST /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(world.connect().ask(body).status, 200);
    }
}

#[test]
fn clients_that_take_nothing_hold_nobody_up() {
    let upstream = Upstream::scripted(100, 0, async |mut stream: Stream| {
        let length = if stream.request.uri().path() == "/public/large" { 1 << 20 } else { 2 };
        let mut out = stream.respond.send_response(Response::new(()), false).unwrap();
        let _ = out.send_data(Bytes::from(vec![b'x'; length]), true);
    });
    let world = Setup::before_h2(&upstream).start();
    with(world.address, async |send| {
        let mut held = Vec::new();
        for _ in 0..40 {
            let mut send = send.clone().ready().await.unwrap();
            let request = Request::get("http://api/public/large").body(()).unwrap();
            held.push(send.send_request(request, true).unwrap().0.await.unwrap());
        }
        assert_eq!(world.get("/api/x").body, "xx");
    });
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn more_streams_take_more_connections() {
    let upstream = Upstream::scripted(2, 0, echo);
    let world = Setup::before_h2(&upstream).start();
    // The first answer brings the upstream's bound.
    assert_eq!(world.get("/api/x").status, 200);
    with(world.address, async |send| {
        let mut running = Vec::new();
        for _ in 0..6 {
            let mut send = send.clone().ready().await.unwrap();
            let (answer, out) =
                send.send_request(Request::post("http://api/public/x").body(()).unwrap(), false).unwrap();
            running.push((answer.await.unwrap(), out));
        }
        assert_eq!(upstream.connections(), 3);
        let shown = &world.setups.shown()[0].addresses[0];
        assert_eq!(shown.open.load(Ordering::Relaxed), 3, "a seat for each connection, not for each stream");
    });
}

#[test]
fn the_cap_counts_connections() {
    let upstream = Upstream::scripted(2, 0, echo);
    let mut setup = Setup::before_h2(&upstream);
    setup.caps = keyward_edge::Caps { open: 1, idle: 1 };
    let world = setup.start();
    // The first answer brings the upstream's bound.
    assert_eq!(world.get("/api/x").status, 200);
    with(world.address, async |send| {
        let mut running = Vec::new();
        for expected in [200, 200, 503] {
            let mut send = send.clone().ready().await.unwrap();
            let (answer, out) =
                send.send_request(Request::post("http://api/public/x").body(()).unwrap(), false).unwrap();
            let answer = answer.await.unwrap();
            assert_eq!(answer.status(), expected);
            running.push((answer, out));
        }
        assert_eq!(upstream.connections(), 1);
    });
}

#[test]
fn a_client_that_gives_up_gives_up_at_the_upstream() {
    let upstream = Upstream::scripted(100, 0, async |mut stream: Stream| {
        let reason = std::future::poll_fn(|cx| stream.respond.poll_reset(cx)).await;
        stream.tell(&format!("{reason:?}"));
    });
    let world = Setup::before_h2(&upstream).start();
    let mut client = world.connect();
    client.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    upstream.next();
    drop(client);
    assert_eq!(upstream.next(), "Ok(CANCEL)");
}

#[test]
fn an_upstream_that_does_not_speak_it() {
    let plain = upstream::Upstream::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let mut setup = Setup::before(&plain);
    setup.upstreams = vec![Address::H2c(plain.address.to_string().parse().unwrap())];
    setup.start().get("/api/x").assert_problem(502, "UpstreamUnreachable");
    let mut setup = Setup::demo();
    setup.upstreams = vec![Address::H2c("127.0.0.1:9".parse().unwrap())];
    setup.start().get("/api/x").assert_problem(502, "UpstreamUnreachable");
}

#[test]
fn active_checks_speak_it() {
    static WELL: AtomicBool = AtomicBool::new(false);
    let upstream = Upstream::scripted(100, 0, async |mut stream: Stream| {
        let status = if WELL.load(Ordering::SeqCst) { 200 } else { 500 };
        let answer = Response::builder().status(status).body(()).unwrap();
        let _ = stream.respond.send_response(answer, true);
    });
    let mut setup = Setup::before_h2(&upstream);
    setup.change = |upstream| {
        upstream.check = Some(keyward_edge::Check { path: "/health".into(), every: Duration::from_millis(20) });
    };
    let world = setup.start();
    world.check();
    let seen = upstream.next();
    let uri = format!("GET http://{}/health HTTP/2.0\r\n", upstream.address);
    assert!(seen.starts_with(&uri), "{seen}");
    assert_eq!(header(&seen, "x-inner-key"), Some("inner"), "{seen}");
    assert!(world.becomes(Standing::Out));
    WELL.store(true, Ordering::SeqCst);
    assert!(world.becomes(Standing::In));
}
