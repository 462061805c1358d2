//! Connections that become WebSockets: what is asked of the upstream, what it must answer, and bytes both ways.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::io::{Read as _, Write as _};
use std::time::Duration;

use support::client::{Connection, header};
use support::upstream::{Peer, Upstream};
use support::{Setup, World};

const ASK: &str = "GET /public/ws HTTP/1.1\r\nHost: api\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const YES: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";

/// An upstream that agrees and then does as it is told.
fn agreeing(then: impl Fn(&mut Peer) -> Option<()> + Send + Sync + 'static) -> Upstream {
    Upstream::scripted(move |peer| {
        peer.request()?;
        peer.send(YES)?;
        then(peer)
    })
}

/// A tunnel that stands.
fn tunnel(world: &World) -> Connection {
    let mut connection = world.connect();
    connection.send(ASK);
    assert_eq!(connection.answer(true).status, 101);
    connection
}

#[test]
fn a_websocket_is_carried() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        support::pause(Duration::from_millis(50));
        peer.tell(&format!("early: {}", peer.has_more()));
        peer.send(&YES.replace("Accept: x", "Accept: x\r\nKeep-Alive: timeout=5\r\nContent-Length: 0"))?;
        peer.send("hello")?;
        peer.echo()
    });
    let mut setup = Setup::before(&upstream);
    setup.records = true;
    let mut world = setup.start();
    let mut connection = world.connect();
    connection.send(&format!("{ASK}frames"));
    let answer = connection.answer(true);
    assert_eq!(answer.status, 101);
    for (name, value) in
        [("upgrade", Some("websocket")), ("connection", Some("Upgrade")), ("sec-websocket-accept", Some("x"))]
    {
        assert_eq!(answer.header(name), value, "{answer:?}");
        assert_eq!(answer.head.to_ascii_lowercase().matches(&format!("\r\n{name}:")).count(), 1, "{answer:?}");
    }
    assert_eq!((answer.header("keep-alive"), answer.header("content-length")), (None, None));
    let request = upstream.next();
    assert!(request.starts_with("GET /public/ws HTTP/1.1\r\n"), "{request}");
    assert_eq!((header(&request, "upgrade"), header(&request, "connection")), (Some("websocket"), Some("Upgrade")));
    assert_eq!(header(&request, "sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    assert_eq!(upstream.next(), "early: false", "bytes went to an upstream that had not agreed");
    assert_eq!(connection.bytes(11).unwrap(), "helloframes");
    // Bytes that would be a request are none here.
    connection.send("GET /admin/x HTTP/1.1\r\n\r\n");
    assert_eq!(connection.bytes(25).unwrap(), "GET /admin/x HTTP/1.1\r\n\r\n");
    let record = world.records.take().unwrap().next_blocking().unwrap();
    assert_eq!((record.outcome, record.status), ("allowed", 101));
}

#[test]
fn whatever_else_is_asked_for_is_asked_of_nobody() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    let hand = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13";
    for (line, fields) in [
        (
            "GET / HTTP/1.1",
            "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        ),
        ("GET / HTTP/1.1", &format!("Upgrade: h2c\r\nConnection: Upgrade\r\n{hand}")),
        ("GET / HTTP/1.1", &format!("Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n{hand}")),
        ("GET / HTTP/1.1", &format!("Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{hand}")),
        ("GET / HTTP/1.1", &format!("Upgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n{hand}")),
        ("GET / HTTP/1.1", &format!("Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n{hand}")),
        ("GET / HTTP/1.1", &format!("Upgrade: websocket\r\n{hand}")),
        ("GET / HTTP/1.1", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"),
        (
            "GET / HTTP/1.1",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 8",
        ),
        ("GET / HTTP/1.0", &format!("Upgrade: websocket\r\nConnection: Upgrade\r\n{hand}")),
        ("POST / HTTP/1.1", &format!("Upgrade: websocket\r\nConnection: Upgrade\r\n{hand}")),
        ("GET / HTTP/1.1", &format!("Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n{hand}")),
    ] {
        let body = if fields.contains("Content-Length") { "xx" } else { "" };
        let line = line.replace(" / ", " /public/x ");
        let answer = world.connect().ask(&format!("{line}\r\nHost: api\r\n{fields}\r\n\r\n{body}"));
        assert_eq!(answer.body, "ok", "{fields}");
        let request = upstream.next();
        for gone in ["upgrade", "connection", "http2-settings"] {
            assert_eq!(header(&request, gone), None, "{request}");
        }
    }
}

#[test]
fn an_upstream_that_agrees_to_something_else_is_not_believed() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 9\r\n\r\n",
    ] {
        let world = Setup::before(&Upstream::answering(answer)).start();
        world.connect().ask(ASK).assert_problem(502, "UpstreamGarbage");
    }
    // Nor one that was asked for nothing.
    let world = Setup::before(&Upstream::answering(YES)).start();
    world.ask("GET /public/x HTTP/1.1\nHost: api").assert_problem(502, "UpstreamGarbage");
    world
        .ask("GET /public/x HTTP/1.1\nHost: api\nUpgrade: h2c\nConnection: Upgrade")
        .assert_problem(502, "UpstreamGarbage");
}

#[test]
fn an_upstream_that_refuses_answers() {
    let upstream = Upstream::answering(
        "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 99\r\nContent-Length: 2\r\n\r\nno",
    );
    let world = Setup::before(&upstream).start();
    let mut connection = world.connect();
    for _ in 0..2 {
        let answer = connection.ask(ASK);
        assert_eq!((answer.status, answer.body.as_str()), (426, "no"));
        assert_eq!(answer.header("sec-websocket-version"), Some("99"));
    }
    assert_eq!(upstream.connections(), 1, "both connections go on");
}

#[test]
fn a_websocket_needs_what_its_route_needs() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    world.connect().ask(&ASK.replace("/public/", "/api/")).assert_problem(401, "NoCredential");
    assert!(upstream.is_untouched());
}

#[test]
fn what_was_on_its_way_comes_before_an_end() {
    let leaving = agreeing(|peer| peer.send(&"x".repeat(300_000)));
    let world = Setup::before(&leaving).start();
    let mut connection = tunnel(&world);
    assert_eq!(connection.bytes(300_000).unwrap().len(), 300_000);
    assert!(connection.is_closed());

    let left = agreeing(|peer| {
        let said = peer.bytes(200_000)?;
        peer.tell(&said.len().to_string());
        peer.wait_for_end();
        peer.send("last")
    });
    let world = Setup::before(&left).start();
    let mut connection = tunnel(&world);
    connection.send(&"x".repeat(200_000));
    connection.finish_sending();
    left.next();
    assert_eq!([left.next(), left.next()], ["200000", "closed"]);
    assert_eq!(connection.bytes(4).unwrap(), "last", "the other direction may end what it has begun");
    assert!(connection.is_closed());
}

#[test]
fn one_side_does_not_outlast_the_other() {
    let stays = agreeing(|peer| {
        peer.wait_for_end();
        support::pause(Duration::from_secs(20));
        None
    });
    let world = Setup::before(&stays).start();
    let mut connection = tunnel(&world);
    connection.stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    connection.finish_sending();
    assert!(connection.is_closed());
}

#[test]
fn an_upstream_that_dies_ends_the_tunnel() {
    let dies = agreeing(|peer| {
        peer.bytes(1)?;
        // What was not read is answered with a reset.
        support::pause(Duration::from_millis(50));
        None
    });
    let world = Setup::before(&dies).start();
    let mut connection = tunnel(&world);
    connection.send(&"x".repeat(10_000));
    assert!(connection.is_closed());
}

#[test]
fn whoever_takes_slowly_is_sent_slowly() {
    let upstream = agreeing(|peer| {
        peer.stream.set_write_timeout(Some(Duration::from_millis(300))).ok()?;
        let (block, mut sent) = (vec![b'x'; 65_536], 0);
        while let Ok(count) = peer.stream.write(&block) {
            sent += count;
            assert!(sent < 64 << 20, "nobody held it back");
        }
        peer.tell(&sent.to_string());
        Some(())
    });
    let world = Setup::before(&upstream).start();
    let mut connection = tunnel(&world);
    upstream.next();
    let sent: usize = upstream.next().parse().unwrap();
    let mut got = Vec::new();
    connection.stream.read_to_end(&mut got).unwrap();
    // A few bytes may have come with the head, and were read with it.
    assert!(got.len() <= sent && got.len() + 8192 >= sent, "{} of {sent}", got.len());
}

#[test]
fn silence_is_bounded_by_its_own_limit() {
    let upstream = agreeing(Peer::echo);
    let world = Setup::before(&upstream).read_timeout(Duration::from_millis(100)).start();
    let mut connection = tunnel(&world);
    support::pause(Duration::from_millis(700));
    connection.send("alive");
    assert_eq!(connection.bytes(5).unwrap(), "alive");
    let short = Setup::before(&upstream).limits(|limits| limits.tunnel_timeout = Duration::from_millis(200)).start();
    assert!(tunnel(&short).is_closed());
}

#[test]
fn stopping_ends_tunnels_at_its_bound() {
    let upstream = agreeing(|peer| {
        peer.wait_for_end();
        None
    });
    let mut world = Setup::before(&upstream).start();
    let mut connection = tunnel(&world);
    upstream.next();
    world.stop(Duration::from_millis(100));
    assert!(connection.is_closed());
    assert_eq!(upstream.next(), "closed");
}
