//! Questions to others, for the control plane and for commands: one over a connection of its own, bounded, with no redirect followed.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, Uri};
use keyward_engine::issuers::{Document, Documents, LARGEST};
use keyward_engine::ports::{Telling, Told, Verifiers};
use keyward_http::answer::UpstreamFault;
use keyward_http::h1::chunked::{Chunks, Piece};
use keyward_http::h1::lines::{Lines, Most};
use keyward_http::h1::response::Response;
use keyward_http::h1::{Framing, write};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
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
            let (status, body) = send(&Letter::get(url, &[])).await.ok()?;
            // A redirect leads elsewhere, and whoever sends us there is not whom we asked.
            (status == StatusCode::OK).then_some(body)
        })
    }
}

impl Verifiers for Fetcher {
    fn ask<'a>(&'a self, url: &'a str, header: &'a str, key: &'a [u8]) -> Telling<'a> {
        Box::pin(async move {
            let (status, _) = send(&Letter::get(url, &[(header, key)])).await.ok()?;
            match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Some(Told::Refused),
                accepted if accepted.is_success() => Some(Told::Accepted),
                _ => None,
            }
        })
    }
}

/// One question.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// `http:` or `https:`.
    pub url: &'a str,
    /// The method.
    pub method: Method,
    /// Further header fields; they may hold a key.
    pub fields: &'a [(&'a str, &'a [u8])],
    /// A body of JSON.
    pub body: Option<&'a [u8]>,
    /// The longest body of an answer, in bytes; of one that comes in chunks and is taken as it comes, the longest piece.
    pub largest: usize,
}

/// Takes what came of a good answer; whether there is to be more.
pub type Taking<'a> = &'a mut (dyn FnMut(&[u8]) -> bool + Send);

impl<'a> Letter<'a> {
    /// A GET, for a document of an ordinary size.
    fn get(url: &'a str, fields: &'a [(&'a str, &'a [u8])]) -> Self {
        Self { url, method: Method::GET, fields, body: None, largest: LARGEST }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// It is no URL that can be asked, or a field cannot be sent.
    #[error("it is no http: or https: URL that can be asked")]
    Unsendable,
    /// The system has no roots to trust.
    #[error("this system has no certificates of authorities to trust")]
    NoTrust,
    /// Nobody answers there.
    #[error("nobody answers there")]
    Unreachable,
    /// Its certificate is not trusted.
    #[error("its certificate is not trusted here")]
    Untrusted,
    /// It broke off, answered garbage, or more than is read.
    #[error("it broke off, or answered something that is no HTTP or too long")]
    Garbage,
}

/// Sends one question; the status and the body that came.
///
/// # Errors
/// [`Unheard`]: nothing that counts came back. It may have been carried out all the same.
pub async fn send(letter: &Letter<'_>) -> Result<(StatusCode, Vec<u8>), Unheard> {
    sent(letter, Duration::MAX, None).await
}

/// Sends one question, and takes the answer as it comes: for what is long, or goes on until one side ends it. The status, and the
/// whole body of an answer that is none of success.
///
/// # Errors
/// As [`send`]; that nothing came for as long as patience lasts, or that it broke off.
pub async fn follow(
    letter: &Letter<'_>,
    patience: Duration,
    each: Taking<'_>,
) -> Result<(StatusCode, Vec<u8>), Unheard> {
    sent(letter, patience, Some(each)).await
}

async fn sent(
    letter: &Letter<'_>,
    patience: Duration,
    each: Option<Taking<'_>>,
) -> Result<(StatusCode, Vec<u8>), Unheard> {
    let uri: Uri = letter.url.parse().map_err(|_| Unheard::Unsendable)?;
    let authority = uri.authority().ok_or(Unheard::Unsendable)?.clone();
    let address = match uri.scheme_str() {
        Some("https") => Address::Https(authority, Trust::of_system().map_err(|_| Unheard::NoTrust)?),
        Some("http") => Address::Http(authority),
        _ => return Err(Unheard::Unsendable),
    };
    let request = written(letter, &uri, &address).ok_or(Unheard::Unsendable)?;
    let dialled = dial(&address, Offer::Http1).await.map_err(|fault| match fault {
        UpstreamFault::Untrusted => Unheard::Untrusted,
        _ => Unheard::Unreachable,
    })?;
    let answer = match dialled.0 {
        Dialled::Tcp(socket) => ask(socket, &request, letter, (patience, each)).await,
        Dialled::Tls(stream) => ask(*stream, &request, letter, (patience, each)).await,
        Dialled::Unix(_) => None,
    };
    answer.ok_or(Unheard::Garbage)
}

/// The request's bytes, which may hold a key.
fn written(letter: &Letter<'_>, uri: &Uri, address: &Address) -> Option<Zeroizing<Vec<u8>>> {
    let body = letter.body.unwrap_or_default();
    let mut request = Zeroizing::new(Vec::with_capacity(4096 + body.len()));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    request.extend_from_slice(format!("{} {target} HTTP/1.1\r\n", letter.method).as_bytes());
    write::field(&mut request, b"host", address.host().as_bytes());
    write::field(&mut request, b"accept", b"application/json");
    write::field(&mut request, b"connection", b"close");
    for (name, value) in letter.fields {
        HeaderValue::from_bytes(value).ok()?;
        write::field(&mut request, name.as_bytes(), value);
    }
    if letter.body.is_some() {
        write::field(&mut request, b"content-type", b"application/json");
    }
    if letter.method != Method::GET {
        write::field(&mut request, b"content-length", body.len().to_string().as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    Some(request)
}

async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
    letter: &Letter<'_>,
    (patience, mut each): (Duration, Option<Taking<'_>>),
) -> Option<(StatusCode, Vec<u8>)> {
    stream.write_all(request).await.ok()?;
    stream.flush().await.ok()?;
    let (mut lines, mut read) = (Lines::default(), Vec::new());
    let length = loop {
        if timeout(patience, stream.read_buf(&mut read)).await.ok()?.ok()? == 0 {
            return None;
        }
        if let Some(length) = lines.advance(&read, HEAD).ok()? {
            break length;
        }
    };
    let answer = Response::read(&lines, &read, &letter.method).ok()?;
    let (status, framing) = (answer.status, answer.framing);
    let mut rest = read.split_off(length);
    let (mut chunks, mut body, mut gone) = (Chunks::default(), Vec::new(), 0);
    loop {
        let is_whole = take(framing, &mut chunks, &mut rest, (&mut body, gone), letter.largest)?;
        if let Some(each) = each.as_mut().filter(|_| status.is_success()) {
            gone += body.len();
            if !body.is_empty() && !(**each)(&body) {
                return Some((status, Vec::new()));
            }
            body.clear();
        }
        if is_whole {
            return Some((status, body));
        }
        if body.len() + rest.len() > letter.largest {
            return None;
        }
        if timeout(patience, stream.read_buf(&mut rest)).await.ok()?.ok()? == 0 {
            return (framing == Framing::UntilClose).then_some((status, body));
        }
    }
}

/// Moves what came into the body, of which some may be gone already. Whether that is whole; nothing where it is broken or too large.
fn take(
    framing: Framing,
    chunks: &mut Chunks,
    rest: &mut Vec<u8>,
    (body, gone): (&mut Vec<u8>, usize),
    largest: usize,
) -> Option<bool> {
    let mut at = 0;
    let is_whole = match framing {
        Framing::Empty => true,
        Framing::Length(length) => {
            let length = usize::try_from(length).ok().filter(|length| *length <= largest)?;
            at = rest.len().min(length - gone - body.len());
            body.extend_from_slice(rest.get(..at)?);
            gone + body.len() == length
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
    (body.len() <= largest).then_some(is_whole)
}
