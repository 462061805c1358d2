//! A whole body before its request is decided on, for the signature over it. It stays where it came in, with its framing, so
//! that what was checked goes on to the upstream as it is.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use keyward_core::decision::Fault;
use keyward_core::machine::Awaiting;
use keyward_engine::mark::Verdict;
use keyward_http::h1::Framing;
use keyward_http::h1::chunked::{Chunks, Piece};

use crate::buffer::fill;
use crate::client::{Client, Visit, Wire};
use crate::config::Timeouts;
use crate::exchange::{BROKEN, LATE};
use crate::held::{Held, NoRoom};
use crate::note::Note;
use crate::refused::Refused;
use crate::watch::{Late, Pace};

/// How long a body may take in all.
const IN_ALL: Duration = Duration::from_secs(30);
/// What chunks may take beside their data, beyond as many bytes again.
const FRAMING: usize = 64 * 1024;

/// Why there is no whole body.
enum Missing {
    TooLarge,
    Broken,
    NoRoom,
}

impl From<NoRoom> for Missing {
    fn from(_: NoRoom) -> Self {
        Self::NoRoom
    }
}

/// How far a body has come.
struct Progress {
    framing: Framing,
    chunks: Chunks,
    /// How much of what was read is looked at, framing included.
    seen: usize,
    /// How much of it is data.
    data: usize,
    is_whole: bool,
}

/// The whole body without its framing, and what it holds of memory.
///
/// # Errors
/// 413 if it is too large, 400 or 408 if it did not come, 503 if there is no room for it.
pub(crate) async fn whole<'w>(
    visit: Visit<'_>,
    wire: &'w mut Wire,
    note: &mut Note<'_>,
    awaiting: &Awaiting<'_>,
) -> Result<(Cow<'w, [u8]>, Held), Box<Refused>> {
    let Visit { client, request, caller, .. } = visit;
    let most = client.core.limits.body_bytes.unwrap_or(u64::MAX).min(awaiting.most());
    let refuse = |note: &mut Note<'_>, outcome, detail| {
        note.judge(Verdict { route: Some(awaiting.route()), ..Verdict::of(outcome, Some(detail)) }).id()
    };
    if matches!(request.framing, Framing::Length(length) if length > most) {
        return Err(Refused::too_large(most, refuse(note, "TooLarge", "body")));
    }
    wire.invite(client, request).await;
    let read = client.core.limits.signed_body_timeout;
    client.watch.keep(Pace::new(&Timeouts { read, total: Some(IN_ALL), ..Timeouts::default() }));
    let gathered = client.watch.bounded(gather(client, wire, (request.framing, caller.address), most)).await;
    client.watch.keep_own();
    let why = match gathered {
        Ok(Ok((progress, held))) => return Ok((progress.body(wire), held)),
        Ok(Err(why)) => why,
        Err(Late) => return Err(Refused::body_missing(LATE, refuse(note, "Incomplete", "body"))),
    };
    Err(match why {
        Missing::TooLarge => Refused::too_large(most, refuse(note, "TooLarge", "body")),
        Missing::Broken => Refused::body_missing(BROKEN, refuse(note, "Incomplete", "body")),
        Missing::NoRoom => Refused::faulted(Fault::Bodies, refuse(note, "Unavailable", Fault::Bodies.as_str())),
    })
}

async fn gather(
    client: &Client,
    wire: &mut Wire,
    (framing, caller): (Framing, IpAddr),
    most: u64,
) -> Result<(Progress, Held), Missing> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // With its framing it takes more room, and chunks of one byte as much as anybody likes.
    let with_framing = match framing {
        Framing::Chunked => most.saturating_mul(2).saturating_add(FRAMING),
        _ => most,
    };
    let mut held = client.core.bodies.hold(caller);
    let is_whole = framing.is_empty();
    let mut progress = Progress { framing, chunks: Chunks::default(), seen: 0, data: 0, is_whole };
    loop {
        progress.look(wire.input.filled())?;
        if progress.data > most {
            return Err(Missing::TooLarge);
        }
        if progress.is_whole {
            // Data in chunks is put together, which takes room once more.
            let again = if framing == Framing::Chunked { progress.data } else { 0 };
            held.grow_to(wire.input.room() + again)?;
            return Ok((progress, held));
        }
        if wire.input.filled().len() >= with_framing {
            return Err(Missing::TooLarge);
        }
        held.grow_to(wire.input.room_to_fill(with_framing))?;
        match fill(&mut wire.input, &mut wire.io, with_framing, &client.core.buffers).await {
            Ok(0) | Err(_) => return Err(Missing::Broken),
            Ok(_) => client.watch.progress(),
        }
    }
}

impl Progress {
    /// Looks at what came since.
    fn look(&mut self, filled: &[u8]) -> Result<(), Missing> {
        if let Framing::Length(length) = self.framing {
            let length = usize::try_from(length).map_err(|_| Missing::TooLarge)?;
            self.data = filled.len().min(length);
            self.is_whole = self.data == length;
            return Ok(());
        }
        while let Some(rest) = filled.get(self.seen..).filter(|rest| !rest.is_empty() && !self.is_whole) {
            let count = match self.chunks.take(rest).map_err(|_| Missing::Broken)? {
                Piece::Data(count) => {
                    self.data += count;
                    count
                }
                Piece::Framing(count) | Piece::Trailer(count) => count,
                Piece::End(count) => {
                    self.is_whole = true;
                    count
                }
            };
            self.seen += count;
        }
        Ok(())
    }

    /// The data of a body that is whole.
    fn body(self, wire: &Wire) -> Cow<'_, [u8]> {
        let filled = wire.input.filled();
        if self.framing != Framing::Chunked {
            return Cow::Borrowed(filled.get(..self.data).unwrap_or_default());
        }
        let (mut body, mut chunks, mut at) = (Vec::with_capacity(self.data), Chunks::default(), 0);
        while let Some(rest) = filled.get(at..self.seen).filter(|rest| !rest.is_empty()) {
            match chunks.take(rest) {
                Ok(Piece::Data(count)) => {
                    body.extend_from_slice(rest.get(..count).unwrap_or_default());
                    at += count;
                }
                Ok(Piece::Framing(count) | Piece::Trailer(count)) => at += count,
                // It was read to its end before.
                Ok(Piece::End(_)) | Err(_) => break,
            }
        }
        Cow::Owned(body)
    }
}
