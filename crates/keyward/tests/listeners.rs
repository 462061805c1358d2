//! Where callers come in: a socket file in place of the port, and the PROXY protocol before the first byte.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use keyward_testkit::certificates::Authority;
use keyward_testkit::client::{Answer, exchange, read_answer};
use keyward_testkit::world::{World, until};

const OPEN: &str = "routes: [{name: open, path: /open, public: true}, {name: all, path: /**}]\n";

fn at_socket(yaml: &str) -> World {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let path = world.path("k.sock").display().to_string();
    world.config(&yaml.replace("SOCKET", &path))
}

/// What curl gets through the socket file.
fn curl(world: &World, arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "20", "-w", "\n%{http_code}", "--unix-socket"]).arg(world.path("k.sock"));
    let output = command.args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_socket_file_takes_the_place_of_the_port() {
    let mut world = at_socket(&format!("{OPEN}server: {{socket: SOCKET}}\n")).serve(&[]);
    let key = world.key("k", &[]);
    let socket = world.path("k.sock");
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o660);
    let said = curl(&world, &["http://localhost/open"]);
    assert!(said.ends_with("\n200") && said.contains("\"x-forwarded-for\": \"127.0.0.1\""), "{said}");
    assert!(curl(&world, &["http://localhost/x"]).ends_with("\n401"));
    assert!(curl(&world, &["-H", &format!("X-API-Key: {key}"), "http://localhost/x"]).ends_with("\n200"));
    // Nobody is believed about callers there unless that was asked for.
    let said = curl(&world, &["-H", "X-Forwarded-For: 192.0.2.1", "http://localhost/open"]);
    assert!(said.contains("\"x-forwarded-for\": \"127.0.0.1\""), "{said}");
    // As a start after a crash finds it; a live one is left alone.
    let second =
        World::new(env!("CARGO_BIN_EXE_keyward")).config(&format!("server: {{socket: {}}}\n", socket.display()));
    let written = second.try_start(&[]).err().unwrap();
    assert!(written.contains("another program listens there") && written.contains("server.socket"), "{written}");
    world.take_server().kill();
    assert!(socket.exists());
    world.start(&[]);
    assert!(curl(&world, &["http://localhost/open"]).ends_with("\n200"));
    world.stop();
    assert!(!socket.exists(), "it goes with the server");
    std::fs::write(&socket, "somebody's").unwrap();
    let written = world.try_start(&[]).err().unwrap();
    assert!(written.contains("no socket"), "{written}");
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "somebody's");
}

#[test]
fn a_proxy_at_the_socket_is_believed_where_this_machine_is() {
    let yaml = format!("{OPEN}ip: {{deny: [192.0.2.1]}}\nserver: {{socket: SOCKET, trusted_proxies: [127.0.0.1]}}\n");
    let world = at_socket(&yaml).serve(&[]);
    assert!(curl(&world, &["-H", "X-Forwarded-For: 192.0.2.1", "http://localhost/open"]).ends_with("\n403"));
    assert!(curl(&world, &["-H", "X-Forwarded-For: 192.0.2.2", "http://localhost/open"]).ends_with("\n200"));
}

const LISTS: &str = "ip: {deny: [192.0.2.66, \"2001:db8::/32\"]}\n";

fn proxied(server: &str) -> World {
    let yaml = format!("{OPEN}{LISTS}server: {{client_address: proxy-protocol, {server}}}\n");
    World::new(env!("CARGO_BIN_EXE_keyward")).config(&yaml).serve(&[])
}

/// Sends bytes before a request; `None` is a connection that was closed without a word.
fn behind(world: &World, header: &[u8], fields: &str) -> Option<Answer> {
    let request = format!("GET /open HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
    let mut stream = TcpStream::connect(world.server().data).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Byte by byte, as a network may deliver them.
    for byte in header {
        // It may have been closed at an earlier one.
        if stream.write_all(&[*byte]).is_err() {
            return None;
        }
    }
    let _ = stream.write_all(request.as_bytes());
    read_answer(&mut stream, false)
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[command, family], &length, rest].concat()
}

#[test]
fn a_trusted_proxy_says_who_calls_before_anything_else() {
    let world = proxied("trusted_proxies: [127.0.0.1]");
    let six = |text: &str| [&text.parse::<std::net::Ipv6Addr>().unwrap().octets()[..], &[0; 20]].concat();
    let table: [(Vec<u8>, Option<u16>); 14] = [
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n".into(), Some(200)),
        (b"PROXY TCP4 192.0.2.66 198.51.100.1 1 2\r\n".into(), Some(403)),
        (b"PROXY TCP6 ::ffff:192.0.2.66 ::1 1 2\r\n".into(), Some(403)),
        (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n".into(), Some(403)),
        (v2(0x21, 0x11, &[192, 0, 2, 66, 1, 1, 1, 1, 0, 1, 0, 2]), Some(403)),
        (v2(0x21, 0x11, &[192, 0, 2, 1, 1, 1, 1, 1, 0, 1, 0, 2, 4, 0, 1, 0]), Some(200)),
        (v2(0x21, 0x21, &six("::ffff:192.0.2.66")), Some(403)),
        (v2(0x21, 0x21, &six("2001:db9::1")), Some(200)),
        (v2(0x20, 0, &[]), Some(200)),
        (v2(0x21, 0, &[]), None),
        (b"PROXY UNKNOWN\r\n".into(), None),
        (b"PROXY TCP4 192.0.2.1\r\n".into(), None),
        (b"".into(), None),
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\nPROXY TCP4 192.0.2.2 198.51.100.1 1 2\r\n".into(), Some(400)),
    ];
    for (header, status) in &table {
        let answer = behind(&world, header, "");
        assert_eq!(answer.map(|answer| answer.status), *status, "{:?}", String::from_utf8_lossy(header));
    }
    // No header of HTTP says otherwise.
    let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n";
    let answer = behind(&world, line, "X-Forwarded-For: 192.0.2.66\r\nX-Forwarded-Proto: https\r\n").unwrap();
    assert_eq!(answer.json()["headers"]["x-forwarded-for"], "192.0.2.1");
    assert_eq!(answer.json()["headers"]["x-forwarded-proto"], "http");
    until("closed ones are counted", || {
        let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let page = exchange(world.server().admin, request).unwrap().text();
        page.contains("keyward_connections_refused_total{why=\"proxy_protocol\"} 4\n").then_some(())
    });
}

#[test]
fn anybody_elses_header_is_no_request() {
    let world = proxied("trusted_proxies: [192.0.2.0/28]");
    let answer = behind(&world, b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n", "");
    assert_eq!(answer.unwrap().status, 400);
    let answer = behind(&world, &v2(0x21, 0x11, &[192, 0, 2, 1, 1, 1, 1, 1, 0, 1, 0, 2]), "");
    assert_eq!(answer.unwrap().status, 400);
    assert_eq!(behind(&world, b"", "").unwrap().status, 200);
}

#[test]
fn a_handshake_follows_the_proxys_header() {
    let world = World::new(env!("CARGO_BIN_EXE_keyward"));
    let authority = Authority::new("test");
    std::fs::write(world.path("ca.pem"), &authority.certificate).unwrap();
    authority.issue(&["api.test"]).write(&world.path(""), "server");
    let tls = "tls: {enabled: true, require: true, cert_file: server.pem, key_file: server.key}";
    let yaml =
        format!("{OPEN}{LISTS}server: {{client_address: proxy-protocol, trusted_proxies: [127.0.0.1], {tls}}}\n");
    let world = world.config(&yaml).serve(&[]);
    let port = world.server().data.port();
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "20", "--cacert"]).arg(world.path("ca.pem"));
        command.args(["--resolve", &format!("api.test:{port}:127.0.0.1"), &format!("https://api.test:{port}/open")]);
        command.args(arguments).output().unwrap()
    };
    let said = String::from_utf8(curl(&["--haproxy-protocol"]).stdout).unwrap();
    assert!(said.contains("\"x-forwarded-proto\": \"https\""), "{said}");
    assert!(!curl(&[]).status.success(), "a handshake is no header");
    let clear = behind(&world, b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n", "").unwrap();
    assert_eq!(clear.status, 403);
}
