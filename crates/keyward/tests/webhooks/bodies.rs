//! Bodies under a signature: however they are framed, when they are asked for, and how much of them waits.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use keyward_testkit::client::{exchange, read_answer};
use keyward_testkit::world::{World, until};

use crate::{BODY, STRIPE, now, post, refused, sign, status, world};

/// An upstream that keeps each request byte for byte, up to the end of its body.
fn raw_upstream() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut bytes = Vec::new();
            let is_whole = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                length.map_or(body.ends_with("0\r\n\r\n"), |length| body.len() == length)
            };
            let mut buffer = [0; 65536];
            while !is_whole(&bytes) {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            // Keyward looks whether somebody is there before it says so.
            if bytes.is_empty() {
                continue;
            }
            let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (url, seen)
}

/// The data of a body in chunks.
fn unchunk(mut text: &str) -> String {
    let mut data = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        data.push_str(&rest[..size]);
        text = &rest[(size + 2).min(rest.len())..];
    }
    data
}

#[test]
fn chunks_a_length_and_http_2_are_checked_alike_and_go_on_as_they_came() {
    let (url, seen) = raw_upstream();
    let world = world().serve(&["--upstream", &url]);
    let address = world.server().data;
    let body = format!("{{\"text\": \"{}\"}}", "x".repeat(40_000));
    let ways: [(&str, Vec<usize>); 4] = [
        ("length", vec![]),
        ("one chunk", vec![body.len()]),
        ("chunks", vec![7, 1, 20_000, 20_000]),
        ("small", vec![100; 500]),
    ];
    // Counted from one moment, so that no two are signed alike: the second of them would be a delivery that came again.
    let begun = now();
    for (turn, (way, sizes)) in ways.into_iter().enumerate() {
        let signed = sign("stripe", STRIPE, &body, begun - i64::try_from(turn).unwrap()).join("\r\n");
        let head = format!("POST /stripe HTTP/1.1\r\nHost: {address}\r\n{signed}\r\nConnection: close\r\n");
        let framed = |body: &str| {
            if sizes.is_empty() {
                return format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
            }
            let (mut text, mut rest) = (format!("{head}Transfer-Encoding: chunked\r\n\r\n"), body);
            for size in sizes.iter().chain([&body.len()]) {
                let (chunk, more) = rest.split_at((*size).min(rest.len()));
                if !chunk.is_empty() {
                    text.push_str(&format!("{:x};a=b\r\n{chunk}\r\n", chunk.len()));
                }
                rest = more;
            }
            text + "0\r\n\r\n"
        };
        let wrong = framed(&body.replacen('x', "y", 1));
        assert_eq!(exchange(address, wrong.as_bytes()).unwrap().status, 401, "{way}");
        assert_eq!(exchange(address, framed(&body).as_bytes()).unwrap().status, 200, "{way}");
        let request = seen.recv().unwrap();
        let (head, got) = request.split_once("\r\n\r\n").unwrap();
        let got = if head.contains("chunked") { unchunk(got) } else { got.to_owned() };
        assert_eq!(got, body, "{way}");
    }
    let file = world.path("body");
    std::fs::write(&file, &body).unwrap();
    for (off, way) in [(10, "--data-binary"), (11, "--upload-file")] {
        let signed = sign("stripe", STRIPE, &body, begun - off);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--http2-prior-knowledge", "--max-time", "20", "--output", "/dev/null"]);
        curl.args(["--write-out", "%{http_code}", "--request", "POST", "--header", &signed[0]]);
        // From its stdin it does not know how much there is.
        let what = if way == "--upload-file" { "-".to_owned() } else { format!("@{}", file.display()) };
        curl.args([way, &what, &format!("http://{address}/stripe")]).stdin(std::fs::File::open(&file).unwrap());
        let output = curl.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "200", "HTTP/2, {way}");
        assert!(seen.recv().unwrap().contains(&body[..100]));
    }
}

/// Sends the parts of a request one after the other, each once the server has said a text; all that it said.
fn conversation(world: &World, parts: &[(&str, &str)]) -> String {
    let mut stream = TcpStream::connect(world.server().data).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut said = String::new();
    for (part, awaited) in parts {
        stream.write_all(part.as_bytes()).unwrap();
        while !said.contains(awaited) {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "it said {said}");
            said.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }
    said
}

#[test]
fn who_asks_before_it_sends_is_answered_once() {
    let (url, _seen) = raw_upstream();
    let world = world().serve(&["--upstream", &url]);
    let signed = sign("stripe", STRIPE, BODY, now());
    let length = BODY.len();
    let head = |length: usize| {
        format!(
            "POST /stripe HTTP/1.1\r\nHost: x\r\n{}\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n",
            signed[0]
        )
    };
    let said = conversation(&world, &[(&head(length), "100 Continue\r\n\r\n"), (BODY, "200 OK")]);
    assert_eq!(said.matches("100 Continue").count(), 1, "{said}");
    // Who is refused anyway is not asked for its body.
    let said = conversation(&world, &[(&head(64 * 1024 + 1), "HTTP/1.1 413 ")]);
    assert!(!said.contains("100 Continue"), "{said}");
    let unsigned = head(length).replace("Stripe-", "Other-");
    let said = conversation(&world, &[(&unsigned, "HTTP/1.1 401 ")]);
    assert!(!said.contains("100 Continue"), "{said}");
}

#[test]
fn bodies_are_bounded_one_by_one_and_all_together() {
    let world = world().serve(&[]);
    let address = world.server().data;
    let signed = sign("stripe", STRIPE, BODY, now());
    let large = "x".repeat(64 * 1024 + 1);
    assert_eq!(status(&post(&world, "/stripe", &signed, &large)), refused(413, "TooLarge"));
    let chunked = |path: &str, chunk: &str, count: usize| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{}\r\nTransfer-Encoding: chunked\r\n\r\n", signed[0]);
        head + &format!("{:x}\r\n{chunk}\r\n", chunk.len()).repeat(count)
    };
    // It ends as soon as it is too large, and does not wait for the end.
    for (chunk, count) in [(large.as_str(), 1), (&large[..1000], 66), ("x", 60_000)] {
        assert_eq!(exchange(address, chunked("/stripe", chunk, count).as_bytes()).unwrap().status, 413, "{count}");
    }
    // Many that never end, of one caller: some wait, and who comes after them is told to come again.
    let part = chunked("/large", &"x".repeat(900_000), 1);
    let send = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        // The server may refuse before it has read all.
        let _ = stream.write_all(part.as_bytes());
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let mut slow: Vec<TcpStream> = (0..40).map(send).collect();
    let is_answered = |stream: &TcpStream| stream.peek(&mut [0]).is_ok_and(|count| count > 0);
    until("refusals", || (slow.iter().filter(|one| is_answered(one)).count() >= 20).then_some(()));
    let waiting = slow.iter().filter(|one| !is_answered(one)).count();
    assert!(waiting >= 8, "{waiting} bodies of 900 kB fit into 16 MiB");
    for stream in slow.iter_mut().filter(|one| is_answered(one)) {
        stream.set_nonblocking(false).unwrap();
        let answer = read_answer(stream, false).unwrap();
        assert_eq!(status(&answer), refused(503, "Unavailable"), "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
    // What is small needs no room of theirs.
    assert_eq!(post(&world, "/stripe", &signed, BODY).status, 200);
    drop(slow);
    let signed = sign("stripe", STRIPE, &"y".repeat(900_000), now());
    until("room again", || {
        let answer = post(&world, "/large", &signed, &"y".repeat(900_000));
        (answer.status == 200).then_some(())
    });
}
