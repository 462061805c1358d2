//! A raw HTTP/1.1 client: it sends exactly the bytes that a test writes and reads one answer.

use std::io::{Read, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header fields in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }
}

/// Sends bytes over a new connection and reads the answer; `None` when the connection ended without one.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    stream.write_all(request).ok()?;
    let head_only = request.starts_with(b"HEAD ");
    read_answer(&mut stream, head_only)
}

/// As [`exchange`], from another address of this machine.
pub fn exchange_from(source: IpAddr, address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None).ok()?;
    socket.bind(&SocketAddr::new(source, 0).into()).ok()?;
    socket.connect(&address.into()).ok()?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    stream.write_all(request).ok()?;
    read_answer(&mut stream, false)
}

/// Reads one answer from a connection.
pub fn read_answer(stream: &mut (impl Read + ?Sized), head_only: bool) -> Option<Answer> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at;
        }
        read_more(stream, &mut bytes)?;
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    let mut rest = bytes.split_off(head_end + 4);
    if head_only || status == 204 || status == 304 {
        return Some(answer);
    }
    if answer.header("transfer-encoding").is_some() {
        answer.body = read_chunks(stream, &mut rest)?;
    } else if let Some(length) = answer.header("content-length").and_then(|text| text.parse::<usize>().ok()) {
        while rest.len() < length {
            read_more(stream, &mut rest)?;
        }
        rest.truncate(length);
        answer.body = rest;
    } else {
        while read_more(stream, &mut rest).is_some() {}
        answer.body = rest;
    }
    Some(answer)
}

fn read_chunks(stream: &mut (impl Read + ?Sized), rest: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = loop {
            if let Some(at) = find(rest, b"\r\n") {
                break at;
            }
            read_more(stream, rest)?;
        };
        let size =
            usize::from_str_radix(String::from_utf8_lossy(&rest[..line_end]).split(';').next()?.trim(), 16).ok()?;
        while rest.len() < line_end + 2 + size + 2 {
            read_more(stream, rest)?;
        }
        body.extend_from_slice(&rest[line_end + 2..line_end + 2 + size]);
        rest.drain(..line_end + 2 + size + 2);
        if size == 0 {
            return Some(body);
        }
    }
}

fn read_more(stream: &mut (impl Read + ?Sized), bytes: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 8192];
    let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
    bytes.extend_from_slice(&buffer[..count]);
    Some(())
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}
