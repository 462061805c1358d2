//! A permitted request to one of Keyward's own endpoints: buffered, sent to the control side, answered.

use std::future::poll_fn;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use keyward_core::decision::Fault;
use keyward_core::fields::Fields;
use keyward_core::machine::Permit;
use keyward_core::route::Endpoint;
use keyward_engine::worker::Judged;
use keyward_http::h1::chunked::{Chunks, Piece};
use keyward_http::h1::Framing;
use keyward_http::h1::request::Request;
use keyward_http::own::{MAX_BODY, OwnRequest};

use crate::buffer::fill;
use crate::client::{Client, Wire};
use crate::exchange::{BROKEN, LATE, Outcome, Reply};
use crate::refused::Refused;
use crate::watch::{Late, Uploaded};

/// Calls an own endpoint.
pub(crate) async fn call(
    client: &Client,
    wire: &mut Wire,
    request: &Request<'_>,
    (judged, permit, endpoint): (Judged<'_>, Permit, Endpoint),
) -> Outcome {
    let own = OwnRequest {
        endpoint,
        method: request.method.clone(),
        target: request.target.into(),
        json: is_json(request.fields),
        body: collect(client, wire, request, judged).await?,
        client: client.address,
        permit,
        decision: judged.id(),
        now: judged.now(),
    };
    let mut asked = std::pin::pin!(client.core.own.call(own));
    let answered = client.watch.bounded(poll_fn(|cx| {
        if let Poll::Ready(answer) = asked.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        wire.poll_gone(cx, client).map(|_| None)
    }));
    match answered.await {
        Ok(Some(Some(answer))) => Ok(Reply::Own(answer)),
        Ok(Some(None)) => Err(Refused::faulted(Fault::Busy, judged.id())),
        Ok(None) => Ok(Reply::Nothing),
        Err(Late) => Err(Refused::faulted(Fault::Timeout, judged.id())),
    }
}

async fn collect(
    client: &Client,
    wire: &mut Wire,
    request: &Request<'_>,
    judged: Judged<'_>,
) -> Result<Bytes, Box<Refused>> {
    let id = judged.id();
    let limit = client.core.limits.body_bytes.unwrap_or(u64::MAX).min(MAX_BODY as u64);
    if matches!(request.framing, Framing::Length(length) if length > limit) {
        return Err(Refused::too_large(limit, id));
    }
    if request.framing.is_empty() {
        return Ok(Bytes::new());
    }
    if request.expects_continue {
        let _ = wire.send(client, b"HTTP/1.1 100 Continue\r\n\r\n").await;
    }
    match client.watch.bounded(whole(client, wire, request.framing, limit)).await {
        Ok(Ok(body)) => {
            client.watch.set_uploaded(Uploaded::Whole);
            Ok(body)
        }
        Ok(Err(Uploaded::Outgrown)) => Err(Refused::too_large(limit, id)),
        Ok(Err(_)) => Err(Refused::body_missing(BROKEN, id)),
        Err(Late) => Err(Refused::body_missing(LATE, id)),
    }
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
                    Piece::Framing(count) => {
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

fn is_json(fields: Fields<'_>) -> bool {
    let declared = fields.values(CONTENT_TYPE.as_str()).next().and_then(|value| std::str::from_utf8(value).ok());
    let kind = declared.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}
