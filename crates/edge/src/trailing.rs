//! Which fields pass behind a body that is in chunks on both connections.

use std::rc::Rc;

use http::header::{CONNECTION, TRAILER};
use keyward_core::fields::{Fields, Name};
use keyward_engine::worker::Snapshot;
use keyward_http::h1::{Framing, members, write};
use keyward_http::trailers::pass_in_answer;

use crate::upstream::Upstream;

/// What is let through.
pub(crate) struct Trailing {
    /// What `Connection` names, which is of one connection: its values.
    hops: Vec<u8>,
    /// Where it goes to an upstream: by what its head was edited.
    edited: Option<Box<(Rc<Upstream>, Snapshot)>>,
}

impl Trailing {
    /// Behind a request.
    pub(crate) fn of_request(
        fields: Fields<'_>,
        framing: Framing,
        (upstream, snapshot): (&Rc<Upstream>, &Snapshot),
    ) -> Option<Self> {
        let edited = || Some(Box::new((Rc::clone(upstream), snapshot.clone())));
        (framing == Framing::Chunked).then(|| Self { hops: hops(fields), edited: edited() })
    }

    /// Behind an answer, framed one way there and another way here.
    pub(crate) fn of_answer(fields: Fields<'_>, from: Framing, to: Framing) -> Option<Self> {
        (from == Framing::Chunked && to == Framing::Chunked).then(|| Self { hops: hops(fields), edited: None })
    }

    /// Whether a field may pass.
    pub(crate) fn passes(&self, name: Name<'_>) -> bool {
        let of_this_side = members(&self.hops).any(|hop| hop.eq_ignore_ascii_case(name.as_bytes()));
        let passes = match &self.edited {
            Some(edited) => edited.0.edits.pass_trailer(name, edited.1.rules()),
            None => pass_in_answer(name),
        };
        passes && !of_this_side
    }

    /// Writes `Trailer` (RFC 9110 §6.6.2) as far as what it announces will pass.
    pub(crate) fn announce(&self, fields: Fields<'_>, out: &mut Vec<u8>) {
        for value in fields.values(TRAILER.as_str()) {
            for name in members(value)
                .filter_map(|name| std::str::from_utf8(name).ok())
                .filter(|name| self.passes((*name).into()))
            {
                write::field(out, TRAILER.as_str().as_bytes(), name.as_bytes());
            }
        }
    }
}

fn hops(fields: Fields<'_>) -> Vec<u8> {
    let mut hops = Vec::new();
    for value in fields.values(CONNECTION.as_str()) {
        hops.extend_from_slice(value);
        hops.push(b',');
    }
    hops
}
