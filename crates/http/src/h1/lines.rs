//! A head as it comes, line by line: each byte is looked at once, however small the pieces are.

use keyward_core::fields::{Fields, Place};

use super::is_token;

/// Why bytes are no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// A line that ends in LF alone (RFC 9112 §2.2 lets a recipient take it; those behind may not).
    BareLf,
    /// A CR that ends no line, a NUL or another control.
    Control,
    /// A line that begins with a blank: a folded field (RFC 9112 §5.2), or a blank before the first one.
    Folded,
    /// A field without a colon, without a name, or with a blank or another byte in it that no name has (RFC 9112 §5.1).
    Name,
    /// More than one empty line before the start line.
    Empty,
    /// More fields than are taken.
    TooMany,
    /// More bytes than are taken.
    TooLarge,
}

impl LineFault {
    /// What is wrong, as the end of a sentence about the head.
    pub const fn text(self) -> &'static str {
        match self {
            Self::BareLf => "has a line that ends in LF without CR",
            Self::Control => "has a control character",
            Self::Folded => "has a line that begins with a blank",
            Self::Name => "has a field whose name is none",
            Self::Empty => "begins with empty lines",
            Self::TooMany => "has more fields than are taken here",
            Self::TooLarge => "is larger than is taken here",
        }
    }
}

/// What a head may use up.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// Bytes, the empty line at its end included.
    pub bytes: usize,
    /// Fields.
    pub fields: usize,
}

/// A head that is being read, and once it is whole, where everything in it stands. One is used again and again.
#[derive(Debug, Default)]
pub struct Lines {
    line: usize,
    looked: usize,
    start: Option<(usize, usize)>,
    places: Vec<Place>,
}

impl Lines {
    /// Forgets the head.
    pub fn reset(&mut self) {
        (self.line, self.looked, self.start) = (0, 0, None);
        self.places.clear();
    }

    /// Goes on over what has come so far. Gives the length of the head when it is whole; call it again with more bytes,
    /// the same ones first, when it is not.
    ///
    /// # Errors
    /// [`LineFault`], as soon as it shows.
    pub fn advance(&mut self, bytes: &[u8], most: Most) -> Result<Option<usize>, LineFault> {
        loop {
            let rest = bytes.get(self.looked..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest).map(|at| self.looked + at) else {
                self.looked = bytes.len();
                return if bytes.len() >= most.bytes { Err(LineFault::TooLarge) } else { Ok(None) };
            };
            if end >= most.bytes {
                return Err(LineFault::TooLarge);
            }
            let line = bytes.get(self.line..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").ok_or(LineFault::BareLf)?;
            let from = self.line;
            (self.line, self.looked) = (end + 1, end + 1);
            match (self.start, line.is_empty()) {
                (Some(_), true) => return Ok(Some(end + 1)),
                // One empty line before a request is taken, for old clients that send one too many (RFC 9112 §2.2).
                (None, true) if from == 0 => {}
                (None, true) => return Err(LineFault::Empty),
                (None, false) => self.start = Some((from, from + line.len())),
                (Some(_), false) if self.places.len() >= most.fields => return Err(LineFault::TooMany),
                (Some(_), false) => self.places.push(field(line, from)?),
            }
        }
    }

    /// The start line.
    pub(super) fn start<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.start.and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default()
    }

    /// The fields.
    pub fn fields<'a>(&'a self, bytes: &'a [u8]) -> Fields<'a> {
        Fields::Places(bytes, &self.places)
    }

    /// How long the head is, once it is whole.
    pub fn length(&self) -> usize {
        self.line
    }

    /// Whether a byte of a head has come.
    pub fn has_begun(&self) -> bool {
        self.looked > 0
    }
}

/// Reads `name: value` that begins at a place. The blanks around a value are no part of it (RFC 9112 §5.1).
fn field(line: &[u8], from: usize) -> Result<Place, LineFault> {
    let colon = line.iter().position(|byte| !is_token(*byte));
    let colon = match colon {
        Some(0) if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) => return Err(LineFault::Folded),
        Some(at) if at > 0 && line.get(at) == Some(&b':') => at,
        _ => return Err(LineFault::Name),
    };
    let value = line.get(colon + 1..).unwrap_or_default();
    // Over all bytes, whatever the first ones say: so it is done for many at once.
    if value.iter().fold(false, |found, byte| found | is_control(*byte)) {
        return Err(LineFault::Control);
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let leading = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let trailing = value.iter().rposition(|byte| !is_blank(byte)).map_or(leading, |last| last + 1);
    let place = |at: usize| u32::try_from(from + at).unwrap_or(u32::MAX);
    Ok(Place {
        name: place(0),
        name_end: place(colon),
        value: place(colon + 1 + leading),
        value_end: place(colon + 1 + trailing),
    })
}

/// Controls; HTAB is a blank (RFC 9110 §5.5).
fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}
