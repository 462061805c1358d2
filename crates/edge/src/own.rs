//! A permitted request to one of Keyward's own endpoints: buffered, sent to the control side, answered.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};
use keyward_core::decision::Fault;
use keyward_core::fields::Fields;
use keyward_core::machine::Permit;
use keyward_core::route::Endpoint;
use keyward_http::bounds;
use keyward_http::h1::Framing;
use keyward_http::h1::chunked::{Chunks, Piece};
use keyward_http::oauth::Shown;
use keyward_http::own::{OwnReply, OwnRequest};

use crate::buffer::fill;
use crate::client::{Client, Visit, Wire};
use crate::exchange::{BROKEN, LATE, Outcome, Reply};
use crate::note::{self, Note};
use crate::refused::Refused;
use crate::watch::{Late, Uploaded};

/// Calls an own endpoint.
pub(crate) async fn call(
    visit: Visit<'_>,
    wire: &mut Wire,
    note: &mut Note<'_>,
    (permit, endpoint): (Permit, Endpoint),
) -> Outcome {
    let Visit { client, request, .. } = visit;
    let own = OwnRequest {
        endpoint,
        method: request.method.clone(),
        target: request.target.into(),
        json: is_declared(request.fields, "application/json"),
        form: is_declared(request.fields, "application/x-www-form-urlencoded"),
        authorization: match endpoint {
            Endpoint::Token | Endpoint::Exchange | Endpoint::Revoke | Endpoint::Introspect => Shown::of(request.fields),
            _ => Shown::Nothing,
        },
        file: match endpoint {
            Endpoint::Portal => about_a_file(request.fields),
            _ => HeaderMap::new(),
        },
        body: collect(visit, wire, note, endpoint).await?,
        names: Arc::clone(&visit.ways.requests),
        client: visit.caller.address,
        permit,
        ids: note::ids(note),
        now: note.now(),
    };
    let mut asked = std::pin::pin!(client.core.own.call(own));
    let answered = client.watch.bounded(poll_fn(|cx| {
        if let Poll::Ready(answer) = asked.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        wire.poll_gone(cx, client).map(|_| None)
    }));
    match answered.await {
        Ok(Some(Some(OwnReply { mut answer, refusal: None }))) => {
            visit.ways.responses.answer(endpoint, &request.method, &mut answer);
            Ok(Reply::Own(answer))
        }
        Ok(Some(Some(OwnReply { answer, refusal: Some(refusal) }))) => {
            note.retract(refusal.outcome, refusal.detail);
            Err(Refused::by_endpoint(answer, refusal))
        }
        Ok(Some(None)) => {
            let id = note.retract("Unavailable", Fault::Busy.as_str());
            Err(Refused::faulted(Fault::Busy, id))
        }
        Ok(None) => Ok(Reply::Nothing),
        // It may be done all the same, under the id that it was given.
        Err(Late) => Err(Refused::faulted(Fault::Timeout, note.id())),
    }
}

/// The whole body, of which nothing was given to the endpoint where it is refused.
async fn collect(
    visit: Visit<'_>,
    wire: &mut Wire,
    note: &mut Note<'_>,
    endpoint: Endpoint,
) -> Result<Bytes, Box<Refused>> {
    let Visit { client, request, .. } = visit;
    let most = u64::try_from(bounds::body(endpoint)).unwrap_or(u64::MAX);
    let limit = client.core.limits.body_bytes.unwrap_or(u64::MAX).min(most);
    let mut too_large = || Refused::too_large(limit, note.retract("TooLarge", "body"));
    if matches!(request.framing, Framing::Length(length) if length > limit) {
        return Err(too_large());
    }
    if request.framing.is_empty() {
        return Ok(Bytes::new());
    }
    wire.invite(client, request).await;
    let status = match client.watch.bounded(whole(client, wire, request.framing, limit)).await {
        Ok(Ok(body)) => {
            client.watch.set_uploaded(Uploaded::Whole);
            return Ok(body);
        }
        Ok(Err(Uploaded::Outgrown)) => return Err(too_large()),
        Ok(Err(_)) => BROKEN,
        Err(Late) => LATE,
    };
    Err(Refused::body_missing(status, note.retract("Incomplete", "body")))
}

/// Reads a body that nobody wants to its end; whether it came.
pub(crate) async fn read_over(client: &Client, wire: &mut Wire, framing: Framing, most: u64) -> bool {
    let read = client.watch.bounded(whole(client, wire, framing, most)).await;
    let is_over = matches!(read, Ok(Ok(_)));
    if is_over {
        client.watch.set_uploaded(Uploaded::Whole);
    }
    is_over
}

async fn whole(client: &Client, wire: &mut Wire, framing: Framing, limit: u64) -> Result<Bytes, Uploaded> {
    let mut body = BytesMut::new();
    let mut chunks = Chunks::default();
    loop {
        while !wire.input.is_empty() {
            let count = match framing {
                Framing::Chunked => match chunks.take(wire.input.filled()).map_err(|_| Uploaded::Broken)? {
                    Piece::Data(count) => count,
                    // Nobody here asks for what comes behind a body.
                    Piece::Framing(count) | Piece::Trailer(count) => {
                        wire.input.consume(count);
                        continue;
                    }
                    Piece::End(count) => {
                        wire.input.consume(count);
                        return Ok(body.freeze());
                    }
                },
                Framing::Length(length) => {
                    let left = length.saturating_sub(body.len() as u64);
                    usize::try_from(left).unwrap_or(usize::MAX).min(wire.input.filled().len())
                }
                Framing::Empty | Framing::UntilClose => 0,
            };
            body.extend_from_slice(wire.input.filled().get(..count).unwrap_or_default());
            wire.input.consume(count);
            if body.len() as u64 > limit {
                return Err(Uploaded::Outgrown);
            }
            if matches!(framing, Framing::Length(length) if body.len() as u64 == length) {
                return Ok(body.freeze());
            }
        }
        match fill(&mut wire.input, &mut wire.io, 0, &client.core.buffers).await {
            Ok(0) | Err(_) => return Err(Uploaded::Broken),
            Ok(_) => client.watch.progress(),
        }
    }
}

fn about_a_file(fields: Fields<'_>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for name in [ACCEPT_ENCODING, IF_NONE_MATCH] {
        for value in fields.values(name.as_str()) {
            // What is no value of a header asks for nothing.
            let _ = HeaderValue::from_bytes(value).map(|value| map.append(&name, value));
        }
    }
    map
}

fn is_declared(fields: Fields<'_>, media: &str) -> bool {
    let declared = fields.values(CONTENT_TYPE.as_str()).next().and_then(|value| std::str::from_utf8(value).ok());
    let kind = declared.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(media)
}
