//! Bodies in chunks (RFC 9112 §7.1), read strictly: sizes in plain hexadecimal, line ends of CR and LF. Extensions
//! are read over; nobody behind sees them. Trailers are told apart, for whoever passes them on (`crate::trailers`).

/// Where the reading of a body in chunks stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunks {
    state: State,
    /// What the framing alone may still use up: extensions and trailers cost their sender, not us.
    overhead: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a size, so far, of so many digits.
    Size(u64, u8),
    /// After the `;` between a size, or an extension, and the next extension.
    Extension(u64),
    /// In an extension, outside quotes.
    Named(u64),
    /// In a quoted value of one.
    Quoted(u64),
    /// After a backslash in there.
    Escaped(u64),
    /// After the CR of a size's line.
    SizeLf(u64),
    /// So many bytes of data to go.
    Data(u64),
    DataCr,
    DataLf,
    /// At the beginning of a line of the trailer, or of the end.
    Trailer,
    TrailerLine,
    TrailerLf,
    EndLf,
    End,
}

/// The body is not in chunks, or their framing is larger than is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadChunk;

/// What comes next in the bytes at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes of framing, to be left out.
    Framing(usize),
    /// So many bytes of the body.
    Data(usize),
    /// So many bytes of the trailer section, without the empty line that ends it.
    Trailer(usize),
    /// The body is at its end, after so many bytes of framing.
    End(usize),
}

/// The most bytes of extensions, trailers and needless zeros in one body.
const MOST_OVERHEAD: u32 = 64 * 1024;
/// The most digits of a size.
const MOST_DIGITS: u8 = 15;

impl Default for Chunks {
    fn default() -> Self {
        Self { state: State::Size(0, 0), overhead: MOST_OVERHEAD }
    }
}

impl Chunks {
    /// Whether the body is at its end.
    pub fn is_at_end(&self) -> bool {
        self.state == State::End
    }

    /// Takes the next piece off the front of these bytes, which must not be empty.
    ///
    /// # Errors
    /// [`BadChunk`].
    pub fn take(&mut self, bytes: &[u8]) -> Result<Piece, BadChunk> {
        if let State::Data(left) = self.state {
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let left = left - here as u64;
            self.state = if left == 0 { State::DataCr } else { State::Data(left) };
            return Ok(Piece::Data(here));
        }
        let of_trailer = matches!(self.state, State::Trailer | State::TrailerLine | State::TrailerLf);
        let piece = |count| if of_trailer { Piece::Trailer(count) } else { Piece::Framing(count) };
        for (at, byte) in bytes.iter().enumerate() {
            // Where a trailer section begins, and where its last line is over.
            if at > 0 && self.state == State::Trailer && of_trailer == (*byte == b'\r') {
                return Ok(piece(at));
            }
            self.state = self.step(*byte)?;
            match self.state {
                State::End => return Ok(Piece::End(at + 1)),
                State::Data(_) => return Ok(Piece::Framing(at + 1)),
                _ => {}
            }
        }
        Ok(if self.state == State::EndLf { Piece::Framing(bytes.len()) } else { piece(bytes.len()) })
    }

    fn step(&mut self, byte: u8) -> Result<State, BadChunk> {
        match (self.state, byte) {
            (State::Size(size, digits), _) if byte.is_ascii_hexdigit() => {
                if digits >= MOST_DIGITS {
                    return Err(BadChunk);
                }
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Ok(State::Size(size << 4 | u64::from(digit), digits + 1))
            }
            (State::Size(size, 1..), b'\r') => Ok(State::SizeLf(size)),
            // A blank before `;` is a known disagreement between readers (RFC 9112 §7.1.1: "bad whitespace").
            (State::Size(size, 1..), b';') => Ok(State::Extension(size)),
            (State::Named(size), b'\r') => Ok(State::SizeLf(size)),
            (State::Extension(_) | State::Named(_) | State::Quoted(_) | State::Escaped(_), _) => {
                self.spend()?;
                extension(self.state, byte).ok_or(BadChunk)
            }
            (State::TrailerLine, _) if plain(byte) => {
                self.spend()?;
                Ok(self.state)
            }
            (State::SizeLf(0), b'\n') => Ok(State::Trailer),
            (State::SizeLf(size), b'\n') => Ok(State::Data(size)),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size(0, 0)),
            (State::Trailer, b'\r') => Ok(State::EndLf),
            (State::Trailer, _) if super::is_token(byte) => {
                self.spend()?;
                Ok(State::TrailerLine)
            }
            (State::TrailerLine, b'\r') => Ok(State::TrailerLf),
            (State::TrailerLf, b'\n') => Ok(State::Trailer),
            (State::EndLf, b'\n') => Ok(State::End),
            _ => Err(BadChunk),
        }
    }

    fn spend(&mut self) -> Result<(), BadChunk> {
        self.overhead = self.overhead.checked_sub(1).ok_or(BadChunk)?;
        Ok(())
    }
}

/// Goes on in an extension (RFC 9112 §7.1.1). What it says is nothing to us; where it ends must be beyond doubt, so it has a
/// name, no blank outside quotes, and every quote has its other one.
fn extension(state: State, byte: u8) -> Option<State> {
    match (state, byte) {
        (State::Extension(size), _) if super::is_token(byte) => Some(State::Named(size)),
        (State::Named(size), b';') => Some(State::Extension(size)),
        (State::Named(size), b'"') => Some(State::Quoted(size)),
        (State::Named(size), _) if byte == b'=' || super::is_token(byte) => Some(State::Named(size)),
        (State::Quoted(size), b'"') => Some(State::Named(size)),
        (State::Quoted(size), b'\\') => Some(State::Escaped(size)),
        (State::Quoted(size) | State::Escaped(size), _) if plain(byte) => Some(State::Quoted(size)),
        _ => None,
    }
}

/// What may stand in a line: no control but HTAB.
fn plain(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}
