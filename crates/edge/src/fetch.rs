//! Documents of others, for the control plane: one GET over a connection of its own, bounded, with no redirect followed.

use http::{HeaderValue, Method, StatusCode, Uri};
use keyward_engine::issuers::{Document, Documents, LARGEST};
use keyward_engine::ports::{Telling, Told, Verifiers};
use keyward_http::h1::chunked::{Chunks, Piece};
use keyward_http::h1::lines::{Lines, Most};
use keyward_http::h1::response::Response;
use keyward_http::h1::{Framing, write};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use zeroize::Zeroizing;

use crate::dial::{Dialled, dial};
use crate::origin::Address;
use crate::trust::{Offer, Trust};

/// The most that the head of an answer may use up.
const HEAD: Most = Most { bytes: 64 * 1024, fields: 128 };

/// Fetches over TLS by the system's roots, which are read anew each time, or in the clear.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fetcher;

impl Documents for Fetcher {
    fn get<'a>(&'a self, url: &'a str) -> Document<'a> {
        Box::pin(async move {
            let (status, body) = get(url, None).await?;
            // A redirect leads elsewhere, and whoever sends us there is not whom we asked.
            (status == StatusCode::OK).then_some(body)
        })
    }
}

impl Verifiers for Fetcher {
    fn ask<'a>(&'a self, url: &'a str, header: &'a str, key: &'a [u8]) -> Telling<'a> {
        Box::pin(async move {
            let (status, _) = get(url, Some((header, key))).await?;
            match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Some(Told::Refused),
                accepted if accepted.is_success() => Some(Told::Accepted),
                _ => None,
            }
        })
    }
}

/// One GET, with one more field where that is given.
async fn get(url: &str, more: Option<(&str, &[u8])>) -> Option<(StatusCode, Vec<u8>)> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?.clone();
    let address = match uri.scheme_str()? {
        "https" => Address::Https(authority, Trust::of_system().ok()?),
        "http" => Address::Http(authority),
        _ => return None,
    };
    // It may hold a key.
    let mut request = Zeroizing::new(Vec::with_capacity(4096));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    request.extend_from_slice(format!("GET {target} HTTP/1.1\r\n").as_bytes());
    write::field(&mut request, b"host", address.host().as_bytes());
    write::field(&mut request, b"accept", b"application/json");
    write::field(&mut request, b"connection", b"close");
    if let Some((name, value)) = more {
        HeaderValue::from_bytes(value).ok()?;
        write::field(&mut request, name.as_bytes(), value);
    }
    request.extend_from_slice(b"\r\n");
    match dial(&address, Offer::Http1).await.ok()?.0 {
        Dialled::Tcp(socket) => ask(socket, &request).await,
        Dialled::Tls(stream) => ask(*stream, &request).await,
        Dialled::Unix(_) => None,
    }
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> Option<(StatusCode, Vec<u8>)> {
    stream.write_all(request).await.ok()?;
    stream.flush().await.ok()?;
    let (mut lines, mut read) = (Lines::default(), Vec::new());
    let length = loop {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
        if let Some(length) = lines.advance(&read, HEAD).ok()? {
            break length;
        }
    };
    let answer = Response::read(&lines, &read, &Method::GET).ok()?;
    let (status, framing) = (answer.status, answer.framing);
    let mut rest = read.split_off(length);
    let (mut chunks, mut body) = (Chunks::default(), Vec::new());
    loop {
        if take(framing, &mut chunks, &mut rest, &mut body)? {
            return Some((status, body));
        }
        if body.len() + rest.len() > LARGEST {
            return None;
        }
        if stream.read_buf(&mut rest).await.ok()? == 0 {
            return (framing == Framing::UntilClose).then_some((status, body));
        }
    }
}

/// Moves what came into the body. Whether that is whole; nothing where it is broken or too large.
fn take(framing: Framing, chunks: &mut Chunks, rest: &mut Vec<u8>, body: &mut Vec<u8>) -> Option<bool> {
    let mut at = 0;
    let is_whole = match framing {
        Framing::Empty => true,
        Framing::Length(length) => {
            let length = usize::try_from(length).ok().filter(|length| *length <= LARGEST)?;
            at = rest.len().min(length - body.len());
            body.extend_from_slice(rest.get(..at)?);
            body.len() == length
        }
        Framing::UntilClose => {
            at = rest.len();
            body.extend_from_slice(rest);
            false
        }
        Framing::Chunked => loop {
            let left = rest.get(at..).filter(|left| !left.is_empty());
            let Some(left) = left else { break false };
            match chunks.take(left).ok()? {
                Piece::Data(count) => {
                    body.extend_from_slice(left.get(..count)?);
                    at += count;
                }
                Piece::Framing(count) | Piece::Trailer(count) => at += count,
                Piece::End(_) => break true,
            }
        },
    };
    rest.drain(..at);
    (body.len() <= LARGEST).then_some(is_whole)
}
