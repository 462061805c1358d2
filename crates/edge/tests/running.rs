//! What runs is judged again: it ends when its credential, or the rules, would not let it pass any more.
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

use keyward_core::time::Timestamp;
use keyward_engine::ports::Joined;
use support::client::Connection;
use support::store::Mood;
use support::upstream::{Peer, Upstream};
use support::{STATIC_KEY, Setup, World};

/// From the moment that a node knows of a change: a tick, and what the machine needs on a bad day.
const BOUND: Duration = Duration::from_secs(2);

/// Events without end; or a WebSocket that says nothing.
fn endless() -> Upstream {
    Upstream::scripted(|peer| {
        let request = peer.request()?;
        if request.contains("Upgrade:") || request.contains("upgrade:") {
            peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhi")?;
            peer.wait_for_end();
            return None;
        }
        peer.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        )?;
        peer.wait_for_end();
        None
    })
}

/// A stream that has begun.
fn begin(world: &World, path: &str, fields: &str) -> Connection {
    let mut connection = world.connect();
    connection
        .send(&format!("GET {path} HTTP/1.1\r\nHost: api\r\n{}\r\n\r\n", fields.replace("$KEY", &world.store.key)));
    assert!([101, 200].contains(&connection.answer(true).status));
    connection
}

/// That the connection ends in time, and not as a body does.
fn ends(connection: &mut Connection, what: &str) {
    connection.stream.set_read_timeout(Some(BOUND)).unwrap();
    let mut rest = String::new();
    while let Some(byte) = connection.bytes(1) {
        rest.push_str(&byte);
    }
    assert!(!rest.contains("0\r\n\r\n"), "{what}: {rest:?} is a whole body");
}

const KEY: &str = "X-Api-Key: $KEY";
const WEBSOCKET: &str =
    "X-Api-Key: $KEY\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13";

type Change = fn(&mut Joined, Option<Timestamp>);

#[test]
fn a_stream_ends_with_its_credential() {
    let past = || Some(Timestamp::from_millis(1));
    let changes: [(&str, Change); 6] = [
        ("revoked", |joined, at| joined.key.revoked_at = at),
        ("disabled", |joined, at| joined.key.disabled_at = at),
        ("expired", |joined, at| joined.key.expires_at = at),
        ("its owner paused", |joined, at| joined.owner.disabled_at = at),
        ("its owner's roles taken away", |joined, _| joined.owner.roles.clear()),
        ("its addresses others", |joined, _| joined.key.allowed_ips = vec!["192.0.2.0/24".parse().unwrap()]),
    ];
    for (what, change) in changes {
        let upstream = endless();
        let world = Setup::before(&upstream).start();
        let mut streams = [begin(&world, "/orders/x", KEY), begin(&world, "/orders/x", WEBSOCKET)];
        let mut other = begin(&world, "/orders/x", &format!("X-Api-Key: {STATIC_KEY}"));
        for _ in 0..3 {
            upstream.next();
        }
        world.change(5, |joined| change(joined, past()));
        for stream in &mut streams {
            ends(stream, what);
            assert_eq!(upstream.next(), "closed", "{what}: the upstream hears of it");
        }
        // Others feel nothing.
        other.stream.set_read_timeout(Some(Duration::from_millis(600))).unwrap();
        assert_eq!(other.bytes(5).unwrap(), "2\r\nhi");
        let quiet = std::io::Read::read(&mut other.stream, &mut [0]).unwrap_err();
        assert_eq!(quiet.kind(), std::io::ErrorKind::WouldBlock, "{what}");
    }
}

#[test]
fn a_request_that_waits_for_its_answer_ends_too() {
    let upstream = Upstream::scripted(|peer: &mut Peer| {
        peer.wait_for("abc")?;
        peer.tell("begun");
        peer.wait_for_end();
        None
    });
    let mut setup = Setup::before(&upstream);
    setup.records = true;
    let mut world = setup.start();
    let mut connection = world.connect();
    let head =
        format!("POST /api/x HTTP/1.1\r\nHost: api\r\nX-Api-Key: {}\r\nTransfer-Encoding: chunked", world.store.key);
    connection.send(&format!("{head}\r\n\r\n3\r\nabc\r\n"));
    assert_eq!(upstream.next(), "begun");
    world.change(5, |joined| joined.key.revoked_at = Some(Timestamp::from_millis(1)));
    assert_eq!(upstream.next(), "closed");
    let record = world.records.take().unwrap().next_blocking().unwrap();
    assert_eq!((record.outcome, record.detail.as_deref(), record.status), ("Ended", Some("revoked"), 499));
}

#[test]
fn what_cannot_be_found_out_passes_nobody_on() {
    let upstream = endless();
    let world = Setup::before(&upstream).start();
    let mut stream = begin(&world, "/api/x", KEY);
    let mut public = begin(&world, "/public/x", "");
    world.store.be(Mood::Failing);
    // Something above the key changed: what, only the store knows.
    world.touch(5, "user_1");
    ends(&mut stream, "a store that fails");
    assert_eq!(public.bytes(5).unwrap(), "2\r\nhi");
    public.stream.set_read_timeout(Some(Duration::from_millis(600))).unwrap();
    assert!(std::io::Read::read(&mut public.stream, &mut [0]).is_err(), "a public stream rests on no credential");
}

#[test]
fn a_stream_goes_on_where_nothing_speaks_against_it() {
    let upstream = endless();
    let world = Setup::before(&upstream).start();
    let mut stream = begin(&world, "/api/x", KEY);
    assert_eq!(stream.bytes(5).unwrap(), "2\r\nhi");
    world.change(5, |joined| joined.key.name = "renamed".into());
    world.configure(|rules| rules.default_scopes = None);
    stream.stream.set_read_timeout(Some(Duration::from_millis(2500))).unwrap();
    let quiet = std::io::Read::read(&mut stream.stream, &mut [0]).unwrap_err();
    assert_eq!(quiet.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn other_rules_end_what_they_would_not_let_pass() {
    let upstream = endless();
    let world = Setup::before(&upstream).start();
    let mut streams = [begin(&world, "/api/x", KEY), begin(&world, "/public/x", "")];
    world.configure(|rules| rules.routes = keyward_core::route::Routes::new(Vec::new(), Vec::new()));
    for stream in &mut streams {
        ends(stream, "routes that are gone");
    }
}
