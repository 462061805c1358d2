//! An upstream over TLS that offers the protocols that a test names, speaks the one that was agreed on, and may change its mind.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_edge::{Address, Trust};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client::header;
use super::h2::{self, Stream};

/// The upstream.
pub struct Upstream {
    pub address: SocketAddr,
    authority: CertificateDer<'static>,
    requests: Receiver<String>,
    shared: Arc<Shared>,
}

struct Shared {
    told: Mutex<Sender<String>>,
    config: Mutex<Arc<ServerConfig>>,
    connections: AtomicUsize,
    streams: Arc<AtomicUsize>,
    /// All connections end.
    ends: Notify,
    /// How many have not.
    open: AtomicUsize,
    /// What a new connection of HTTP/2 says instead of it, for as long as it is open.
    lie: Mutex<Option<&'static str>>,
}

impl Upstream {
    /// One that offers these, the better ones first; none: it knows nothing of such offers. Streams of HTTP/2 run a script. Requests
    /// of HTTP/1.1 are answered 200, upgrades that are not to `/public/refused` are agreed to and what comes then is sent back.
    pub fn offering<F: Future<Output = ()> + Send + 'static>(
        names: &[&str],
        script: impl Fn(Stream) -> F + Send + Sync + 'static,
    ) -> Self {
        let (mut config, authority) = certified();
        config.alpn_protocols = offer(names);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, requests) = channel();
        let shared = Arc::new(Shared {
            told: Mutex::new(told),
            config: Mutex::new(Arc::new(config)),
            connections: AtomicUsize::new(0),
            streams: Arc::default(),
            ends: Notify::new(),
            open: AtomicUsize::new(0),
            lie: Mutex::new(None),
        });
        let (accepting, script) = (Arc::clone(&shared), Arc::new(script));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((socket, _)) = listener.accept().await {
                    let (shared, script) = (Arc::clone(&accepting), Arc::clone(&script));
                    shared.open.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(async move {
                        {
                            let ends = shared.ends.notified();
                            tokio::select! {
                                () = serve(socket, &shared, script) => {}
                                () = ends => {}
                            }
                        }
                        shared.open.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            });
        });
        Self { address, authority, requests, shared }
    }

    /// Where it is, for those who believe it.
    pub fn at(&self) -> Address {
        self.believed_by(&Trust::of(vec![self.authority.clone()]).unwrap())
    }

    pub fn believed_by(&self, trust: &Trust) -> Address {
        Address::Https(format!("localhost:{}", self.address.port()).parse().unwrap(), trust.clone())
    }

    /// Ends all connections, and offers these from now on.
    pub fn restart(&self, names: &[&str]) {
        let mut config = self.shared.config.lock().unwrap();
        let mut next = ServerConfig::clone(&config);
        next.alpn_protocols = offer(names);
        *config = Arc::new(next);
        drop(config);
        self.end();
    }

    fn end(&self) {
        let have_ended = super::becomes(|| {
            self.shared.ends.notify_waiters();
            self.shared.open.load(Ordering::SeqCst) == 0
        });
        assert!(have_ended);
    }

    /// Speaks no HTTP/2 where it was chosen: something else, or nothing.
    pub fn lie(&self, speaks: bool) {
        *self.shared.lie.lock().unwrap() = Some(if speaks { "HTTP/1.1 400 Bad Request\r\n\r\n" } else { "" });
    }

    pub fn tell_the_truth(&self) {
        *self.shared.lie.lock().unwrap() = None;
        self.end();
    }

    /// What came next: a request's head, or what a script told.
    pub fn next(&self) -> String {
        self.requests.recv_timeout(Duration::from_secs(10)).expect("a request came")
    }

    pub fn is_untouched(&self) -> bool {
        self.requests.try_recv().is_err()
    }

    /// Handshakes that came to their end.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

/// Somebody else's word.
pub fn stranger() -> Trust {
    Trust::of(vec![certified().1]).unwrap()
}

fn offer(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// A configuration for `localhost`, and who vouches for it.
fn certified() -> (ServerConfig, CertificateDer<'static>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let issued = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![issued.der().clone()], key).unwrap();
    (config, authority.der().clone())
}

async fn serve<F: Future<Output = ()> + Send + 'static>(
    socket: TcpStream,
    shared: &Shared,
    script: Arc<impl Fn(Stream) -> F>,
) {
    let config = Arc::clone(&shared.config.lock().unwrap());
    let Ok(mut stream) = TlsAcceptor::from(config).accept(socket).await else { return };
    shared.connections.fetch_add(1, Ordering::SeqCst);
    let told = shared.told.lock().unwrap().clone();
    let lie = *shared.lie.lock().unwrap();
    if let Some(lie) = lie {
        let _ = stream.write_all(lie.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
        return;
    }
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        h2::serve(stream, (100, 0), script, (Arc::clone(&shared.streams), told)).await;
    } else {
        let _ = serve_http1(stream, &told).await;
    }
}

async fn serve_http1(mut stream: TlsStream<TcpStream>, told: &Sender<String>) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let end = loop {
            match read.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => more(&mut stream, &mut read).await?,
            }
        };
        let head = String::from_utf8(read.drain(..end).collect()).unwrap();
        let length: usize = header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
        while read.len() < length {
            more(&mut stream, &mut read).await?;
        }
        read.drain(..length);
        let _ = told.send(head.clone());
        if header(&head, "upgrade").is_some() && !head.contains(" /public/refused ") {
            let agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
            stream.write_all(agreed).await.ok()?;
            loop {
                let bytes = std::mem::take(&mut read);
                stream.write_all(&bytes).await.ok()?;
                stream.flush().await.ok()?;
                more(&mut stream, &mut read).await?;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.ok()?;
        stream.flush().await.ok()?;
    }
}

async fn more(stream: &mut TlsStream<TcpStream>, read: &mut Vec<u8>) -> Option<()> {
    stream.read_buf(read).await.ok().filter(|count| *count > 0).map(drop)
}
