//! Callers that never try again what was begun: over each transport, with and without connections that they keep.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use keyward_testkit::certificates::Authority;
use keyward_testkit::client::read_answer;
use keyward_testkit::decided::{decisions, sum};
use keyward_testkit::world::{World, until};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::task::{LocalSet, spawn_local};

/// How long whoever waits for an answer waits: no measure of anything, but for a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);
/// Callers at once.
const CALLERS: usize = 6;
/// Streams at once of a caller that speaks HTTP/2.
const STREAMS: usize = 4;

/// How callers reach the server.
#[derive(Clone)]
pub(crate) enum Way {
    /// HTTP/1.1 in the clear.
    Plain,
    /// The same behind a PROXY header.
    Proxied,
    /// HTTP/1.1 over TLS.
    Tls(Arc<rustls::ClientConfig>),
    /// HTTP/2 by prior knowledge.
    H2c,
    /// HTTP/2 over TLS.
    H2(Arc<rustls::ClientConfig>),
}

/// What a client believes, and what it wishes to speak.
pub(crate) fn trusting(authority: &Authority, protocol: &[u8]) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

/// What all callers have in common.
#[derive(Default)]
struct Common {
    over: AtomicBool,
    asked: AtomicUsize,
    failed: Mutex<Vec<String>>,
    key: String,
    path: String,
    /// Where the server is: changed by a test that moves it.
    address: Mutex<Option<SocketAddr>>,
    /// It is about to be elsewhere: who connects is refused, or reset where it came between the last look and the end of listening.
    moves: AtomicBool,
}

impl Common {
    fn address(&self) -> SocketAddr {
        self.address.lock().unwrap().unwrap()
    }

    /// Also once anything failed: more would tell nothing more.
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || !self.failed.lock().unwrap().is_empty()
    }

    fn answered(&self, answer: Result<u16, String>) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if answer != Ok(200) {
            self.failed.lock().unwrap().push(format!("{answer:?}"));
        }
    }
}

/// Callers on threads of their own.
pub(crate) struct Load {
    common: Arc<Common>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// `GET` of a path with a key.
    pub(crate) fn start(way: &Way, address: SocketAddr, path: &str, key: &str) -> Self {
        let common = Arc::new(Common {
            key: key.to_owned(),
            path: path.to_owned(),
            address: Mutex::new(Some(address)),
            ..Common::default()
        });
        let begin = |number: usize| {
            let (common, way) = (Arc::clone(&common), way.clone());
            std::thread::spawn(move || match way {
                // Two of three keep their connection for as long as they may.
                Way::Plain | Way::Proxied | Way::Tls(_) => one_by_one(&common, &way, number.is_multiple_of(3)),
                Way::H2c | Way::H2(_) => in_streams(common, way),
            })
        };
        let threads = (0..CALLERS).map(begin).collect();
        Self { common, threads }
    }

    /// Waits for so many requests more.
    pub(crate) fn goes_on(&self) {
        let before = self.common.asked.load(Ordering::Relaxed);
        until("requests", || {
            assert_eq!(*self.common.failed.lock().unwrap(), Vec::<String>::new());
            (self.common.asked.load(Ordering::Relaxed) > before + 50).then_some(())
        });
    }

    /// From now on the server may go elsewhere.
    pub(crate) fn may_move(&self) {
        self.common.moves.store(true, Ordering::Relaxed);
    }

    /// From now on the server is there.
    pub(crate) fn moves_to(&self, address: SocketAddr) {
        *self.common.address.lock().unwrap() = Some(address);
    }

    /// How many were asked, all of them answered as they should be.
    pub(crate) fn end(self) -> u64 {
        self.common.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        assert_eq!(*self.common.failed.lock().unwrap(), Vec::<String>::new());
        u64::try_from(self.common.asked.load(Ordering::Relaxed)).unwrap()
    }
}

/// That as many decisions on a credential are recorded as were asked for.
pub(crate) fn add_up(world: &World, credential: &str, asked: u64) {
    let begun = Instant::now();
    loop {
        let all = decisions(world, &["--credential", credential]);
        if sum(&all) == asked {
            return;
        }
        if begun.elapsed() > PATIENCE {
            assert_eq!(sum(&all), asked);
        }
    }
}

/// One connection of HTTP/1.1.
struct Connection {
    socket: TcpStream,
    secure: Option<Box<rustls::ClientConnection>>,
}

impl Connection {
    fn open(way: &Way, address: SocketAddr) -> io::Result<Self> {
        let mut socket = super::try_connect(address)?;
        let secure = match way {
            Way::Tls(config) => {
                let session = rustls::ClientConnection::new(Arc::clone(config), "api.test".try_into().unwrap());
                Some(Box::new(session.unwrap()))
            }
            Way::Proxied => {
                socket.write_all(b"PROXY TCP4 192.0.2.9 127.0.0.1 4711 80\r\n")?;
                None
            }
            _ => None,
        };
        Ok(Self { socket, secure })
    }

    /// Whether the server has ended it, as any client looks before it asks again.
    fn is_ended(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        let seen = self.socket.peek(&mut [0]);
        self.socket.set_nonblocking(false).unwrap();
        seen.is_ok()
    }

    /// The status, and whether the connection goes on.
    fn ask(&mut self, common: &Common, closes: bool) -> Result<(u16, bool), String> {
        let connection = if closes { "Connection: close\r\n" } else { "" };
        let head = format!("GET {} HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\n{connection}\r\n", common.path, common.key);
        let answer = match &mut self.secure {
            Some(session) => exchange(&mut rustls::Stream::new(session.as_mut(), &mut self.socket), &head),
            None => exchange(&mut self.socket, &head),
        };
        let answer = answer?;
        Ok((answer.status, answer.header("connection") != Some("close")))
    }
}

fn exchange(stream: &mut (impl Read + Write), head: &str) -> Result<keyward_testkit::client::Answer, String> {
    stream.write_all(head.as_bytes()).map_err(|error| error.to_string())?;
    read_answer(stream, false).ok_or_else(|| "no answer".to_owned())
}

fn one_by_one(common: &Common, way: &Way, closes: bool) {
    let mut kept: Option<Connection> = None;
    while !common.is_over() {
        let address = common.address();
        let kept_on = kept.take().filter(|connection| !connection.is_ended());
        let is_new = kept_on.is_none();
        let opened = kept_on.map_or_else(|| Connection::open(way, address), Ok);
        let answer = opened.map_err(|error| error.to_string()).and_then(|mut connection| {
            let (status, goes_on) = connection.ask(common, closes)?;
            kept = goes_on.then_some(connection);
            Ok(status)
        });
        if answer.is_err() && is_new && common.moves.load(Ordering::Relaxed) {
            until("another address", || (common.address() != address || common.is_over()).then_some(()));
            continue;
        }
        common.answered(answer);
    }
}

fn in_streams(common: Arc<Common>, way: Way) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async move {
        while !common.is_over() {
            let send = match connect(&way, common.address()).await {
                Ok(send) => send,
                Err(error) => return common.answered(Err(error)),
            };
            let streams: Vec<_> =
                (0..STREAMS).map(|_| spawn_local(ask_on(Arc::clone(&common), send.clone()))).collect();
            for stream in streams {
                stream.await.unwrap();
            }
        }
    });
}

async fn connect(way: &Way, address: SocketAddr) -> Result<SendRequest<Bytes>, String> {
    let told = |error: &dyn std::fmt::Display| format!("no connection: {error}");
    let socket = super::try_connect(address).map_err(|error| told(&error))?;
    socket.set_nonblocking(true).map_err(|error| told(&error))?;
    let socket = tokio::net::TcpStream::from_std(socket).map_err(|error| told(&error))?;
    if let Way::H2(config) = way {
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
        let stream = connector.connect("api.test".try_into().unwrap(), socket).await.map_err(|error| told(&error))?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let (send, connection) = h2::client::handshake(stream).await.map_err(|error| told(&error))?;
        spawn_local(async move { drop(connection.await) });
        return Ok(send);
    }
    let (send, connection) = h2::client::handshake(socket).await.map_err(|error| told(&error))?;
    spawn_local(async move { drop(connection.await) });
    Ok(send)
}

/// Asks in one stream after the other until the connection takes no more.
async fn ask_on(common: Arc<Common>, mut send: SendRequest<Bytes>) {
    while !common.is_over() {
        // Told to go away, or ended, before anything was begun.
        let Ok(ready) = send.ready().await else { return };
        send = ready;
        let request = http::Request::get(format!("http://api.test{}", common.path)).header("x-api-key", &common.key);
        let Ok((answer, _)) = send.send_request(request.body(()).unwrap(), true) else { return };
        match tokio::time::timeout(PATIENCE, whole(answer)).await {
            // Nothing was done of it, says the server (RFC 9113 §6.8): it crossed the word on its way.
            Ok(Err(error)) if error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR) => return,
            Ok(answer) => common.answered(answer.map_err(|error| error.to_string())),
            Err(_) => common.answered(Err("no answer".to_owned())),
        }
    }
}

/// The status of an answer that came to its end.
async fn whole(answer: h2::client::ResponseFuture) -> Result<u16, h2::Error> {
    let (head, mut body) = answer.await?.into_parts();
    while let Some(part) = body.data().await {
        let count = part?.len();
        body.flow_control().release_capacity(count)?;
    }
    Ok(head.status.as_u16())
}
