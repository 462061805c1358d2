//! Floods of HTTP/2: each ends its connection, or waits in its client's own socket, and nobody else notices.
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
use support::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, block, frame,
};
use support::upstream::Upstream;

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", "api"), (":path", "/public/x")];
const POST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "http"), (":authority", "api"), (":path", "/public/x")];

/// What is sent in one round of a flood.
type Round = fn(u32) -> Vec<u8>;

const FLOODS: [(&str, Round); 5] = [
    // CVE-2023-44487
    ("rapid reset", |round| {
        let stream = round * 2 + 1;
        let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&GET)), reset].concat()
    }),
    // CVE-2025-8671
    ("made you reset", |round| frame(HEADERS, END_HEADERS | END_STREAM, round * 2 + 1, &block(&[(":method", "GET")]))),
    // CVE-2024-27316
    ("continuation", |round| {
        let kind = if round == 0 { HEADERS } else { CONTINUATION };
        frame(kind, 0, 1, &block(&[("x", &"y".repeat(120))]).repeat(100))
    }),
    ("empty continuation", |round| match round {
        0 => frame(HEADERS, 0, 1, &block(&GET[..1])),
        _ => frame(CONTINUATION, 0, 1, &[]),
    }),
    // RUSTSEC-2026-0258
    ("empty data", |round| match round {
        0 => frame(HEADERS, END_HEADERS, 1, &block(&POST)),
        _ => frame(DATA, 0, 1, &[]),
    }),
];

#[test]
fn floods_end_the_connection() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    for (name, flood) in FLOODS {
        let mut client = Frames::to(world.address);
        let mut is_over = false;
        let mut batch = Vec::new();
        for round in 0..20_000_u32 {
            batch.extend_from_slice(&flood(round));
            if batch.len() > 32 * 1024 {
                is_over = is_over || !client.send(&batch);
                batch.clear();
            }
        }
        client.send(&batch);
        let end = client.until(&[GOAWAY]);
        assert!(is_over || end.is_some_and(|end| end.code() != 0), "{name}");
    }
    // The others are served on.
    assert_eq!(world.get("/api/x").status, 200);
}

#[test]
fn settings_and_pings_are_answered_one_by_one() {
    let world = Setup::demo().start();
    let mut client = Frames::to(world.address);
    client.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    // A client that reads none of the answers is read no further: what would wait for it waits in its own socket.
    let batch = [frame(SETTINGS, 0, 0, &[]), frame(PING, 0, 0, &[1; 8])].concat().repeat(2000);
    let mut sent = 0;
    while sent < 512 * 1024 * 1024 && client.send(&batch) {
        sent += batch.len();
    }
    assert!(sent < 512 * 1024 * 1024, "all of it was taken");
    assert_eq!(world.get("/api/x").status, 200);
}

#[test]
fn a_client_that_takes_nothing_holds_no_stream() {
    let setup = Setup::demo().read_timeout(Duration::from_millis(200));
    let world = setup.limits(|limits| limits.idle_timeout = Duration::from_millis(200)).start();
    let mut client = Frames::to(world.address);
    // SETTINGS_INITIAL_WINDOW_SIZE: nothing at all.
    client.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
    client.headers(1, END_STREAM, &GET);
    assert_eq!(client.outcome(), "200");
    let end = client.until(&[RST_STREAM, GOAWAY, DATA]).expect("an end of it");
    assert!(end.kind == RST_STREAM && end.stream == 1, "{end:?}");
    assert_eq!(client.until(&[GOAWAY]).expect("an end of the connection").code(), 0);
}
