//! The end of an edge, and what it reports while it runs: uses and records.
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
use support::client::Connection;
use support::upstream::Upstream;

#[test]
fn stopping_lets_a_running_request_end() {
    let (go, may_go) = std::sync::mpsc::channel();
    let may_go = std::sync::Mutex::new(may_go);
    let upstream = Upstream::scripted(move |peer| {
        peer.request()?;
        may_go.lock().unwrap().recv().ok()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let mut world = Setup::before(&upstream).start();
    let (mut idle, mut fresh, mut running) = (world.connect(), world.connect(), world.connect());
    assert_eq!(idle.ask("GET /elsewhere HTTP/1.1\r\nHost: api\r\n\r\n").status, 404);
    running.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    upstream.next();
    let address = world.address;
    let stopped = std::thread::spawn(move || world.stop(Duration::from_secs(60)));
    assert!(idle.is_closed() && fresh.is_closed());
    go.send(()).unwrap();
    let answer = running.answer(false);
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("ok", Some("close")));
    stopped.join().unwrap();
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn stopping_waits_no_longer_than_it_is_told() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.wait_for_end();
        None
    });
    let mut world = Setup::before(&upstream).start();
    let mut running = world.connect();
    running.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    upstream.next();
    world.stop(Duration::from_millis(50));
    assert!(running.is_closed());
    assert_eq!(upstream.next(), "closed");
}

#[test]
fn who_connected_before_the_end_is_answered() {
    for _ in 0..8 {
        let mut setup = Setup::demo();
        let (connecting, connected) = std::sync::mpsc::channel();
        // Nobody accepts before the edge starts, and it is stopped at once.
        setup.before = Box::new(move |address| {
            for _ in 0..20 {
                let mut client = Connection::to(address);
                client.send("GET /elsewhere HTTP/1.1\r\nHost: api\r\n\r\n");
                connecting.send(client).unwrap();
            }
        });
        setup.start().stop(Duration::from_secs(60));
        for mut client in connected {
            assert_eq!(client.answer(false).status, 404);
        }
    }
}

#[test]
fn uses_of_keys_are_reported() {
    let mut world = Setup::demo().start();
    for _ in 0..3 {
        assert_eq!(world.get("/api/x").status, 200);
    }
    let uses = world.uses.blocking_recv().unwrap();
    assert_eq!(uses.iter().map(|one| &*one.id).collect::<Vec<_>>(), ["key_1"]);
}

#[test]
fn each_request_is_recorded_without_its_query() {
    let upstream = Upstream::ok();
    let mut setup = Setup::before(&upstream);
    setup.records = true;
    let mut world = setup.start();
    world.get("/api/x?token=secret");
    world.ask("GET /admin/x HTTP/1.1\nHost: api\nX-Api-Key: $KEY");
    world.ask("POST /api/x HTTP/1.1\nHost: api\nContent-Length: 0");
    world.ask("GET /nowhere/x HTTP/1.1\nHost: api");
    let mut records = world.records.take().unwrap();
    let lines: Vec<String> = (0..4)
        .map(|_| {
            let record = records.next_blocking().unwrap();
            let [route, detail, principal] =
                [record.route, record.detail, record.principal].map(|text| text.unwrap_or_default());
            let (method, path, outcome, status) = (record.method, record.path, record.outcome, record.status);
            format!("{method} {path} {status} {outcome} [{detail}] {route} {principal}")
        })
        .collect();
    assert_eq!(
        lines,
        [
            "GET /api/x 200 allowed [] /api/** user_1",
            "GET /admin/x 403 Forbidden [scope] /admin/** user_1",
            "POST /api/x 401 NoCredential [] /api/** ",
            "GET /nowhere/x 502 upstream unreachable [] /nowhere/** ",
        ]
    );
}

#[test]
fn a_client_that_hangs_up_is_recorded() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.wait_for_end();
        None
    });
    let mut setup = Setup::before(&upstream);
    setup.records = true;
    let mut world = setup.start();
    let mut connection = world.connect();
    connection.send("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n");
    upstream.next();
    drop(connection);
    let record = world.records.take().unwrap().next_blocking().unwrap();
    assert_eq!((record.outcome, record.status), ("ClientGone", 499));
}
