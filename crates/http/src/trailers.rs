//! Trailer sections (RFC 9110 §6.5, RFC 9112 §7.1.2): gathered within a bound, read as strictly as heads, and written anew without
//! what only a head may say.

use keyward_core::fields::{Fields, Name};

use crate::cors::is_about_pages;
use crate::h1::chunked::BadChunk;
use crate::h1::lines::{Lines, Most};
use crate::h1::write;
use crate::names::{DECISION, HOP_BY_HOP, collapse_alike};

/// What one section may use up.
pub const MOST: Most = Most { bytes: 16 * 1024, fields: 64 };

/// A start line, so that a section can be read as a head is.
const START: &[u8] = b"-\r\n";

/// What nobody may be told behind a body, in whatever spelling: it frames, routes, authenticates, or changes what the head
/// said (RFC 9110 §6.5.1).
const FOR_HEADS: [&str; 46] = [
    "age",
    "authentication-info",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "expires",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "set-cookie",
    "set-cookie2",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "warning",
    "www-authenticate",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Whether a field belongs into a head and nowhere else.
pub(crate) fn is_for_heads(name: Name<'_>) -> bool {
    FOR_HEADS.iter().any(|one| collapse_alike(name, one))
}

/// Whether a field may pass in the trailer section of an answer.
pub fn pass_in_answer(name: Name<'_>) -> bool {
    !is_for_heads(name)
        && !HOP_BY_HOP.iter().any(|hop| collapse_alike(name, hop))
        && !collapse_alike(name, DECISION.as_str())
        && !is_about_pages(name.as_bytes())
}

/// A section as it comes.
#[derive(Debug, Default)]
pub struct Section(Vec<u8>);

impl Section {
    /// Takes more of it.
    ///
    /// # Errors
    /// [`BadChunk`] where it is longer than is taken.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), BadChunk> {
        if self.0.is_empty() {
            self.0.extend_from_slice(START);
        }
        if self.0.len() + piece.len() > START.len() + MOST.bytes {
            return Err(BadChunk);
        }
        self.0.extend_from_slice(piece);
        Ok(())
    }

    /// Writes the fields that pass, each on a line; the section is over.
    ///
    /// # Errors
    /// [`BadChunk`] where it is none, or has more fields than are taken.
    pub fn write(self, out: &mut Vec<u8>, passes: impl Fn(Name<'_>) -> bool) -> Result<(), BadChunk> {
        self.read(|fields| {
            for (name, value) in fields.iter().filter(|(name, _)| passes(*name)) {
                write::field(out, name.as_bytes(), value);
            }
        })
    }

    /// Gives its fields, which may be none; the section is over.
    ///
    /// # Errors
    /// [`BadChunk`] where it is none, or has more fields than are taken.
    pub fn read<T>(mut self, take: impl FnOnce(Fields<'_>) -> T) -> Result<T, BadChunk> {
        let mut lines = Lines::default();
        if !self.0.is_empty() {
            self.0.extend_from_slice(b"\r\n");
            let most = Most { bytes: self.0.len() + 1, fields: MOST.fields };
            lines.advance(&self.0, most).ok().flatten().ok_or(BadChunk)?;
        }
        Ok(take(lines.fields(&self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[&str], passes: impl Fn(Name<'_>) -> bool) -> Option<String> {
        let mut section = Section::default();
        for piece in pieces {
            section.take(piece.as_bytes()).ok()?;
        }
        let mut out = Vec::new();
        section.write(&mut out, passes).ok()?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn what_a_section_says_is_written_anew() {
        for (pieces, expected) in [
            (&[][..], Some("")),
            (&["Grpc-Status: 0\r\n"], Some("Grpc-Status: 0\r\n")),
            (&["grpc-", "status:0 \r", "\nX: a, b\r\n"], Some("grpc-status: 0\r\nX: a, b\r\n")),
            (&["Content-Length: 3\r\nX: 1\r\n"], Some("X: 1\r\n")),
            (&["Content_Length: 3\r\nSet-Cookie: a=b\r\nTRANSFER-ENCODING: x\r\n"], Some("")),
            (&["Keyward-Decision: x\r\nAccess-Control-Allow-Origin: *\r\n"], Some("")),
            (&["no colon\r\n"], None),
            (&[": nameless\r\n"], None),
            (&["X : 1\r\n"], None),
            (&["X: a\x01b\r\n"], None),
            (&["X: 1\n"], None),
            (&["X: 1\r\n folded\r\n"], None),
        ] {
            assert_eq!(written(pieces, pass_in_answer).as_deref(), expected, "{pieces:?}");
        }
    }

    #[test]
    fn a_section_is_bounded() {
        let fields = |count: usize| "X: 1\r\n".repeat(count);
        assert!(written(&[&fields(MOST.fields)], |_| true).is_some());
        assert!(written(&[&fields(MOST.fields + 1)], |_| true).is_none());
        let long = |bytes: usize| format!("X: {}\r\n", "x".repeat(bytes - 5));
        assert!(written(&[&long(MOST.bytes)], |_| true).is_some());
        assert!(written(&[&long(MOST.bytes + 1)], |_| true).is_none());
    }
}
