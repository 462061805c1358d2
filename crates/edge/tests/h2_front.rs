//! HTTP/2 from clients: what is judged and forwarded of each stream, what is refused, and what becomes of connections.
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
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use support::client::header;
use support::frames::{DATA, END_STREAM, Frames, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, frame};
use support::h2::{ask, with};
use support::upstream::Upstream;
use support::{Setup, World};

fn get(world: &World, path: &str) -> http::request::Builder {
    Request::get(format!("http://api{path}")).header("x-api-key", &world.store.key)
}

#[test]
fn a_stream_is_judged_and_forwarded_as_a_request_of_http_1() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-A: b\r\n\r\nok",
    );
    let world = Setup::before(&upstream).start();
    with(world.address, async |send| {
        let asked =
            get(&world, "/api/x?y=%2f").header("cookie", "a=1").header("cookie", "b=2").header("te", "trailers");
        let answer = ask(&send, asked, b"").await.unwrap();
        assert_eq!((answer.status, &*answer.body), (200, &b"ok"[..]), "{answer:?}");
        assert_eq!(answer.headers["x-a"], "b");
        assert!(!answer.headers.contains_key("x-hop") && answer.trailers.is_none(), "{answer:?}");
        let request = upstream.next();
        assert!(request.starts_with("GET /api/x?y=%2f HTTP/1.1\r\nhost: api\r\n"), "{request}");
        assert_eq!(header(&request, "cookie"), Some("a=1; b=2"), "{request}");
        assert_eq!(header(&request, "keyward-principal"), Some("user_1"), "{request}");
        assert!(!request.contains(&world.store.key) && header(&request, "transfer-encoding").is_none(), "{request}");

        let refused = ask(&send, Request::get("http://api/api/x"), b"").await.unwrap();
        assert_eq!(refused.status, 401);
        assert!(refused.headers.contains_key("www-authenticate"));
        assert!(upstream.is_untouched());

        let answer = ask(&send, Request::post("http://api/public/x"), b"abc").await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(upstream.next().ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
        let sized = Request::post("http://api/public/x").header("content-length", "3");
        assert_eq!(ask(&send, sized, b"abc").await.unwrap().status, 200);
        assert!(upstream.next().ends_with("content-length: 3\r\n\r\nabc"));
    });
}

#[test]
fn bodiless_answers_end_with_their_head() {
    for (answer, method, status) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", "HEAD", 200),
        ("HTTP/1.1 204 No Content\r\n\r\n", "GET", 204),
        ("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", "GET", 304),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", 200),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET", 200),
    ] {
        let upstream = Upstream::answering(answer);
        let world = Setup::before(&upstream).start();
        with(world.address, async |send| {
            let asked = Request::builder().method(method).uri("http://api/public/x");
            let answered = ask(&send, asked, b"").await.unwrap();
            assert_eq!((answered.status, answered.body.len()), (status, 0), "{answer}");
            if method == "HEAD" {
                assert_eq!(answered.headers["content-length"], "1234");
            }
        });
    }
}

#[test]
fn an_answer_that_breaks_off_is_no_whole_one() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxx\r\n",
    ] {
        let upstream = Upstream::scripted(move |peer| {
            peer.request()?;
            peer.send(answer)
        });
        let world = Setup::before(&upstream).start();
        with(world.address, async |send| {
            let error = ask(&send, get(&world, "/api/x"), b"").await.expect_err(answer);
            assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR), "{answer}");
        });
    }
}

#[test]
fn a_client_that_gives_up_gives_up_at_the_upstream() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.wait_for_end();
        Some(())
    });
    let world = Setup::before(&upstream).start();
    let mut client = Frames::to(world.address);
    client.headers(1, END_STREAM, &fields("/public/x"));
    upstream.next();
    client.send(&frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes()));
    assert_eq!(upstream.next(), "closed");
}

#[test]
fn no_stream_outlives_its_connection() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.wait_for_end();
        Some(())
    });
    let world = Setup::before(&upstream).start();
    let mut client = Frames::to(world.address);
    client.headers(1, END_STREAM, &fields("/public/x"));
    upstream.next();
    drop(client);
    assert_eq!(upstream.next(), "closed");
}

#[test]
fn large_bodies_flow_both_ways() {
    const SIZE: usize = 3 * 1024 * 1024;
    let upstream = Upstream::scripted(|peer| {
        let request = peer.request()?;
        let body = request.split_once("\r\n\r\n").unwrap().1;
        peer.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    });
    let world = Setup::before(&upstream).start();
    with(world.address, async |send| {
        let text: String = (0..SIZE / 8).map(|number| format!("{number:07}\n")).collect();
        let mut send = send.ready().await.unwrap();
        let request = Request::post("http://api/public/x").header("content-length", SIZE).body(()).unwrap();
        let (answer, mut stream) = send.send_request(request, false).unwrap();
        stream.send_data(Bytes::from(text.clone()), true).unwrap();
        let mut body = answer.await.unwrap().into_body();
        let mut got = Vec::new();
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            got.extend_from_slice(&data);
        }
        assert!(got == text.as_bytes(), "{} of {SIZE} bytes came back", got.len());
    });
}

#[test]
fn an_upload_that_nobody_takes_is_held_up() {
    let upstream = Upstream::scripted(|peer| {
        peer.wait_for("\r\n\r\n")?;
        peer.wait_for_go();
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let world = Setup::before(&upstream).start();
    with(world.address, async |send| {
        let mut send = send.ready().await.unwrap();
        let (_answer, mut stream) =
            send.send_request(Request::post("http://api/public/x").body(()).unwrap(), false).unwrap();
        // As long as the upstream takes nothing, what goes on is what sockets, pipe and window hold, and no more.
        let mut sent = 0;
        while sent < 64 * 1024 * 1024 {
            stream.reserve_capacity(16 * 1024);
            let room = std::future::poll_fn(|cx| stream.poll_capacity(cx));
            match tokio::time::timeout(Duration::from_millis(500), room).await {
                Ok(Some(Ok(room))) => {
                    stream.send_data(Bytes::from(vec![b'x'; room]), false).unwrap();
                    sent += room;
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => break,
            }
        }
        assert!(sent < 32 * 1024 * 1024, "{sent} bytes went on");
    });
}

#[test]
fn an_early_answer_leaves_the_rest_of_the_request() {
    let upstream = Upstream::scripted(|peer| {
        peer.wait_for("\r\n\r\n")?;
        peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno")
    });
    let world = Setup::before(&upstream).start();
    let mut client = Frames::to(world.address);
    client.headers(1, 0, &[(":method", "POST"), (":scheme", "http"), (":authority", "api"), (":path", "/public/x")]);
    assert_eq!(client.outcome(), "400");
    let mut seen = Vec::new();
    let reset = loop {
        match client.next().expect("a reset") {
            frame if frame.kind == RST_STREAM => break frame,
            frame => seen.push(frame),
        }
    };
    assert_eq!(reset.code(), 0, "{seen:?}");
    assert!(seen.iter().any(|frame| frame.kind == DATA && frame.flags & END_STREAM != 0), "{seen:?}");
}

/// A good request's pseudo-header fields.
fn fields(path: &str) -> [(&str, &str); 4] {
    [(":method", "GET"), (":scheme", "http"), (":authority", "api"), (":path", path)]
}

#[test]
fn malformed_requests_reach_nobody() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    // Fields as `name=value`, separated by blanks; `+` adds them to a good request, `~` replaces the value there, `-` takes a
    // field away. Then what becomes of the stream: 400 is Keyward's, RST 1 (PROTOCOL_ERROR) the library's.
    let mut wrong = Vec::new();
    for row in include_str!("tables/h2_requests.txt").lines() {
        if row.starts_with('#') || row.trim().is_empty() {
            continue;
        }
        let (text, expected) = row.rsplit_once(" => ").unwrap_or_else(|| panic!("two columns: {row}"));
        let text = text.replace("\\s", " ");
        let mut fields: Vec<(String, String)> =
            fields("/public/x").map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        for change in text.split('|').filter(|change| !change.is_empty()) {
            let (name, value) = change[1..].rsplit_once('=').unwrap_or((&change[1..], ""));
            match &change[..1] {
                "+" => fields.push((name.to_owned(), value.to_owned())),
                "^" => fields.insert(0, (name.to_owned(), value.to_owned())),
                "~" => fields.iter_mut().find(|(one, _)| one == name).unwrap().1 = value.to_owned(),
                "-" => fields.retain(|(one, _)| one != name),
                other => panic!("no such change: {other}"),
            }
        }
        let borrowed: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut client = Frames::to(world.address);
        client.headers(1, END_STREAM, &borrowed);
        let outcome = client.outcome();
        if outcome != expected {
            wrong.push(format!("{row}\n   got {outcome}"));
        }
        if expected == "200" {
            let request = upstream.next();
            assert!(request.starts_with("GET /public/x HTTP/1.1\r\nhost: api\r\n"), "{row}: {request}");
        }
        assert!(upstream.is_untouched(), "{row}");
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_length_is_the_length_of_the_data() {
    let upstream = Upstream::scripted(|peer| {
        peer.wait_for("\r\n\r\n")?;
        peer.wait_for_end();
        Some(())
    });
    let world = Setup::before(&upstream).start();
    let post = |length| {
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "api"),
            (":path", "/public/x"),
            ("content-length", length),
        ]
    };
    for (length, data) in [("2", "abc"), ("4", "abc"), ("0", "abc")] {
        let mut client = Frames::to(world.address);
        client.headers(1, 0, &post(length));
        client.send(&frame(DATA, END_STREAM, 1, data.as_bytes()));
        assert_eq!(client.outcome(), "RST 1", "{length} {data}");
    }
    for (length, more) in [("+3", None), ("03", None), ("3", Some(("content-length", "3")))] {
        let mut client = Frames::to(world.address);
        client.headers(1, 0, &post(length).into_iter().chain(more).collect::<Vec<_>>());
        client.send(&frame(DATA, END_STREAM, 1, b"abc"));
        let outcome = client.outcome();
        assert!(outcome == "400" || outcome == "RST 1", "{length}: {outcome}");
    }
}

#[test]
fn http_2_begins_connections_and_nothing_else() {
    let upstream = Upstream::ok();
    let world = Setup::before(&upstream).start();
    let mut connection = world.connect();
    assert_eq!(connection.ask("GET /public/x HTTP/1.1\r\nHost: api\r\n\r\n").status, 200);
    connection.send(std::str::from_utf8(PREFACE).unwrap());
    assert_eq!(connection.answer(false).status, 505);
    // Nor by an upgrade, which would hand over a request that was judged as another protocol's.
    let upgrade = "GET /public/x HTTP/1.1\r\nHost: api\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n";
    assert_eq!(world.connect().ask(upgrade).status, 200);
}

#[test]
fn a_slow_preface_and_an_idle_connection_are_ended() {
    let world = Setup::demo()
        .limits(|limits| {
            limits.header_timeout = Duration::from_millis(200);
            limits.idle_timeout = Duration::from_millis(300);
        })
        .start();
    let mut slow = TcpStream::connect(world.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    slow.write_all(b"PRI * HTTP/2.0\r\n\r\nSM").unwrap();
    // Settings at most, and the end.
    assert!(slow.read_to_end(&mut Vec::new()).unwrap() < 100);
    let mut idle = Frames::to(world.address);
    idle.headers(1, END_STREAM, &fields("/public/x"));
    assert_eq!(idle.outcome(), "200");
    // Pings do not keep it.
    idle.send(&frame(PING, 0, 0, &[0; 8]));
    let end = idle.until(&[GOAWAY]).expect("a GOAWAY");
    assert_eq!(end.code(), 0);
    while idle.next().is_some() {}
}

#[test]
fn draining_says_so_and_finishes_what_runs() {
    let upstream = Upstream::scripted(|peer| {
        peer.request()?;
        peer.wait_for_go();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let mut world = Setup::before(&upstream).start();
    let mut client = Frames::to(world.address);
    client.headers(1, END_STREAM, &fields("/public/x"));
    upstream.next();
    let stopping = std::thread::spawn(move || {
        world.stop(Duration::from_secs(20));
    });
    assert_eq!(client.until(&[GOAWAY]).expect("a GOAWAY").code(), 0);
    upstream.go();
    // The library asks by a ping whether what was on its way has come.
    let mut status = None;
    while let Some(next) = client.next() {
        match next.kind {
            PING if next.flags == 0 => drop(client.send(&frame(PING, 1, 0, &next.payload))),
            HEADERS => status = Some(next.status()),
            _ => {}
        }
    }
    assert_eq!(status, Some(200));
    stopping.join().unwrap();
}
