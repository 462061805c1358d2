//! Heads and trailers from one version into the other.

use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request as Made, Response as MadeResponse};
use keyward_core::fields::Fields;

use super::{answer, carries, request, trailer_section, trailers, upstream_answer, upstream_request};
use crate::h1::lines::{Lines, Most};
use crate::h1::request::Request;
use crate::h1::response::Response;

const MOST: Most = Most { bytes: 4096, fields: 100 };

fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut map = HeaderMap::new();
    for (name, value) in fields.iter().map(field) {
        map.append(name, value);
    }
    map
}

/// What a request becomes, or why it does not.
fn written(method: &str, uri: &str, ends: bool, fields: &[(&'static str, &'static str)]) -> String {
    let mut made = Made::builder().method(method).uri(uri).body(()).unwrap();
    *made.headers_mut() = map(fields);
    match request(&made.into_parts().0, ends) {
        Ok((head, framing)) => {
            let text = String::from_utf8(head).unwrap();
            // It is what the one reader of heads takes it for.
            let mut lines = Lines::default();
            assert_eq!(lines.advance(text.as_bytes(), MOST), Ok(Some(text.len())), "{text}");
            let read = Request::read(&lines, text.as_bytes()).unwrap();
            assert_eq!((read.method.as_str(), read.framing), (method, framing), "{text}");
            text.trim_end().replace("\r\n", " | ")
        }
        Err(fault) => format!("{fault:?}"),
    }
}

#[test]
fn request_table() {
    for (method, uri, ends, fields, expected) in [
        ("GET", "http://a/x?y=%2F", true, &[("x-a", "b")][..], "GET /x?y=%2F HTTP/1.1 | host: a | x-a: b"),
        ("GET", "https://a:1/", true, &[("host", "A:1")], "GET / HTTP/1.1 | host: a:1"),
        ("POST", "http://a/", false, &[], "POST / HTTP/1.1 | host: a | transfer-encoding: chunked"),
        ("POST", "http://a/", false, &[("content-length", "5")], "POST / HTTP/1.1 | host: a | content-length: 5"),
        ("POST", "http://a/", true, &[("content-length", "0")], "POST / HTTP/1.1 | host: a | content-length: 0"),
        (
            "GET",
            "http://a/",
            true,
            &[("cookie", "a=1"), ("x", ""), ("cookie", "b=2")],
            "GET / HTTP/1.1 | host: a | x:  | cookie: a=1; b=2",
        ),
        ("GET", "http://a/", true, &[("te", "trailers")], "GET / HTTP/1.1 | host: a | te: trailers"),
        ("GET", "/x", true, &[("host", "a")], "NoHost"),
        ("GET", "ftp://a/", true, &[], "Target"),
        ("GET", "http://u@a/", true, &[], "BadHost"),
        ("GET", "http://u:p@a/", true, &[], "BadHost"),
        ("GET", "http://a;b/", true, &[], "BadHost"),
        ("GET", "http://a/", true, &[("host", "b")], "OtherHost"),
        ("GET", "http://a/", true, &[("host", "a:80")], "OtherHost"),
        ("GET", "http://a/", true, &[("host", "a"), ("host", "a")], "TwoHosts"),
        ("CONNECT", "http://a/", true, &[], "Connect"),
        ("CONNECT", "a:1", true, &[], "Connect"),
        ("GET", "http://a/", true, &[("content-length", "5")], "Length"),
        ("GET", "http://a/", false, &[("content-length", "5"), ("content-length", "5")], "Length"),
        ("GET", "http://a/", false, &[("content-length", "+5")], "Length"),
        ("GET", "http://a/", false, &[("content-length", "05")], "Length"),
        ("GET", "http://a/", false, &[("transfer-encoding", "chunked")], "OfConnection"),
        ("GET", "http://a/", true, &[("connection", "close")], "OfConnection"),
        ("GET", "http://a/", true, &[("keep-alive", "x")], "OfConnection"),
        ("GET", "http://a/", true, &[("proxy-connection", "x")], "OfConnection"),
        ("GET", "http://a/", true, &[("upgrade", "websocket")], "OfConnection"),
        ("GET", "http://a/", true, &[("te", "gzip")], "OfConnection"),
        ("GET", "http://a/", true, &[("te", "trailers"), ("te", "gzip")], "OfConnection"),
        ("GET", "http://a/", true, &[("x-a", " b")], "Blank"),
        ("GET", "http://a/", true, &[("x-a", "b\t")], "Blank"),
        ("GET", "http://a/", true, &[("cookie", "b ")], "Blank"),
    ] {
        assert_eq!(written(method, uri, ends, fields), expected, "{method} {uri} {fields:?}");
    }
}

#[test]
fn an_upstream_gets_what_was_judged_or_nothing() {
    let read = |text: &str, scheme: Scheme| {
        let mut lines = Lines::default();
        assert_eq!(lines.advance(text.as_bytes(), MOST), Ok(Some(text.len())), "{text}");
        let request = Request::read(&lines, text.as_bytes()).unwrap();
        let made = upstream_request(&request, scheme);
        // Whoever asks beforehand is told so; what asks for another protocol would arrive as if it did not.
        assert_eq!(carries(&request), made.is_ok() && request.upgrade.is_none(), "{text}");
        made.map(|made| {
            let fields: Vec<String> =
                made.headers().iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
            format!("{} {} {}", made.method(), made.uri(), fields.join(" "))
        })
    };
    let head = |target: &str, rest: &str| format!("POST {target} HTTP/1.1\r\nHost: a:1\r\n{rest}\r\n");
    for (target, rest, expected) in [
        ("/x?y=%2f", "X-A: b\r\nTE: trailers\r\n", "POST http://a:1/x?y=%2f x-a=b te=trailers"),
        ("/public/{x}|\"^", "", "POST http://a:1/public/{x}|\"^ "),
        ("//x", "Transfer-Encoding: chunked\r\n", "POST http://a:1//x "),
        ("/", "Content-Length: 3\r\nConnection: x\r\nUpgrade: h2c\r\n", "POST http://a:1/ content-length=3"),
    ] {
        assert_eq!(read(&head(target, rest), Scheme::HTTP).as_deref(), Ok(expected), "{target}");
        let secured = expected.replace("http:", "https:");
        assert_eq!(read(&head(target, rest), Scheme::HTTPS), Ok(secured), "{target}");
    }
    assert!(read(&head("/<x>", ""), Scheme::HTTP).is_err());
    assert!(read("GET / HTTP/1.1\r\nHost: a%b\r\n\r\n", Scheme::HTTP).is_err());
    let websocket =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n";
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{websocket}\r\n");
    assert_eq!(
        read(&head, Scheme::HTTPS).as_deref(),
        Ok("GET https://a/ sec-websocket-version=13 sec-websocket-key=x")
    );
}

#[test]
fn answers_there_and_back() {
    let text = "HTTP/1.1 200 OK\r\nConnection: x\r\nKeep-Alive: 1\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n";
    let mut lines = Lines::default();
    lines.advance(text.as_bytes(), MOST).unwrap();
    let made = answer(&Response::read(&lines, text.as_bytes(), &Method::GET).unwrap()).unwrap();
    assert_eq!(made.headers(), &map(&[("x-a", "b")]));

    let back = |status: u16, ends: bool, method: &str, fields| {
        let mut made = MadeResponse::builder().status(status).body(()).unwrap();
        *made.headers_mut() = map(fields);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let written = upstream_answer(&made.into_parts().0, ends, &method);
        written.map(|(head, framing)| {
            format!("{} {framing:?}", String::from_utf8(head).unwrap().trim_end().replace("\r\n", " | "))
        })
    };
    for (status, ends, method, fields, expected) in [
        (200, false, "GET", &[("x-a", "b")][..], "HTTP/1.1 200 OK | x-a: b | transfer-encoding: chunked Chunked"),
        (200, false, "GET", &[("content-length", "3")], "HTTP/1.1 200 OK | content-length: 3 Length(3)"),
        (200, true, "GET", &[], "HTTP/1.1 200 OK | content-length: 0 Length(0)"),
        (200, true, "HEAD", &[("content-length", "3")], "HTTP/1.1 200 OK | content-length: 3 Empty"),
        (204, true, "GET", &[], "HTTP/1.1 204 No Content Empty"),
        (304, true, "GET", &[("connection", "x")], "HTTP/1.1 304 Not Modified Empty"),
    ] {
        assert_eq!(back(status, ends, method, fields).as_deref(), Ok(expected));
    }
    assert!(back(200, false, "GET", &[("content-length", "3"), ("content-length", "4")]).is_err());
}

#[test]
fn trailers_lose_what_frames_a_message() {
    let all = map(&[
        ("grpc-status", "0"),
        ("content-length", "3"),
        ("transfer-encoding", "chunked"),
        ("host", "b"),
        ("connection", "x"),
        ("grpc-message", "fine"),
    ]);
    let mut out = Vec::new();
    trailer_section(&mut out, &all);
    assert_eq!(String::from_utf8(out).unwrap(), "0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n");
    assert_eq!(trailers(Fields::Map(&all)).unwrap(), map(&[("grpc-status", "0"), ("grpc-message", "fine")]));
}
