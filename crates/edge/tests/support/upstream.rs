//! An upstream that records the bytes it gets and does with each connection what a test tells it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The upstream.
pub struct Upstream {
    pub address: SocketAddr,
    heads: Receiver<String>,
    connections: Arc<Mutex<usize>>,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

/// A connection that Keyward opened, as a test's script sees it.
pub struct Peer {
    pub stream: TcpStream,
    /// Which connection this is, from 0.
    pub number: usize,
    read: Vec<u8>,
    told: std::sync::mpsc::Sender<String>,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Upstream {
    /// Runs a script for each connection, each in a thread of its own.
    pub fn scripted(script: impl Fn(&mut Peer) -> Option<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, heads) = channel();
        let connections = Arc::new(Mutex::new(0));
        let (count, script) = (Arc::clone(&connections), Arc::new(script));
        let gate: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let shared = Arc::clone(&gate);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = {
                    let mut count = count.lock().unwrap();
                    *count += 1;
                    *count - 1
                };
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let mut peer = Peer { stream, number, read: Vec::new(), told: told.clone(), gate: Arc::clone(&shared) };
                let script = Arc::clone(&script);
                std::thread::spawn(move || script(&mut peer));
            }
        });
        Self { address, heads, connections, gate }
    }

    /// Lets scripts go on that wait for it.
    pub fn go(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }

    /// Answers every request with these bytes.
    pub fn answering(answer: &'static str) -> Self {
        Self::scripted(move |peer| {
            loop {
                peer.request()?;
                peer.send(answer)?;
            }
        })
    }

    pub fn ok() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }

    /// The next request that came, head and body as bytes.
    pub fn next(&self) -> String {
        self.heads.recv_timeout(Duration::from_secs(60)).expect("a request came")
    }

    pub fn is_untouched(&self) -> bool {
        self.heads.try_recv().is_err()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Peer {
    /// Reads one request and tells the test; `None` when the connection ends.
    pub fn request(&mut self) -> Option<String> {
        let head_end = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8(self.read[..head_end].to_vec()).unwrap();
        let end = if super::client::header(&head, "transfer-encoding").is_some() {
            self.until(b"0\r\n\r\n")?
        } else {
            let length = super::client::header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
            while self.read.len() < head_end + length {
                self.more()?;
            }
            head_end + length
        };
        let request = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let _ = self.told.send(request.clone());
        Some(request)
    }

    /// Waits until these bytes have come; what was read so far.
    pub fn wait_for(&mut self, text: &str) -> Option<String> {
        let end = self.until(text.as_bytes())?;
        Some(String::from_utf8(self.read[..end].to_vec()).unwrap())
    }

    /// Waits until the test says so, or is over.
    pub fn wait_for_go(&self) {
        let mut may_go = self.gate.0.lock().unwrap();
        while !*may_go && Arc::strong_count(&self.gate) > 1 {
            may_go = self.gate.1.wait_timeout(may_go, Duration::from_millis(100)).unwrap().0;
        }
    }

    /// Waits until Keyward closes the connection.
    pub fn wait_for_end(&mut self) {
        while self.more().is_some() {}
        let _ = self.told.send("closed".to_owned());
    }

    /// So many bytes as they come.
    pub fn bytes(&mut self, count: usize) -> Option<String> {
        while self.read.len() < count {
            self.more()?;
        }
        Some(String::from_utf8(self.read.drain(..count).collect()).unwrap())
    }

    /// Whether something came that was not read yet.
    pub fn has_more(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let came = self.stream.peek(&mut [0]).is_ok();
        self.stream.set_nonblocking(false).unwrap();
        came || !self.read.is_empty()
    }

    /// Sends back what comes, until nothing does.
    pub fn echo(&mut self) -> Option<()> {
        loop {
            let bytes = std::mem::take(&mut self.read);
            self.stream.write_all(&bytes).ok()?;
            self.more()?;
        }
    }

    /// Tells the test something.
    pub fn tell(&self, text: &str) {
        let _ = self.told.send(text.to_owned());
    }

    pub fn send(&mut self, bytes: &str) -> Option<()> {
        self.stream.write_all(bytes.as_bytes()).ok()
    }

    fn until(&mut self, pattern: &[u8]) -> Option<usize> {
        loop {
            if let Some(at) = self.read.windows(pattern.len()).position(|window| window == pattern) {
                return Some(at + pattern.len());
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 65536];
        let count = self.stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        self.read.extend_from_slice(&buffer[..count]);
        Some(())
    }
}
