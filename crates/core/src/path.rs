//! The one place where a request target becomes a path: what is judged here is forwarded byte for byte, what two
//! readers could read differently is refused.

use std::fmt;

/// A request target in origin form (RFC 9112 §3.2.1) whose path has one reading only.
#[derive(Clone)]
pub struct Target<'a> {
    raw: &'a str,
    path_length: usize,
    decoded: Option<String>,
    loose: Option<String>,
    oddities: Oddities,
}

/// Stands for `%2F` in a decoded path: a slash that does not separate. NUL itself is refused in every spelling.
pub const SLASH_AS_DATA: char = '\0';

/// Spellings that are refused unless a route allows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// `;` in the path, raw or as `%3B`.
    pub semicolon: bool,
    /// `%2F` in the path.
    pub encoded_slash: bool,
    /// `//` in the path.
    pub empty_segment: bool,
}

impl Oddities {
    /// The first spelling here that `allowed` does not allow.
    pub fn beyond(self, allowed: Self) -> Option<PathFault> {
        if self.semicolon && !allowed.semicolon {
            Some(PathFault::Semicolon)
        } else if self.encoded_slash && !allowed.encoded_slash {
            Some(PathFault::EncodedSlash)
        } else if self.empty_segment && !allowed.empty_segment {
            Some(PathFault::EmptySegment)
        } else {
            None
        }
    }
}

/// Why a target is refused with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// It does not start with `/`.
    NoSlash,
    /// A byte that may not stand raw in a target: control, space, non-ASCII (RFC 3986 §2).
    RawByte,
    /// A raw backslash.
    Backslash,
    /// A `#`: a target has no fragment (RFC 9112 §3.2).
    Fragment,
    /// `%` without two hex digits.
    BadEscape,
    /// An encoded NUL or other control character.
    EncodedControl,
    /// `%5C`.
    EncodedBackslash,
    /// `%2E`.
    EncodedDot,
    /// `%25` before the hex of a slash, backslash, dot, NUL or semicolon: encoded twice.
    DoubleEncoding,
    /// The escapes do not decode to UTF-8.
    NotUtf8,
    /// A `.` or `..` segment.
    DotSegment,
    /// `//`, where the route does not allow `empty-segment`.
    EmptySegment,
    /// `;`, where the route does not allow `semicolon`.
    Semicolon,
    /// `%2F`, where the route does not allow `encoded-slash`.
    EncodedSlash,
    /// Raw and decoded path lead to different routes.
    TwoReadings,
}

impl PathFault {
    /// What is wrong, as the end of "the path …".
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoSlash => "does not start with /",
            Self::RawByte => "holds a control character, a space or a byte outside ASCII; percent-encode it",
            Self::Backslash => "holds a backslash",
            Self::Fragment => "holds a #; a request target has no fragment",
            Self::BadEscape => "holds a % without two hexadecimal digits",
            Self::EncodedControl => "holds an encoded control character",
            Self::EncodedBackslash => "holds an encoded backslash",
            Self::EncodedDot => "holds an encoded dot",
            Self::DoubleEncoding => "is percent-encoded twice",
            Self::NotUtf8 => "does not decode to UTF-8",
            Self::DotSegment => "holds a . or .. segment",
            Self::EmptySegment => "holds an empty segment (//)",
            Self::Semicolon => "holds a semicolon",
            Self::EncodedSlash => "holds an encoded slash",
            Self::TwoReadings => "leads to different routes raw and decoded",
        }
    }

    /// The name that a route's `allow` list opens this by, where one does.
    pub const fn allow_name(self) -> Option<&'static str> {
        match self {
            Self::Semicolon => Some("semicolon"),
            Self::EncodedSlash => Some("encoded-slash"),
            Self::EmptySegment => Some("empty-segment"),
            _ => None,
        }
    }
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl<'a> Target<'a> {
    /// Reads a target in origin form. Allocates only where something is percent-encoded, or odd.
    ///
    /// # Errors
    /// The first [`PathFault`] that no route can allow.
    pub fn parse(raw: &'a str) -> Result<Self, PathFault> {
        if !raw.starts_with('/') {
            return Err(PathFault::NoSlash);
        }
        let mut path_length = raw.len();
        let mut escapes = false;
        for (index, byte) in raw.bytes().enumerate() {
            match byte {
                b'#' => return Err(PathFault::Fragment),
                0..=0x20 | 0x7f.. => return Err(PathFault::RawByte),
                b'?' if path_length == raw.len() => path_length = index,
                b'\\' if path_length == raw.len() => return Err(PathFault::Backslash),
                b'%' if path_length == raw.len() => escapes = true,
                _ => {}
            }
        }
        let path = raw.get(..path_length).unwrap_or(raw);
        let decoded = if escapes { Some(decode(path)?) } else { None };
        let readable = decoded.as_deref().unwrap_or(path);
        let oddities = survey(readable)?;
        let loose = (oddities != Oddities::default()).then(|| loosen(readable));
        Ok(Self { raw, path_length, decoded, loose, oddities })
    }

    /// Path and query exactly as they came and as they are forwarded.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The path as it came, without the query.
    pub fn path(&self) -> &'a str {
        self.raw.get(..self.path_length).unwrap_or(self.raw)
    }

    /// The path with every escape decoded, where it has any: what an upstream that decodes before it routes would read.
    pub fn decoded_path(&self) -> Option<&str> {
        self.decoded.as_deref()
    }

    /// The path as the loosest upstream would read it, where it holds an oddity: `%2F` a separator, `//` one slash, no `;…`.
    pub fn loose_path(&self) -> Option<&str> {
        self.loose.as_deref()
    }

    /// The spellings in it that only some routes allow.
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }
}

/// What is left of a target without whole segments at its beginning: a path that begins with `/`, or nothing of it, then the
/// query byte for byte. `None` where the target does not begin with them.
pub fn without_prefix<'a>(raw: &'a str, prefix: &str) -> Option<&'a str> {
    raw.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// Decodes every escape once. `%2F` becomes [`SLASH_AS_DATA`], so that it is not taken for a separator.
pub(crate) fn decode(path: &str) -> Result<String, PathFault> {
    let bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            decoded.push(byte);
            at += 1;
            continue;
        }
        match hex_pair(bytes, at + 1).ok_or(PathFault::BadEscape)? {
            0..=0x1f | 0x7f => return Err(PathFault::EncodedControl),
            b'\\' => return Err(PathFault::EncodedBackslash),
            b'.' => return Err(PathFault::EncodedDot),
            b'/' => decoded.push(SLASH_AS_DATA as u8),
            value => decoded.push(value),
        }
        at += 3;
    }
    let twice = |(at, byte): (usize, &u8)| *byte == b'%' && encodes_again(&decoded, at + 1);
    if decoded.iter().enumerate().any(twice) {
        return Err(PathFault::DoubleEncoding);
    }
    String::from_utf8(decoded).map_err(|_| PathFault::NotUtf8)
}

impl std::fmt::Debug for Target<'_> {
    /// Without the query: credentials stand there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({:?})", self.path())
    }
}

/// Looks at a decoded path segment by segment. A slash that is data ends a segment here too, and so does a semicolon: a
/// dot cannot hide behind either.
fn survey(path: &str) -> Result<Oddities, PathFault> {
    let dots = |piece: &str| piece == "." || piece == "..";
    let bytes = path.as_bytes();
    if bytes.contains(&b'.')
        && path.split(['/', SLASH_AS_DATA]).any(|segment| segment.split(';').next().is_some_and(dots))
    {
        return Err(PathFault::DotSegment);
    }
    Ok(Oddities {
        semicolon: bytes.contains(&b';'),
        encoded_slash: bytes.contains(&(SLASH_AS_DATA as u8)),
        empty_segment: bytes.windows(2).any(|pair| pair == b"//"),
    })
}

fn loosen(path: &str) -> String {
    let mut loose = String::with_capacity(path.len());
    for (index, segment) in path.split(['/', SLASH_AS_DATA]).enumerate() {
        if index > 0 && !loose.ends_with('/') {
            loose.push('/');
        }
        loose.push_str(segment.split(';').next().unwrap_or_default());
    }
    loose
}

/// Whether the text after a `%25` is, once decoded (any number of times), an escape of a character that matters.
fn encodes_again(bytes: &[u8], mut at: usize) -> bool {
    while let Some(value) = hex_pair(bytes, at) {
        match value {
            b'%' => at += 2,
            b'/' | b'\\' | b'.' | b';' | 0..=0x1f => return true,
            _ => return false,
        }
    }
    false
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |index: usize| bytes.get(index).and_then(|b| char::from(*b).to_digit(16));
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn debug_holds_no_query() {
        let shown = format!("{:?}", Target::parse("/a?key=secret"));
        assert!(shown.contains("/a") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn path_spellings() {
        // tests/tables/paths.txt: raw target | refusal, or what a route would have to allow, or ok
        for row in include_str!("../tests/tables/paths.txt").lines() {
            if row.starts_with('#') || row.trim().is_empty() {
                continue;
            }
            let (raw, expected) = row.split_once(" | ").unwrap();
            let raw = raw.trim().replace("<NUL>", "\0").replace("<TAB>", "\t").replace("<SP>", " ");
            let got = match Target::parse(&raw) {
                Err(fault) => format!("{fault:?}"),
                Ok(target) => match target.oddities().beyond(Oddities::default()) {
                    Some(fault) => format!("unless allowed {fault:?}"),
                    None => match target.decoded_path() {
                        Some(decoded) => format!("ok, read as {decoded}"),
                        None => "ok".to_owned(),
                    },
                },
            };
            assert_eq!(got, expected.trim(), "{row}");
        }
    }

    #[test]
    fn prefixes_are_whole_segments() {
        for (raw, prefix, rest) in [
            ("/api/x?y=/api/z", "/api", Some("/x?y=/api/z")),
            ("/api/", "/api", Some("/")),
            ("/api", "/api", Some("")),
            ("/api?q", "/api", Some("?q")),
            ("/api/v1/x%20y", "/api/v1", Some("/x%20y")),
            ("/apis/x", "/api", None),
            ("/api;v=1/x", "/api", None),
            ("/api%2Fx", "/api", None),
            ("/%61pi/x", "/api", None),
            ("/API/x", "/api", None),
            ("/x/api", "/api", None),
        ] {
            assert_eq!(without_prefix(raw, prefix), rest, "{raw} {prefix}");
        }
    }

    proptest! {
        /// What is forwarded is what was judged: the prefix and the rest are the target, cut at the end of a segment.
        #[test]
        fn a_prefix_and_its_rest_are_the_target(raw in "/(api|apis|%61pi|;|%2F|/|\\?q=/api){0,6}", prefix in "/api(/api)?") {
            if let Some(rest) = without_prefix(&raw, &prefix) {
                prop_assert_eq!(&format!("{prefix}{rest}"), &raw);
                prop_assert!(rest.is_empty() || rest.starts_with(['/', '?']));
            }
        }

        /// Whatever passes has one reading: no way of decoding it leads out of the directory it names.
        #[test]
        fn what_passes_never_climbs(raw in "/([a-c./;%25efEF\\\\#?]|%2[eEfF5]|%3[bB]|%5c|%00|%61){0,24}") {
            if let Ok(target) = Target::parse(&raw) {
                prop_assert_eq!(target.raw(), raw.as_str());
                let mut text = target.path().to_owned();
                for _ in 0..4 {
                    for segment in text.split(['/', '\\']) {
                        let name = segment.split(';').next().unwrap_or_default();
                        prop_assert!(name != "." && name != "..", "{} hides {}", raw, text);
                    }
                    text = loose_decode(&text);
                }
            }
        }

        #[test]
        fn no_input_panics(raw in ".{0,64}") {
            let _ = Target::parse(&raw);
        }
    }

    /// Decodes as the most forgiving upstream would.
    fn loose_decode(text: &str) -> String {
        let bytes = text.as_bytes();
        let mut out = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            match (bytes[at], hex_pair(bytes, at + 1)) {
                (b'%', Some(value)) => {
                    out.push(value);
                    at += 3;
                }
                (byte, _) => {
                    out.push(byte);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}
