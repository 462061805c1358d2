//! What the head of an upstream's answer means.

use http::{Method, StatusCode};
use keyward_core::fields::Fields;

use super::lines::Lines;
use super::request::Upgrade;
use super::{Framing, Version, length, members, version};

/// The head of an answer, understood.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// The status.
    pub status: StatusCode,
    /// What it is called by whoever sent it.
    pub reason: &'a [u8],
    /// All fields.
    pub fields: Fields<'a>,
    /// Where its body ends.
    pub framing: Framing,
    /// Whether the upstream takes another request on this connection.
    pub keep_alive: bool,
    /// What the connection becomes: with 101 alone.
    pub upgrade: Option<Upgrade>,
}

/// The head of an answer is none, or has no single reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbage;

impl<'a> Response<'a> {
    /// Understands a head that is whole; to `method`, because the answer to HEAD has no body (RFC 9112 §6.3).
    ///
    /// # Errors
    /// [`Garbage`].
    pub fn read(lines: &'a Lines, bytes: &'a [u8], method: &Method) -> Result<Self, Garbage> {
        let (version, status, reason) = start(lines.start(bytes)).ok_or(Garbage)?;
        let fields = lines.fields(bytes);
        let (mut close, mut keep, mut chunked, mut announced) = (false, false, false, None);
        let (mut upgrades, mut websocket) = (false, None);
        for (name, value) in fields.iter() {
            let is = |other: &str| name.is(other);
            match name.as_bytes().len() {
                10 if is("connection") => {
                    for option in members(value) {
                        close |= option.eq_ignore_ascii_case(b"close");
                        keep |= option.eq_ignore_ascii_case(b"keep-alive");
                        upgrades |= option.eq_ignore_ascii_case(b"upgrade");
                    }
                }
                14 if is("content-length") => {
                    let length = length(value).ok_or(Garbage)?;
                    if announced.is_some_and(|other| other != length) {
                        return Err(Garbage);
                    }
                    announced = Some(length);
                }
                17 if is("transfer-encoding") => {
                    if chunked || version == Version::Http10 || !value.eq_ignore_ascii_case(b"chunked") {
                        return Err(Garbage);
                    }
                    chunked = true;
                }
                7 if is("upgrade") => {
                    websocket = Some(websocket.is_none() && value.eq_ignore_ascii_case(b"websocket"));
                }
                _ => {}
            }
        }
        let switches = status == StatusCode::SWITCHING_PROTOCOLS;
        // What follows a 101 belongs to the other protocol, and no framing of this one covers it (RFC 9112 §6.1).
        if switches && (chunked || announced.is_some_and(|length| length > 0)) {
            return Err(Garbage);
        }
        let upgrade = (switches && version == Version::Http11 && upgrades && websocket == Some(true))
            .then_some(Upgrade::WebSocket);
        let bodiless = *method == Method::HEAD
            || status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED;
        let framing = match (bodiless, chunked, announced) {
            (true, ..) => Framing::Empty,
            // The former counts where both came (RFC 9112 §6.3), and such a connection is not used again.
            (false, true, _) => Framing::Chunked,
            (false, false, Some(length)) => Framing::Length(length),
            (false, false, None) => Framing::UntilClose,
        };
        let both = chunked && announced.is_some();
        let keep_alive = !close && !both && (version == Version::Http11 || keep) && framing != Framing::UntilClose;
        Ok(Self { status, reason, fields, framing, keep_alive, upgrade })
    }
}

fn start(line: &[u8]) -> Option<(Version, StatusCode, &[u8])> {
    let (version_text, rest) = line.split_at_checked(8)?;
    let (code, reason) = rest.strip_prefix(b" ")?.split_at_checked(3)?;
    let reason = match reason {
        [] => reason,
        _ => reason.strip_prefix(b" ")?,
    };
    let plain = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    if !reason.iter().all(plain) || !(100..=599).contains(&StatusCode::from_bytes(code).ok()?.as_u16()) {
        return None;
    }
    Some((version(version_text)?, StatusCode::from_bytes(code).ok()?, reason))
}
