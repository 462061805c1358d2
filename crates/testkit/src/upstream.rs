//! A recording upstream: it keeps the exact bytes of each request and answers what it was told to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A real HTTP server on a free port of this machine.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    /// Answers every request with 200 and a short body.
    pub fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nfrom upstream\n")
    }

    /// Answers every request with these bytes.
    pub fn answering(answer: &str) -> Self {
        Self::listening(answer, false)
    }

    /// Answers every request with these bytes, whole or not, and hangs up.
    pub fn hanging_up(answer: &str) -> Self {
        Self::listening(answer, true)
    }

    fn listening(answer: &str, hangs_up: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&requests), answer.as_bytes().to_vec());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, answer) = (Arc::clone(&kept), answer.clone());
                std::thread::spawn(move || serve(stream, &kept, &answer, hangs_up));
            }
        });
        Self { address, requests }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, head and body as they came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last request.
    pub fn last(&self) -> String {
        self.requests().pop().expect("a request came")
    }
}

/// Serves one connection until it ends. Bodies are read by their Content-Length; chunked ones are not understood here.
fn serve(mut stream: TcpStream, kept: &Mutex<Vec<String>>, answer: &[u8], hangs_up: bool) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            let mut buffer = [0; 8192];
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
                _ => return,
            }
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        let mut rest = bytes.split_off(end + 4);
        while rest.len() < length {
            let mut buffer = [0; 8192];
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => rest.extend_from_slice(&buffer[..count]),
                _ => return,
            }
        }
        bytes = rest.split_off(length);
        let request = format!("{head}\r\n\r\n{}", String::from_utf8_lossy(&rest));
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        if stream.write_all(answer).is_err() || hangs_up {
            return;
        }
    }
}
