//! What our own reader makes of the bytes of a whole connection: which requests pass, which are refused, and how it ends.

use http::Method;
use keyward_core::path::{Oddities, Target};
use keyward_http::h1::Framing;
use keyward_http::h1::chunked::{Chunks, Piece};
use keyward_http::h1::lines::{Lines, Most};
use keyward_http::h1::request::Request;

use super::recorder::Sent;

/// One answer that is due, and what passes for it.
#[derive(Debug)]
pub struct Step {
    pub passes: Option<Sent>,
    /// The answer has no body: to HEAD.
    pub bodiless: bool,
}

/// How a connection ends after its last whole request.
#[derive(Debug)]
pub enum End {
    /// Nothing more came.
    Clean,
    /// The last request said that none follows; what came behind it is nobody's.
    Closed,
    /// In the middle of a head: there is nothing to answer.
    CutHead,
    /// A head is refused, and all that follows.
    BadHead,
    /// In the middle of a body, or where it cannot be read: this much of the request is known.
    BadBody { begun: Sent, is_cut: bool },
}

const MOST: Most = Most { bytes: 64 * 1024, fields: 100 };

/// Reads all bytes that a client sends. Every path leads upstream, where it has one reading.
pub fn judge(mut bytes: &[u8]) -> (Vec<Step>, End) {
    let mut steps = Vec::new();
    loop {
        if bytes.is_empty() {
            return (steps, End::Clean);
        }
        let mut lines = Lines::default();
        let length = match lines.advance(bytes, MOST) {
            Ok(Some(length)) => length,
            Ok(None) => return (steps, End::CutHead),
            Err(_) => return (steps, End::BadHead),
        };
        let Ok(request) = Request::read(&lines, bytes) else { return (steps, End::BadHead) };
        bytes = &bytes[length..];
        let (method, target) = (request.method.as_str().to_owned(), request.target.to_owned());
        let bodiless = request.method == Method::HEAD;
        let (body, taken) = body(request.framing, bytes);
        let passes = Target::parse(request.target).is_ok_and(|path| path.oddities() == Oddities::default());
        let sent = Sent { method, target, body };
        match taken {
            Ok(taken) => bytes = &bytes[taken..],
            Err(_) if !passes => {
                steps.push(Step { passes: None, bodiless });
                return (steps, End::Closed);
            }
            Err(is_cut) => return (steps, End::BadBody { begun: sent, is_cut }),
        }
        steps.push(Step { passes: passes.then_some(sent), bodiless });
        if !request.keep_alive {
            return (steps, End::Closed);
        }
    }
}

/// A body as far as it can be read, and how many bytes it took; or else whether it is merely cut off.
fn body(framing: Framing, bytes: &[u8]) -> (Vec<u8>, Result<usize, bool>) {
    let mut data = Vec::new();
    let length = match framing {
        Framing::Chunked => {
            let (mut chunks, mut at) = (Chunks::default(), 0);
            while !chunks.is_at_end() {
                let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { return (data, Err(true)) };
                match chunks.take(rest) {
                    Ok(Piece::Framing(count) | Piece::Trailer(count) | Piece::End(count)) => at += count,
                    Ok(Piece::Data(count)) => {
                        data.extend_from_slice(&rest[..count]);
                        at += count;
                    }
                    Err(_) => return (data, Err(false)),
                }
            }
            return (data, Ok(at));
        }
        Framing::Length(length) => usize::try_from(length).unwrap_or(usize::MAX),
        Framing::Empty | Framing::UntilClose => 0,
    };
    data.extend_from_slice(&bytes[..length.min(bytes.len())]);
    (data, if bytes.len() >= length { Ok(length) } else { Err(true) })
}
