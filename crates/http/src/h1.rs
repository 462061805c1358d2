//! HTTP/1.1 as bytes (RFC 9112), read strictly: what can be read in two ways is refused, so that nobody behind reads it in the
//! other one. No IO: whoever has bytes asks what they say.
//!
//! `lines` reads a head as it comes, `request` and `response` say what it means, `chunked` reads bodies in chunks, `write` puts
//! heads together.

pub mod chunked;
pub mod lines;
pub mod request;
pub mod response;
pub mod write;

/// How the end of a body is known (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    Empty,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// All that comes until the connection ends; answers only.
    UntilClose,
}

impl Framing {
    /// Whether there is no byte of a body.
    pub fn is_empty(self) -> bool {
        matches!(self, Self::Empty | Self::Length(0))
    }
}

/// The minor version of HTTP/1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: the connection ends after the answer, unless both say otherwise; no chunks.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// Reads the version of a start line; nothing else is HTTP/1 (RFC 9112 §2.3).
fn version(text: &[u8]) -> Option<Version> {
    match text {
        b"HTTP/1.1" => Some(Version::Http11),
        b"HTTP/1.0" => Some(Version::Http10),
        _ => None,
    }
}

/// Whether a byte may stand in a token (RFC 9110 §5.6.2: tchar).
fn is_token(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-'
        | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// The members of a comma-separated list (RFC 9110 §5.6.1), empty ones left out.
pub fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// A length as `1*DIGIT` (RFC 9110 §8.6), without needless zeros: what others may read as octal is refused.
pub(crate) fn length(value: &[u8]) -> Option<u64> {
    let plain = !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
    let octal = value.len() > 1 && value.first() == Some(&b'0');
    (plain && !octal).then(|| value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
