//! Heads put together, as bytes.

use http::StatusCode;
use http::header::{CONNECTION, TE, UPGRADE};

use super::Framing;
use super::request::Upgrade;
use crate::problem::Answer;

/// `name: value` and the line end. Names and values were checked where they came from.
pub fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The field that tells where a body ends, where one is told.
pub fn framing(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Empty | Framing::UntilClose => {}
        Framing::Length(length) => {
            out.extend_from_slice(b"content-length: ");
            number(out, length);
            out.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
}

/// The start line of an answer.
pub fn status(out: &mut Vec<u8>, status: StatusCode, reason: &[u8]) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

/// What becomes of a connection, where that must be said: HTTP/1.1 goes on and HTTP/1.0 does not unless told otherwise.
pub fn connection(out: &mut Vec<u8>, goes_on: bool, is_old: bool) {
    match (goes_on, is_old) {
        (false, _) => field(out, CONNECTION.as_str().as_bytes(), b"close"),
        (true, true) => field(out, CONNECTION.as_str().as_bytes(), b"keep-alive"),
        (true, false) => {}
    }
}

/// What the connection should become, or becomes (RFC 9110 §7.8).
pub fn upgrade(out: &mut Vec<u8>, Upgrade::WebSocket: Upgrade) {
    field(out, CONNECTION.as_str().as_bytes(), b"Upgrade");
    field(out, UPGRADE.as_str().as_bytes(), b"websocket");
}

/// That trailers are read here (RFC 9110 §10.1.4).
pub fn takes_trailers(out: &mut Vec<u8>) {
    field(out, CONNECTION.as_str().as_bytes(), b"TE");
    field(out, TE.as_str().as_bytes(), b"trailers");
}

/// An answer of our own, up to the fields that belong to the connection. To HEAD it has the same fields and no content (RFC
/// 9110 §9.3.2).
pub fn answer(out: &mut Vec<u8>, answer: &Answer) {
    let code = answer.status();
    status(out, code, code.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in answer.headers() {
        field(out, name.as_str().as_bytes(), value.as_bytes());
    }
    let has_length = answer.headers().contains_key(http::header::CONTENT_LENGTH);
    let has_body = code != StatusCode::NO_CONTENT && code != StatusCode::NOT_MODIFIED && !code.is_informational();
    if !has_length && has_body {
        framing(out, Framing::Length(answer.body().len() as u64));
    }
}

/// A number in decimal.
pub fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The line before a chunk of so many bytes (RFC 9112 §7.1).
pub fn chunk_size(out: &mut Vec<u8>, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.extend(DIGITS.get(size >> (digit * 4) & 0xf));
    }
    out.extend_from_slice(b"\r\n");
}
