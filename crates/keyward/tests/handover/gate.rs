//! An upstream that answers at once, but for what it is told to hold until it is released.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use keyward_testkit::client::{Answer, read_answer};

use super::connect;

/// Requests of this path are held.
const HELD: &str = "/held";

/// The upstream.
pub(crate) struct Gate {
    address: SocketAddr,
    held: Receiver<TcpStream>,
}

/// A request that is held, and whoever asked.
pub(crate) struct Held {
    client: TcpStream,
    upstream: TcpStream,
}

fn answer(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

impl Gate {
    /// One that says `open`.
    pub(crate) fn open() -> Self {
        Self::saying("open")
    }

    /// One that says something of its own.
    pub(crate) fn saying(text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (holding, held) = channel();
        let text = answer(text);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (holding, text) = (holding.clone(), text.clone());
                std::thread::spawn(move || {
                    let mut stream = stream;
                    while let Some(head) = head(&mut stream) {
                        if head.starts_with(&format!("GET {HELD} ")) {
                            let _ = holding.send(stream);
                            return;
                        }
                        if stream.write_all(text.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, held }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A request that has come here and is not answered.
    pub(crate) fn hold(&self, server: SocketAddr, key: &str) -> Held {
        let mut client = connect(server);
        client.write_all(format!("GET {HELD} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n").as_bytes()).unwrap();
        Held { client, upstream: self.held.recv().unwrap() }
    }
}

impl Held {
    /// Answers the request; what comes of it.
    pub(crate) fn release(mut self) -> Option<Answer> {
        self.upstream.write_all(answer("released").as_bytes()).ok()?;
        read_answer(&mut self.client, false)
    }
}

fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    String::from_utf8(head).ok()
}
