//! An upstream that keeps every byte of each connection, and reads them with another parser than ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use httparse::Status;

/// A request as somebody read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub method: String,
    pub target: String,
    pub body: Vec<u8>,
}

/// What one connection held.
#[derive(Debug, Default)]
pub struct Held {
    pub whole: Vec<Sent>,
    /// What follows, if it is the beginning of one more.
    pub cut: Option<Sent>,
}

/// The upstream. It answers each whole request with 204.
pub struct Recorder {
    pub address: SocketAddr,
    ends: Arc<AtomicBool>,
    connections: Receiver<Vec<u8>>,
}

impl Recorder {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, connections) = channel();
        let ends = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&ends);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ending.load(Ordering::SeqCst) {
                    return;
                }
                let told = told.clone();
                std::thread::spawn(move || record(stream, &told));
            }
        });
        Self { address, ends, connections }
    }

    /// Waits until every connection has ended, and gives the bytes of each. Whoever connected must have hung up.
    pub fn finish(self) -> Vec<Vec<u8>> {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        self.connections.iter().filter(|bytes| !bytes.is_empty()).collect()
    }
}

fn record(mut stream: TcpStream, told: &Sender<Vec<u8>>) {
    let (mut bytes, mut answered, mut buffer) = (Vec::new(), 0, [0; 65536]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        let whole = read(&bytes).map_or(0, |held| held.whole.len());
        for _ in answered..whole {
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
        }
        answered = answered.max(whole);
    }
    let _ = told.send(bytes);
}

/// Reads all bytes of a connection: every one belongs to a request.
///
/// # Errors
/// What is no request.
pub fn read(mut bytes: &[u8]) -> Result<Held, String> {
    let mut held = Held::default();
    while !bytes.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 200];
        let mut head = httparse::Request::new(&mut fields);
        let length = match head.parse(bytes).map_err(|error| format!("{error} in {}", bytes.escape_ascii()))? {
            Status::Complete(length) => length,
            Status::Partial => {
                held.cut = Some(Sent::default());
                break;
            }
        };
        assert_plain(&bytes[..length]);
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mut sent = Sent { method: text(head.method), target: text(head.path), body: Vec::new() };
        let rest = &bytes[length..];
        let Some(taken) = body(head.headers, rest, &mut sent.body)? else {
            held.cut = Some(sent);
            break;
        };
        bytes = &rest[taken..];
        held.whole.push(sent);
    }
    Ok(held)
}

/// No byte that other readers take for a line end, and at most one framing, which is the plainest.
fn assert_plain(head: &[u8]) {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut framings = 0;
    for line in text.split("\r\n") {
        assert!(!line.contains(['\r', '\n', '\0']) && !line.starts_with([' ', '\t']), "{text}");
        let name: String =
            line.split(':').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
        framings += usize::from(name == "contentlength" || name == "transferencoding");
    }
    assert!(framings <= 1, "{text}");
}

/// Reads a body into `out`: how many bytes it took, `None` where its end has not come.
fn body(fields: &[httparse::Header<'_>], bytes: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, String> {
    let value = |name: &str| fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value);
    if let Some(coding) = value("transfer-encoding") {
        assert_eq!(coding, b"chunked");
        return chunks(bytes, out);
    }
    let length = value("content-length").map_or(0, |value| std::str::from_utf8(value).unwrap().parse().unwrap());
    out.extend_from_slice(&bytes[..length.min(bytes.len())]);
    Ok((bytes.len() >= length).then_some(length))
}

fn chunks(bytes: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, String> {
    let mut at = 0;
    loop {
        let (line, size) = match httparse::parse_chunk_size(&bytes[at..]).map_err(|_| "no size".to_owned())? {
            Status::Complete((line, size)) => (line, usize::try_from(size).unwrap()),
            Status::Partial => return Ok(None),
        };
        at += line;
        let here = size.min(bytes.len() - at);
        out.extend_from_slice(&bytes[at..at + here]);
        let Some(end) = bytes.get(at + size..at + size + 2) else { return Ok(None) };
        if end != b"\r\n" {
            return Err(format!("a chunk that goes on: {}", bytes[at..].escape_ascii()));
        }
        at += size + 2;
        if size == 0 {
            return Ok(Some(at));
        }
    }
}
