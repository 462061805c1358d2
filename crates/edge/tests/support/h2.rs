//! Both ends of HTTP/2 by the library: a client for tests, and an upstream that records what comes and answers by a script.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use h2::server::SendResponse;
use http::{HeaderMap, Request};
use tokio::io::{AsyncRead, AsyncWrite};

/// Runs a test with a connection of the library.
pub fn with<T>(address: SocketAddr, test: impl AsyncFnOnce(SendRequest<Bytes>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let (send, connection) = h2::client::handshake(socket).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        tokio::time::timeout(Duration::from_secs(30), test(send)).await.expect("in time")
    })
}

/// What came back in one stream.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
}

pub async fn ask(
    send: &SendRequest<Bytes>,
    request: http::request::Builder,
    body: &[u8],
) -> Result<Answered, h2::Error> {
    let mut send = send.clone().ready().await?;
    let (answer, mut stream) = send.send_request(request.body(()).unwrap(), body.is_empty())?;
    if !body.is_empty() {
        stream.send_data(Bytes::copy_from_slice(body), true)?;
    }
    let (parts, mut body) = answer.await?.into_parts();
    let bytes = read(&mut body).await?;
    let trailers = body.trailers().await?;
    Ok(Answered { status: parts.status.as_u16(), headers: parts.headers, body: bytes, trailers })
}

/// A body to its end.
pub async fn read(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// An upstream that speaks HTTP/2.
pub struct Upstream {
    pub address: SocketAddr,
    requests: Receiver<String>,
    connections: Arc<AtomicUsize>,
}

/// One stream, as a script sees it.
pub struct Stream {
    /// Which stream of the upstream this is, from 0.
    pub number: usize,
    pub request: Request<RecvStream>,
    pub respond: SendResponse<Bytes>,
    told: Sender<String>,
}

impl Stream {
    pub fn tell(&self, what: &str) {
        let _ = self.told.send(what.to_owned());
    }
}

impl Upstream {
    /// Runs a script for each stream; at most so many run at once in one connection, which is left after `leave` streams.
    pub fn scripted<F: Future<Output = ()> + Send + 'static>(
        most: u32,
        leave: usize,
        script: impl Fn(Stream) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, requests) = channel();
        let told = Arc::new(Mutex::new(told));
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, script) = (Arc::clone(&connections), Arc::new(script));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let numbers = Arc::new(AtomicUsize::new(0));
                while let Ok((socket, _)) = listener.accept().await {
                    count.fetch_add(1, Ordering::SeqCst);
                    let (script, numbers) = (Arc::clone(&script), Arc::clone(&numbers));
                    let told = told.lock().unwrap().clone();
                    tokio::spawn(serve(socket, (most, leave), script, (numbers, told)));
                }
            });
        });
        Self { address, requests, connections }
    }

    /// What came next: a request's head, or what a script told.
    pub fn next(&self) -> String {
        self.requests.recv_timeout(Duration::from_secs(10)).expect("a request came")
    }

    pub fn is_untouched(&self) -> bool {
        self.requests.try_recv().is_err()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Serves one connection.
pub async fn serve<F: Future<Output = ()> + Send + 'static>(
    io: impl AsyncRead + AsyncWrite + Unpin,
    (most, leave): (u32, usize),
    script: Arc<impl Fn(Stream) -> F>,
    (numbers, told): (Arc<AtomicUsize>, Sender<String>),
) {
    let shaken = h2::server::Builder::new().max_concurrent_streams(most).handshake::<_, Bytes>(io).await;
    let Ok(mut connection) = shaken else { return };
    let mut here = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        let number = numbers.fetch_add(1, Ordering::SeqCst);
        let _ = told.send(head(&request));
        tokio::spawn(script(Stream { number, request, respond, told: told.clone() }));
        here += 1;
        if here == leave {
            connection.graceful_shutdown();
        }
    }
}

/// A head in the shape of HTTP/1.1, for a test to look at.
fn head(request: &Request<RecvStream>) -> String {
    let mut text = format!("{} {} {:?}\r\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())));
    }
    text
}
