//! A raw HTTP/1.1 client: it sends the bytes that a test writes and reads answers off one connection.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// Asserts that Keyward itself answered, with a problem document of this status and reason.
    pub fn assert_problem(&self, status: u16, reason: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{self:?}");
        assert_eq!(problem["reason"], reason, "{self:?}");
        assert_eq!(problem["server"], "Keyward", "{self:?}");
        assert_eq!(problem["decision"].as_str(), self.header("keyward-decision"), "{self:?}");
    }
}

pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find(|(one, _)| one.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// One connection.
pub struct Connection {
    pub stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    pub fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).unwrap();
    }

    pub fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        self.answer(request.starts_with("HEAD "))
    }

    /// The answer; `None` when the connection ends before it does.
    pub fn try_ask(&mut self, request: &str) -> Option<Answer> {
        self.send(request);
        self.try_answer(false)
    }

    pub fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    pub fn answer(&mut self, bodiless: bool) -> Answer {
        self.try_answer(bodiless).expect("an answer")
    }

    /// The next answer; `None` when the connection ends first.
    pub fn try_answer(&mut self, bodiless: bool) -> Option<Answer> {
        let end = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if bodiless || status == 204 || status == 100 {
            Vec::new()
        } else if header(&head, "transfer-encoding").is_some() {
            self.chunks()?
        } else if let Some(length) = header(&head, "content-length") {
            self.take(length.parse().unwrap())?
        } else {
            while self.more() {}
            std::mem::take(&mut self.read)
        };
        Some(Answer { status, head, body: String::from_utf8(body).unwrap() })
    }

    /// Whether the other side closes without sending anything more.
    pub fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more()
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.until(b"\r\n")?;
            let size = String::from_utf8(self.read.drain(..end).collect()).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            body.extend(self.take(size)?);
            self.take(2)?;
            if size == 0 {
                return Some(body);
            }
        }
    }

    /// So many bytes as they come; `None` when the connection ends first.
    pub fn bytes(&mut self, count: usize) -> Option<String> {
        self.take(count).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            if !self.more() {
                return None;
            }
        }
        Some(self.read.drain(..count).collect())
    }

    fn until(&mut self, pattern: &[u8]) -> Option<usize> {
        loop {
            if let Some(at) = self.read.windows(pattern.len()).position(|window| window == pattern) {
                return Some(at + pattern.len());
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 8192];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.read.extend_from_slice(&buffer[..count]);
                count > 0
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came in time: {error}"),
        }
    }
}
