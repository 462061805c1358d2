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

/// An address that nobody listens at: taken, and let go.
fn nobody() -> keyward_edge::Address {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    support::origin(&listener.local_addr().unwrap().to_string())
}

fn at(upstream: &Upstream) -> keyward_edge::Address {
    support::origin(&upstream.address.to_string())
}

const POST: &str = "POST /public/x HTTP/1.1\r\nHost: api\r\nContent-Length: 1\r\n\r\nx";

#[test]
fn addresses_take_turns_and_one_that_refuses_costs_no_request() {
    let (one, other) = (Upstream::ok(), Upstream::ok());
    let mut setup = Setup::demo();
    setup.upstreams = vec![at(&one), nobody(), at(&other)];
    let world = setup.start();
    for _ in 0..20 {
        assert_eq!(world.connect().ask(POST).body, "ok", "nothing was sent to the one that refuses");
    }
    assert!(!one.is_untouched() && !other.is_untouched());
    let shown = &world.setups.shown()[0].addresses[1];
    assert_eq!(shown.refused.load(std::sync::atomic::Ordering::Relaxed), 3, "then it is left out");
}

#[test]
fn where_all_are_out_one_is_tried_and_the_client_is_told_when() {
    let mut setup = Setup::demo();
    setup.upstreams = vec![nobody(), nobody()];
    let world = setup.start();
    let told: Vec<_> = (0..6).map(|_| world.ask("GET /public/x HTTP/1.1\nHost: api")).collect();
    assert_eq!((told[0].status, told[0].header("retry-after")), (502, None));
    assert_eq!(told[5].status, 503);
    assert!(["1", "2"].contains(&told[5].header("retry-after").unwrap()));
    assert!(told[5].body.contains("UpstreamOut") && !told[5].body.contains("127.0.0.1"), "{}", told[5].body);
}

#[test]
fn an_address_that_comes_back_is_used_again() {
    let address = nobody();
    let other = Upstream::ok();
    let mut setup = Setup::demo();
    setup.upstreams = vec![address.clone(), at(&other)];
    setup.limits.idle_timeout = Duration::from_millis(500);
    let world = setup.start();
    (0..8).for_each(|_| assert_eq!(world.ask("GET /public/x HTTP/1.1\nHost: api").status, 200));
    let listener = std::net::TcpListener::bind(address.to_string().trim_start_matches("http://")).unwrap();
    let (seen, came) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback").unwrap();
        seen.send(()).unwrap();
        support::pause(Duration::from_secs(5));
    });
    let answered = (0..2000).any(|_| {
        support::pause(Duration::from_millis(5));
        world.ask("GET /public/x HTTP/1.1\nHost: api").body == "back"
    });
    assert!(answered && came.try_recv().is_ok());
}

#[test]
fn what_was_sent_goes_nowhere_else() {
    let mortal = Upstream::scripted(|peer| peer.request().map(drop));
    let other = Upstream::ok();
    let mut setup = Setup::demo();
    setup.upstreams = vec![at(&mortal), at(&other)];
    let world = setup.start();
    assert_eq!(world.connect().ask(POST).status, 502);
    mortal.next();
    assert!(other.is_untouched());
}

#[test]
fn cores_share_the_cap_of_connections() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.wait_for_end();
        None
    });
    let mut setup = Setup::before(&upstream);
    setup.cores = 2;
    setup.caps = keyward_edge::Caps { open: 2, idle: 2 };
    let world = setup.start();
    let mut held: Vec<_> = (0..2).map(|_| world.connect()).collect();
    for connection in &mut held {
        connection.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
        upstream.next();
    }
    // Whichever core it comes to.
    for _ in 0..16 {
        let told = world.ask("GET /public/x HTTP/1.1\nHost: api");
        assert_eq!((told.status, told.header("retry-after")), (503, None));
        assert!(told.body.contains("UpstreamBusy"), "{}", told.body);
    }
    drop(held);
}

#[test]
fn each_upstream_has_its_own_headers() {
    let (one, other) = (Upstream::ok(), Upstream::ok());
    let mut setup = Setup::before(&one);
    setup.further = vec![("second", at(&other))];
    let world = setup.start();
    world.ask("GET /public/x HTTP/1.1\nHost: api");
    world.ask("GET /second/x HTTP/1.1\nHost: api");
    let (seen, seen_second) = (one.next(), other.next());
    assert!(seen.contains("x-inner-key: inner") && !seen.contains("second"), "{seen}");
    assert!(seen_second.contains("x-inner-key: second") && !seen_second.contains("inner\r"), "{seen_second}");
}

#[test]
fn what_a_route_strips_the_upstream_does_not_see() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    for (asked, seen) in [
        ("/strip/me/x", "/x"),
        ("/strip/me/", "/"),
        ("/strip/me/x%20y/?a=/strip/me&b=%2F..", "/x%20y/?a=/strip/me&b=%2F.."),
        ("/strip/me/strip/me/x", "/strip/me/x"),
        ("/only", "/"),
        ("/only?a=b", "/?a=b"),
    ] {
        assert_eq!(world.ask(&format!("GET {asked} HTTP/1.1\nHost: api")).status, 200, "{asked}");
        assert_eq!(upstream.next().lines().next(), Some(&*format!("GET {seen} HTTP/1.1")));
    }
    for asked in ["/strip/mean/x", "/strip/me//x", "/strip/me/../x", "/strip/me%2Fx", "/strip/m%65x/y", "/only/x"] {
        assert!(world.ask(&format!("GET {asked} HTTP/1.1\nHost: api")).status >= 400, "{asked}");
    }
    assert!(upstream.is_untouched());
}

#[test]
fn active_checks_take_an_address_out_and_bring_it_back() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let well = std::sync::Arc::new(AtomicBool::new(false));
    let state = std::sync::Arc::clone(&well);
    let upstream = Upstream::scripted(move |peer| {
        peer.request()?;
        let word = if state.load(Ordering::SeqCst) { "200 OK" } else { "500 No" };
        peer.send(&format!("HTTP/1.1 {word}\r\nContent-Length: 0\r\n\r\n"))
    });
    let mut setup = Setup::before(&upstream);
    setup.change = |upstream| {
        upstream.check = Some(keyward_edge::Check { path: "/health".into(), every: Duration::from_millis(20) });
    };
    let world = setup.start();
    world.check();
    let seen = upstream.next();
    assert!(seen.starts_with("GET /health HTTP/1.1\r\n") && seen.contains("x-inner-key: inner"), "{seen}");
    assert!(world.becomes(keyward_engine::upstreams::Standing::Out));
    well.store(true, Ordering::SeqCst);
    assert!(world.becomes(keyward_engine::upstreams::Standing::In));
}

#[test]
fn checks_go_by_whatever_carries_bytes() {
    let file = std::env::temp_dir().join(format!("keyward-check-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let listener = std::os::unix::net::UnixListener::bind(&file).unwrap();
    let mut setup = Setup::demo();
    setup.upstreams = vec![keyward_edge::Address::Unix(file.clone())];
    setup.change = |upstream| {
        upstream.check = Some(keyward_edge::Check { path: "/health".into(), every: Duration::from_secs(10) });
    };
    let world = setup.start();
    assert_eq!(&*world.setups.shown()[0].addresses[0].label, format!("unix:{}", file.display()));
    world.check();
    let (mut peer, _) = listener.accept().unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut peer, &mut byte).unwrap();
        seen.extend_from_slice(&byte);
    }
    let seen = String::from_utf8(seen).unwrap();
    assert!(seen.starts_with("GET /health HTTP/1.1\r\nhost: localhost\r\n"), "{seen}");
    std::fs::remove_file(&file).unwrap();
}
