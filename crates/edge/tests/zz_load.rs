//! throw-away
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]
mod support;
use std::io::{Read, Write};
use support::{Setup, upstream::Upstream};
fn cpu() -> (u64, u64) {
    let mut sum = (0, 0);
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        let Ok(stat) = std::fs::read_to_string(path.join("stat")) else { continue };
        if !stat.contains("keyward-edge") {
            continue;
        }
        let rest: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        sum.0 += rest[11].parse::<u64>().unwrap();
        sum.1 += rest[12].parse::<u64>().unwrap();
    }
    sum
}
#[test]
#[ignore]
fn load() {
    let upstream = Upstream::scripted(|peer| {
        let mut buffer = [0; 65536];
        loop {
            let count = peer.stream.read(&mut buffer).ok()?;
            if count == 0 {
                return None;
            }
            peer.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\nContent-Length: 13\r\n\r\nHello, world!").ok()?;
        }
    });
    let mut setup = Setup::before(&upstream);
    setup.records = std::env::args().any(|a| a == "never");
    let world = setup.start();
    for (name, head) in [
        ("public", format!("GET /public/x HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n")),
        (
            "key",
            format!(
                "GET /api/x HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: wrk\r\nAccept: */*\r\nX-Api-Key: {}\r\n\r\n",
                world.store.key
            ),
        ),
        ("denied", format!("GET /api/x HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n")),
    ] {
        for _ in 0..3 {
            let before = cpu();
            let n = 3000;
            let threads: Vec<_> = (0..16)
                .map(|_| {
                    let (address, head) = (world.address, head.clone());
                    std::thread::spawn(move || {
                        let mut stream = std::net::TcpStream::connect(address).unwrap();
                        stream.set_nodelay(true).unwrap();
                        let mut buffer = [0; 65536];
                        for _ in 0..n {
                            stream.write_all(head.as_bytes()).unwrap();
                            assert!(stream.read(&mut buffer).unwrap() > 0);
                        }
                    })
                })
                .collect();
            for t in threads {
                t.join().unwrap()
            }
            let after = cpu();
            let total = (16 * n) as f64;
            println!(
                "{name}: {:.1} us/req (user {:.1} sys {:.1}) conns {}",
                ((after.0 - before.0) + (after.1 - before.1)) as f64 * 10_000.0 / total,
                (after.0 - before.0) as f64 * 1e4 / total,
                (after.1 - before.1) as f64 * 1e4 / total,
                upstream.connections()
            );
        }
    }
}
