//! What runs for long, end to end: WebSockets by a library that others use, events, calls with trailers; and how they end when
//! their credential, their user or their route does.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use keyward_testkit::client::exchange;
use keyward_testkit::world::{World, until};
use tungstenite::handshake::client::generate_key;
use tungstenite::{Message, WebSocket};

/// From the moment that a command has returned: a tick of half a second, or a second where only time has passed, and what a
/// loaded machine needs.
const BOUND: Duration = Duration::from_secs(4);

/// Runs a script for each connection on a port of its own.
fn upstream(script: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let script = script.clone();
            std::thread::spawn(move || script(stream));
        }
    });
    address
}

/// A WebSocket server that sends back what it gets.
fn echo() -> SocketAddr {
    upstream(|stream| {
        let Ok(mut socket) = tungstenite::accept(stream) else { return };
        while let Ok(message) = socket.read() {
            // A farewell is answered by the library, at the next read.
            if !message.is_close() && socket.send(message).is_err() {
                return;
            }
        }
    })
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap_or_default(), 1, "{}", String::from_utf8_lossy(&head));
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

/// A server of events: one at once, and then none.
fn events() -> SocketAddr {
    upstream(|mut stream| {
        read_head(&mut stream);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = stream.write_all(format!("{head}9\r\ndata: 1\n\n\r\n").as_bytes());
        let _ = stream.read(&mut [0]);
    })
}

fn world(upstream: SocketAddr, more: &str, flags: &[&str]) -> World {
    let yaml = format!("upstream: {{url: 'http://{upstream}'}}\n{more}");
    World::new(env!("CARGO_BIN_EXE_keyward")).config(&yaml).serve(flags)
}

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.server().data).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn websocket(world: &World, path: &str, key: Option<&str>) -> WebSocket<TcpStream> {
    let mut request = http::Request::get(format!("ws://{}{path}", world.server().data))
        .header("Host", "api")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", generate_key())
        .header("Sec-WebSocket-Version", "13");
    if let Some(key) = key {
        request = request.header("X-API-Key", key);
    }
    tungstenite::client(request.body(()).unwrap(), connect(world)).unwrap().0
}

fn echoes(socket: &mut WebSocket<TcpStream>, text: &str) {
    socket.send(Message::text(text)).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text(text));
}

/// A stream of events whose first one has come.
fn listen(world: &World, key: &str) -> TcpStream {
    let mut stream = connect(world);
    stream.write_all(format!("GET /api/events HTTP/1.1\r\nHost: api\r\nX-API-Key: {key}\r\n\r\n").as_bytes()).unwrap();
    assert!(read_head(&mut stream).starts_with("HTTP/1.1 200"));
    let mut event = [0; 12];
    stream.read_exact(&mut event).unwrap();
    assert_eq!(&event, b"9\r\ndata: 1\n\n");
    stream
}

/// That a stream is cut in time, without the chunk that would end it.
fn is_cut(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(BOUND)).unwrap();
    let mut rest = Vec::new();
    in_time(stream.read_to_end(&mut rest));
    assert!(!rest.windows(5).any(|end| end == b"0\r\n\r\n"), "{}", String::from_utf8_lossy(&rest));
}

/// Whether it ended or broke off, it did not have to be waited for.
fn in_time<T>(read: std::io::Result<T>) {
    let late = read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!late, "it goes on");
}

fn lasts(stream: &mut TcpStream, span: Duration) {
    stream.set_read_timeout(Some(span)).unwrap();
    let quiet = stream.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(quiet, Err(std::io::ErrorKind::WouldBlock), "it ended");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
}

fn ended(world: &World, reason: &str, count: u64) {
    let line = format!("keyward_streams_ended_total{{reason=\"{reason}\"}} {count}\n");
    let scrape = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    until(&line, || exchange(world.server().admin, scrape).unwrap().text().contains(&line).then_some(()));
}

#[test]
fn a_websocket_passes_and_ends_when_its_key_is_revoked() {
    let world = world(echo(), "", &["--public", "/ws"]);
    let (doomed, other) = (world.key_json("doomed", &[]), world.key("other", &[]));
    let key = doomed["key"].as_str().unwrap();
    let mut sockets = [
        websocket(&world, "/api/ws", Some(key)),
        websocket(&world, "/api/ws", Some(&other)),
        websocket(&world, "/ws", None),
    ];
    for (socket, text) in sockets.iter_mut().zip(["one", "two", "three"]) {
        echoes(socket, text);
    }
    echoes(&mut sockets[1], &"x".repeat(1 << 20));
    world.ok(&["key", "revoke", doomed["id"].as_str().unwrap()]);
    is_cut(sockets[0].get_mut());
    echoes(&mut sockets[1], "still here");
    echoes(&mut sockets[2], "and here");
    ended(&world, "revoked", 1);
    sockets[1].close(None).unwrap();
    assert!(sockets[1].read().unwrap().is_close(), "the upstream's own farewell comes through");
}

#[test]
fn a_stream_ends_when_its_key_expires() {
    let world = world(events(), "", &[]);
    let mut stream = listen(&world, &world.key("short", &["--expires", "3s"]));
    stream.set_read_timeout(Some(Duration::from_secs(3) + BOUND)).unwrap();
    in_time(stream.read_to_end(&mut Vec::new()));
    ended(&world, "expired", 1);
}

#[test]
fn a_stream_ends_with_its_user_and_is_charged_once() {
    let limits = "limits: {once: {per: key, requests: 1, window: 1h}}\n\
        routes: [{name: api, path: '/api/**', limits: [once]}]\n";
    let world = world(events(), limits, &[]);
    world.user("ada", &["admin"]);
    let key = world.key("hers", &["--owner", "ada"]);
    let mut stream = listen(&world, &key);
    assert_eq!(world.get("/api/events", &key).status, 429);
    lasts(&mut stream, Duration::from_secs(3));
    world.ok(&["user", "disable", "ada"]);
    is_cut(&mut stream);
    ended(&world, "disabled", 1);
}

#[test]
fn a_stream_ends_when_its_route_asks_for_more_or_is_gone() {
    let routes = |scopes: &str| format!("routes: [{{name: api, path: '/api/**', scopes: [{scopes}]}}]\n");
    let upstream = events();
    let world = world(upstream, &routes("orders:read"), &[]);
    let reader = world.key("reader", &["--scopes", "orders:read"]);
    let (mut stream, mut other) = (listen(&world, &reader), listen(&world, &world.key("all", &[])));
    let reload = |yaml: &str| {
        std::fs::write(world.path("keyward.yaml"), format!("upstream: {{url: 'http://{upstream}'}}\n{yaml}")).unwrap();
        let told = Command::new("kill").arg("-HUP").arg(world.server().id().to_string()).status().unwrap();
        assert!(told.success());
    };
    reload(&routes("orders:write"));
    is_cut(&mut stream);
    ended(&world, "forbidden", 1);
    lasts(&mut other, Duration::from_millis(1500));
    reload("routes: [{name: other, path: /other}]\n");
    is_cut(&mut other);
    ended(&world, "unrouted", 1);
}

#[test]
fn a_call_with_trailers_passes() {
    let upstream = upstream(|mut stream| {
        let head = read_head(&mut stream).to_ascii_lowercase();
        let mut body = Vec::new();
        while !body.ends_with(b"x-sum: 5\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap_or_default() == 0 {
                return;
            }
            body.extend(byte);
        }
        let asked = head.contains("\r\nte: trailers\r\n") && !String::from_utf8_lossy(&body).contains("stolen");
        let status = if asked { 0 } else { 13 };
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n";
        let end = format!("5\r\nhello\r\n0\r\ngrpc-status: {status}\r\nKeyward-Decision: forged\r\n\r\n");
        let _ = stream.write_all(format!("{answer}{end}").as_bytes());
    });
    let world = world(upstream, "", &[]);
    let key = world.key("caller", &[]);
    let mut stream = connect(&world);
    let head =
        format!("POST /svc/Call HTTP/1.1\r\nHost: api\r\nX-API-Key: {key}\r\nConnection: TE, close\r\nTE: trailers");
    let body = "5\r\nhello\r\n0\r\nX-Api-Key: stolen\r\nKeyward-Principal: stolen\r\nx-sum: 5\r\n\r\n";
    stream.write_all(format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("5\r\nhello\r\n0\r\ngrpc-status: 0\r\n\r\n"), "{answer}");
}
