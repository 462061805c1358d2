//! A recording upstream: it keeps the exact bytes of each request and answers what it was told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificates::Issued;
use crate::upstream_h2;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nfrom upstream\n";

/// A real HTTP server on a free port of this machine.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// Answers every request with 200 and a short body.
    pub fn start() -> Self {
        Self::answering(OK)
    }

    /// Answers every request with these bytes.
    pub fn answering(answer: &str) -> Self {
        Self::listening(answer, false)
    }

    /// Answers every request with these bytes, whole or not, and hangs up.
    pub fn hanging_up(answer: &str) -> Self {
        Self::listening(answer, true)
    }

    /// As [`Upstream::start`], over TLS with a certificate.
    pub fn over_tls(issued: &Issued) -> Self {
        let config = Arc::new(secured(issued));
        Self::listen(move |stream, requests| {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(rustls::StreamOwned::new(session, stream), requests, OK.as_bytes(), false);
        })
    }

    /// As [`Upstream::over_tls`], in HTTP/2 and nothing else.
    pub fn over_h2(issued: &Issued) -> Self {
        let mut config = secured(issued);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let config = Arc::new(config);
        Self::listen(move |stream, requests| upstream_h2::serve(stream, Arc::clone(&config), requests))
    }

    /// As [`Upstream::start`], by a socket file.
    pub fn at_socket(path: &Path) -> Self {
        let listener = UnixListener::bind(path).expect("a socket file");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &kept, OK.as_bytes(), false));
            }
        });
        Self { address: SocketAddr::from(([0, 0, 0, 0], 0)), requests, connections: Arc::default() }
    }

    fn listening(answer: &str, hangs_up: bool) -> Self {
        let answer = answer.as_bytes().to_vec();
        Self::listen(move |stream, requests| serve(stream, requests, &answer, hangs_up))
    }

    fn listen(serve: impl Fn(TcpStream, &Arc<Mutex<Vec<String>>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (kept, serve) = (Arc::clone(&requests), Arc::new(serve));
        let connections = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::Relaxed);
                let (kept, serve) = (Arc::clone(&kept), Arc::clone(&serve));
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { address, requests, connections }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The connections so far, over TCP.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
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

pub(crate) fn secured(issued: &Issued) -> rustls::ServerConfig {
    let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap()
}

/// Serves one connection until it ends. Bodies are read by their Content-Length; chunked ones are not understood here.
fn serve(mut stream: impl Read + Write, kept: &Mutex<Vec<String>>, answer: &[u8], hangs_up: bool) {
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
