//! What runs for longer than the old process has: it is cut so that nobody takes it for whole, and it is recorded.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use keyward_testkit::certificates::Authority;
use keyward_testkit::client::read_answer;
use keyward_testkit::decided::{decisions, sum};
use keyward_testkit::world::{text, until};
use tungstenite::handshake::client::generate_key;
use tungstenite::{Message, WebSocket};

use super::load::trusting;
use super::{ask, connect, hand_over, starting, world};

/// By the path: a WebSocket that sends back what it gets, the beginning of an answer in chunks or with a length, nothing at all, or
/// a whole answer. And the paths as they come.
fn upstream() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asking, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let asking = asking.clone();
            std::thread::spawn(move || serve(stream, &asking));
        }
    });
    (address, asked)
}

fn serve(mut stream: TcpStream, asking: &Sender<String>) {
    let mut seen = [0; 4096];
    let path = until("a head", || {
        let count = stream.peek(&mut seen).ok()?;
        let head = String::from_utf8_lossy(&seen[..count]).into_owned();
        (count == 0 || head.contains("\r\n\r\n")).then(|| head.split(' ').nth(1).unwrap_or_default().to_owned())
    });
    let _ = asking.send(path.clone());
    if path == "/websocket" {
        let Ok(mut socket) = tungstenite::accept(stream) else { return };
        while let Ok(message) = socket.read() {
            if !message.is_close() && socket.send(message).is_err() {
                return;
            }
        }
        return;
    }
    let answer = match path.as_str() {
        "/chunks" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
        "/length" => "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npart",
        "/nothing" => "",
        _ => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole",
    };
    let _ = stream.write_all(answer.as_bytes());
    if path.len() > 1 && path != "/x" {
        // Until it is hung up on.
        while stream.read(&mut seen).is_ok_and(|count| count > 0) {}
    }
}

fn websocket(address: SocketAddr, key: &str) -> WebSocket<TcpStream> {
    let request = http::Request::get(format!("ws://{address}/websocket"))
        .header("Host", "api")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", generate_key())
        .header("Sec-WebSocket-Version", "13")
        .header("X-API-Key", key);
    let mut socket = tungstenite::client(request.body(()).unwrap(), connect(address)).unwrap().0;
    socket.send(Message::text("hello")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("hello"));
    socket
}

/// Asks for an answer that begins and goes on.
fn begun(address: SocketAddr, path: &str, key: &str) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: api\r\nX-API-Key: {key}\r\n\r\n").as_bytes()).unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"part") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        seen.extend(byte);
    }
    stream
}

/// Half of a handshake is there when the core closes, and the rest has a few seconds: a try in which this machine was slower saw
/// nothing.
#[test]
fn a_handshake_that_has_begun_is_finished() {
    assert!((0..3).any(|_| finishes_a_handshake()));
}

fn finishes_a_handshake() -> bool {
    let authority = Authority::new("test");
    let mut world = world("server: {tls: {enabled: true, cert_file: server.pem, key_file: server.key}}\n");
    authority.issue(&["api.test"]).write(&world.path(""), "server");
    world.start(&[]);
    let (key, address) = (world.key("k", &[]), world.server().data);
    let config = trusting(&authority, b"http/1.1");
    let mut session = rustls::ClientConnection::new(config, "api.test".try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    let (first, rest) = hello.split_at(hello.len() / 2);
    let mut socket = connect(address);
    socket.write_all(first).unwrap();
    // In the clear, on each core, so that it has accepted the other as well, and closes when these are closed.
    let mut idle: Vec<_> = (0..16).map(|_| connect(address)).collect();
    for one in &mut idle {
        assert_eq!(ask(one, "/x", &key, false).unwrap().status, 200);
    }
    let old = world.take_server();
    std::thread::scope(|scope| {
        let next = starting(scope, &world, &[]);
        for mut one in idle {
            assert_eq!(one.read(&mut [0]).unwrap_or_default(), 0);
        }
        let _ = socket.write_all(rest);
        let request = format!("GET /x HTTP/1.1\r\nHost: api.test\r\nX-API-Key: {key}\r\n\r\n");
        let mut stream = rustls::Stream::new(&mut session, &mut socket);
        let asked = stream.write_all(request.as_bytes()).is_ok();
        let status = asked.then(|| read_answer(&mut stream, false)).flatten().map(|answer| answer.status);
        assert!(old.ends());
        assert!(next.join().unwrap().is_ok());
        status == Some(200)
    })
}

#[test]
fn what_outlives_the_old_process_is_cut_and_recorded() {
    let (api, asked) = upstream();
    let yaml = format!("upstream: {{url: 'http://{api}'}}\nserver: {{limits: {{drain: 300ms}}}}\n");
    let mut world = world(&yaml).serve(&[]);
    let made = world.key_json("made", &[]);
    let (key, address) = (text(&made, "key"), world.server().data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut send, connection) = h2::client::handshake(socket).await.unwrap();
        let driving = tokio::spawn(connection);
        let request = http::Request::get("http://api/chunks").header("x-api-key", &key).body(()).unwrap();
        let (_, mut body) = send.send_request(request, true).unwrap().0.await.unwrap().into_parts();
        assert_eq!(body.data().await.unwrap().unwrap(), "part");
        let (key, made) = (key.clone(), made.clone());
        let handed = tokio::task::spawn_blocking(move || {
            let mut socket = websocket(address, &key);
            let mut streams = ["/chunks", "/length"].map(|path| begun(address, path, &key));
            let mut unanswered = connect(address);
            unanswered
                .write_all(format!("GET /nothing HTTP/1.1\r\nHost: api\r\nX-API-Key: {key}\r\n\r\n").as_bytes())
                .unwrap();
            assert!(asked.iter().any(|path| path == "/nothing"));
            hand_over(&mut world);
            assert!(socket.read().is_err(), "no farewell, and no message");
            for stream in &mut streams {
                let mut rest = String::new();
                let _ = stream.read_to_string(&mut rest);
                assert!(!rest.contains("0\r\n\r\n") && rest.len() < 4, "{rest:?}");
            }
            assert!(read_answer(&mut unanswered, false).is_none());
            assert_eq!(ask(&mut connect(address), "/x", &key, true).unwrap().text(), "whole");
            drop(websocket(address, &key));
            let id = text(&made, "id");
            let all = until("every decision", || {
                let all = decisions(&world, &["--credential", &id]);
                (sum(&all) == 7).then_some(all)
            });
            let gone = all.iter().filter(|one| one["outcome"] == "ClientGone");
            assert_eq!(sum(&gone.cloned().collect::<Vec<_>>()), 1, "{all:?}");
        });
        // Before the end of its stream, so that nobody takes it for whole.
        assert!(matches!(body.data().await, Some(Err(_))));
        handed.await.unwrap();
        let _ = driving.await;
    });
}
