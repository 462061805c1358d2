//! Active checks: each address of an upstream that wants them is asked now and then whether it is well. They run on one
//! runtime for all cores, and only what they find is shared. Each makes a connection of its own, and speaks over it what requests
//! would.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::uri::Scheme;
use keyward_engine::upstreams;
use keyward_http::h1::lines::{Lines, Most};
use keyward_http::h1::request::Request;
use keyward_http::h1::response::Response;
use keyward_http::h1::write;
use keyward_http::h2 as translate;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::dial::{Dialled, dial};
use crate::origin::Address;
use crate::setup::{Setups, Upstream};
use crate::tls::Protocol;
use crate::trust::Offer;

/// The most that the head of an answer may use up; the rest is not read.
const ANSWER: Most = Most { bytes: 16 * 1024, fields: 128 };
/// The same in HTTP/2.
const ANSWER_LIST: u32 = 16 * 1024;
/// What the head of a check may use up: it was written here.
const ASKED: Most = Most { bytes: usize::MAX, fields: usize::MAX };

/// Checks the addresses of the newest configuration, for as long as it runs.
pub async fn run(setups: Arc<Setups>) {
    let mut versions = setups.versions();
    loop {
        // Dropped with all of them when another version comes.
        let mut checks = JoinSet::new();
        for upstream in setups.newest().iter().flat_map(|setup| &setup.upstreams) {
            let Some(check) = &upstream.check else { continue };
            for (address, shared) in &upstream.addresses {
                let request = request(upstream, address, &check.path);
                checks.spawn(repeat(address.clone(), Arc::clone(shared), request, check.every));
            }
        }
        if versions.changed().await.is_err() {
            return;
        }
    }
}

async fn repeat(address: Address, shared: Arc<upstreams::Address>, request: Vec<u8>, every: std::time::Duration) {
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let is_well = timeout(every, ask(&address, &request)).await.unwrap_or(false);
        shared.health.checked(is_well);
    }
}

/// The request of a check. It has the headers that the configuration gives every request, and says nothing of any caller.
fn request(upstream: &Upstream, address: &Address, path: &str) -> Vec<u8> {
    let mut out = format!("GET {path} HTTP/1.1\r\n").into_bytes();
    write::field(&mut out, b"host", address.host().as_bytes());
    write::field(&mut out, b"connection", b"close");
    for (name, value) in upstream.edits.own() {
        write::field(&mut out, name.as_str().as_bytes(), value.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Whether an address answers with 2xx.
async fn ask(address: &Address, request: &[u8]) -> bool {
    let Ok((dialled, agreed)) = dial(address, Offer::Any).await else { return false };
    let manner = (agreed, address.scheme());
    match dialled {
        Dialled::Tcp(socket) => speak(socket, manner, request).await,
        Dialled::Unix(socket) => speak(socket, manner, request).await,
        Dialled::Tls(stream) => speak(stream, manner, request).await,
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    (agreed, scheme): (Protocol, Scheme),
    request: &[u8],
) -> bool {
    match agreed {
        Protocol::Http1 => speak_http1(stream, request).await,
        Protocol::Http2 => speak_http2(stream, scheme, request).await.unwrap_or(false),
    }
}

/// Nothing where there is no answer.
async fn speak_http2(stream: impl AsyncRead + AsyncWrite + Unpin, scheme: Scheme, request: &[u8]) -> Option<bool> {
    let mut lines = Lines::default();
    lines.advance(request, ASKED).ok()??;
    let request = translate::upstream_request(&Request::read(&lines, request).ok()?, scheme).ok()?;
    let mut builder = h2::client::Builder::new();
    builder.enable_push(false).max_header_list_size(ANSWER_LIST);
    let (send, connection) = builder.handshake::<_, Bytes>(stream).await.ok()?;
    let answered = async {
        let (answer, _) = send.ready().await.ok()?.send_request(request, true).ok()?;
        Some(answer.await.ok()?.status().is_success())
    };
    tokio::select! {
        answered = answered => answered,
        // It moves the frames of the other; where it ends first there is no answer.
        _ = connection => None,
    }
}

async fn speak_http1(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> bool {
    if stream.write_all(request).await.is_err() || stream.flush().await.is_err() {
        return false;
    }
    let (mut lines, mut read) = (Lines::default(), Vec::new());
    loop {
        // The end before a whole head, or no more bytes at all.
        if !matches!(stream.read_buf(&mut read).await, Ok(count) if count > 0) {
            return false;
        }
        match lines.advance(&read, ANSWER) {
            Ok(None) => {}
            Ok(Some(_)) => {
                return Response::read(&lines, &read, &Method::GET).is_ok_and(|answer| answer.status.is_success());
            }
            Err(_) => return false,
        }
    }
}
