//! HTTP/2 through the real binary: long connections see revocations, own endpoints and records; floods cost no memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use keyward_testkit::curl::over_h2;
use keyward_testkit::upstream::Upstream;
use keyward_testkit::world::{World, text};

const BINARY: &str = env!("CARGO_BIN_EXE_keyward");

/// Runs a test with one connection of HTTP/2.
fn with<T>(world: &World, test: impl AsyncFnOnce(SendRequest<Bytes>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(world.server().data).await.unwrap();
        let (send, connection) = h2::client::handshake(socket).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        tokio::time::timeout(Duration::from_secs(60), test(send)).await.expect("in time")
    })
}

async fn status(send: &SendRequest<Bytes>, key: &str) -> u16 {
    let mut send = send.clone().ready().await.unwrap();
    let request = Request::get("http://api/x").header("x-api-key", key).body(()).unwrap();
    send.send_request(request, true).unwrap().0.await.unwrap().status().as_u16()
}

#[test]
fn a_key_revoked_within_a_long_connection_is_refused_in_the_next_stream() {
    let upstream = Upstream::start();
    let world = World::new(BINARY).serve(&["--upstream", &upstream.url()]);
    let key = world.key_json("k", &[]);
    let (id, key) = (text(&key, "id"), text(&key, "key"));
    with(&world, async |send| {
        for _ in 0..3 {
            assert_eq!(status(&send, &key).await, 200);
        }
        world.ok(&["key", "revoke", &id]);
        assert_eq!(status(&send, &key).await, 401);
        assert_eq!(upstream.requests().len(), 3);
    });
}

#[test]
fn everything_is_behind_the_same_door() {
    let upstream = Upstream::start();
    let world = World::new(BINARY).serve(&["--upstream", &upstream.url(), "--log", "json"]);
    let key = format!("X-API-Key: {}", world.key("k", &[]));
    let ask = |method: &str, target: &str, headers: &[&str]| over_h2(world.server().data, method, target, headers);
    let answer = ask("GET", "/x", &[&key]).unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "from upstream\n"));
    assert!(!upstream.last().contains(&key[11..]), "{}", upstream.last());
    assert_eq!(ask("GET", "/_keyward/health", &[]).unwrap().status, 200);
    assert_eq!(ask("GET", "/_keyward/usage", &[]).unwrap().status, 401);
    let refused = ask("GET", "/x", &[]).unwrap();
    assert_eq!((refused.status, refused.header("content-type")), (401, Some("application/problem+json")));
    let decision = refused.header("keyward-decision").unwrap().to_owned();
    assert!(world.ok(&["explain", &decision]).contains("NoCredential"), "its id leads to its record");
    // What the library lets pass and the door does not is recorded, too.
    let malformed = ask("GET", "/x", &[&key, "Host: user@api"]);
    assert!(malformed.is_none_or(|answer| answer.status == 400));
    assert_eq!(upstream.requests().len(), 1);
}

/// The memory of a process, in bytes.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[test]
fn floods_cost_no_memory() {
    let upstream = Upstream::start();
    let world = World::new(BINARY).serve(&["--upstream", &upstream.url(), "--public", "/**"]);
    let (key, id) = (world.key("k", &[]), world.server().id());
    assert_eq!(world.get("/x", &key).status, 200);
    let before = resident(id);
    // GET http api /x by indexed fields, and an authority of one letter.
    let good = [0x82, 0x86, 0x84, 0x01, 0x01, b'a'];
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(4, 0, 0, &[])].concat();
    let mut most = 0;
    for _ in 0..20 {
        let floods: [Vec<u8>; 5] = [
            (0..4000)
                .flat_map(|n| [frame(1, 5, n * 2 + 1, &good), frame(3, 0, n * 2 + 1, &[0, 0, 0, 8])].concat())
                .collect(),
            (0..4000)
                .flat_map(|n| frame(if n == 0 { 1 } else { 9 }, 0, 1, &[0x40, 1, b'x', 1, b'y'].repeat(100)))
                .collect(),
            (0..40_000).flat_map(|n| if n == 0 { frame(1, 4, 1, &good) } else { frame(0, 0, 1, &[]) }).collect(),
            (0..40_000).flat_map(|_| frame(4, 0, 0, &[])).collect(),
            (0..40_000).flat_map(|_| frame(6, 0, 0, &[7; 8])).collect(),
        ];
        for flood in floods {
            let mut stream = TcpStream::connect(world.server().data).unwrap();
            stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            let _ = stream.write_all(&preface);
            let _ = stream.write_all(&flood);
            most = most.max(resident(id));
            let _ = stream.read(&mut [0; 1024]);
        }
    }
    assert!(most < before + 64 * 1024 * 1024, "{} MiB more", (most - before) / 1024 / 1024);
    assert_eq!(world.get("/x", &key).status, 200);
}
