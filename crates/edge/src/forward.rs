//! A permitted request on its way to an upstream, up to the head of its answer.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::StatusCode;
use keyward_core::machine::Permit;
use keyward_core::path::without_prefix;
use keyward_engine::upstreams::Tried;
use keyward_engine::worker::Judged;
use keyward_http::answer::UpstreamFault;
use keyward_http::edits::{Passing, visit_answer};
use keyward_http::h1::lines::Most;
use keyward_http::h1::request::Request;
use keyward_http::h1::response::Response;
use keyward_http::h1::{Framing, Version, write};
use keyward_http::limits::Told;

use crate::client::{Client, Visit, Wire};
use crate::demo;
use crate::exchange::{BROKEN, LATE, Outcome, Reply};
use crate::guard::Stopped;
use crate::pool::{Lease, Pool};
use crate::pump::{Pump, PumpFault};
use crate::refused::Refused;
use crate::relay;
use crate::trailing::Trailing;
use crate::upstream::Upstream;
use crate::watch::Uploaded;

/// The most that the head of an upstream's answer may use up.
const ANSWER: Most = Most { bytes: 256 * 1024, fields: 256 };

/// Leave to go, and where to.
pub(crate) struct Leave<'a> {
    pub(crate) judged: Judged<'a>,
    pub(crate) permit: Permit,
    pub(crate) place: usize,
}

/// What came instead of an answer's head.
pub(crate) enum NoAnswer {
    Upstream(UpstreamFault),
    /// The client's body did not come, or was too long.
    Upload(Uploaded),
    ClientGone,
}

/// Forwards a request with its permit, which ends here.
pub(crate) async fn forward(visit: Visit<'_>, wire: &mut Wire, leave: Leave<'_>) -> Outcome {
    let Visit { client, ways, request, .. } = visit;
    let Leave { judged, permit, place } = leave;
    let limit = client.core.limits.body_bytes;
    if let (Framing::Length(length), Some(limit)) = (request.framing, limit)
        && length > limit
    {
        return Err(Refused::too_large(limit, judged.id()));
    }
    // A permit names a route of the rules that made it, and its path begins with what the route strips.
    let (Some(upstream), Some(target)) = (ways.upstreams.get(place), Forwarded::of(request, judged, &permit)) else {
        return Err(Refused::upstream(UpstreamFault::Unreachable, judged.id()));
    };
    client.watch.keep(upstream.pace);
    if upstream.is_demo() {
        return demo::answer(visit, (upstream, target), judged, &permit);
    }
    // Answered here: an upstream that does not know it would make both wait.
    wire.invite(client, request).await;
    let trailing = Trailing::of_request(request.fields, request.framing, (upstream, visit.snapshot));
    let mut announced = Vec::new();
    if let Some(trailing) = &trailing {
        trailing.announce(request.fields, &mut announced);
    }
    let token = token(upstream, judged, &permit);
    let head = |pool: &Pool| {
        let passing = Passing { token: token.as_deref(), ..passing(visit, judged, &permit, pool.host()) };
        head(visit, (upstream, target), &passing, &announced)
    };
    let mut up = Pump::new(Vec::new(), request.framing, request.framing, limit).with_trailer(trailing);
    let sent = visit.asked().guarded(send(visit, wire, (&mut up, upstream), head)).await;
    let why = match sent {
        Ok(Ok(lease)) => {
            let answering = relay::begin(visit, (up, lease), told(judged, &permit));
            upstream.answered(answering.status());
            return Ok(Reply::Upstream(answering));
        }
        Ok(Err(NoAnswer::ClientGone)) => return Ok(Reply::Nothing),
        Ok(Err(why)) => why,
        Err(Stopped::Ended(why)) => return Ok(Reply::Ended(why)),
        Err(Stopped::Late) if client.watch.uploaded() == Uploaded::Awaited => {
            return Err(Refused::body_missing(LATE, judged.id()));
        }
        Err(Stopped::Late) => NoAnswer::Upstream(UpstreamFault::Timeout),
    };
    Err(match why {
        NoAnswer::Upload(Uploaded::Outgrown) => Refused::too_large(limit.unwrap_or_default(), judged.id()),
        NoAnswer::Upload(_) | NoAnswer::ClientGone => Refused::body_missing(BROKEN, judged.id()),
        NoAnswer::Upstream(fault) => {
            upstream.failed(fault);
            Refused::upstream(fault, judged.id())
        }
    })
}

/// The target that the upstream gets: byte for byte the one that was judged, less what its route strips.
#[derive(Clone, Copy)]
pub(crate) struct Forwarded<'a> {
    pub(crate) rest: &'a str,
}

impl<'a> Forwarded<'a> {
    pub(crate) fn of(request: &Request<'a>, judged: Judged<'_>, permit: &Permit) -> Option<Self> {
        let route = judged.rules().routes.get(permit.route())?;
        let rest = match &route.strip_prefix {
            None => request.target,
            Some(prefix) => without_prefix(request.target, prefix)?,
        };
        Some(Self { rest })
    }

    /// What stands before the rest, so that a path begins with a slash whatever was stripped.
    pub(crate) fn slash(self) -> &'static str {
        if self.rest.starts_with('/') { "" } else { "/" }
    }
}

/// The head of the request as the upstream gets it, in origin form (RFC 9112 §3.2.1); `trailer` is what it announces.
fn head(
    visit: Visit<'_>,
    (upstream, target): (&Upstream, Forwarded<'_>),
    passing: &Passing<'_>,
    trailer: &[u8],
) -> Vec<u8> {
    let Visit { client, request, .. } = visit;
    let mut out = client.core.buffers.head();
    out.extend_from_slice(request.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.slash().as_bytes());
    out.extend_from_slice(target.rest.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    upstream.edits.write(request.fields, passing, &mut out);
    // What is of one connection was removed above; this is what we ask of ours.
    match request.upgrade {
        Some(upgrade) => write::upgrade(&mut out, upgrade),
        None if request.takes_trailers => write::takes_trailers(&mut out),
        None => {}
    }
    out.extend_from_slice(trailer);
    write::framing(&mut out, request.framing);
    out.extend_from_slice(b"\r\n");
    out
}

/// Where the caller stands with the limits that this was charged to.
pub(crate) fn told<'a>(judged: Judged<'a>, permit: &'a Permit) -> Told<'a> {
    Told {
        rules: judged.rules(),
        caller: permit.credential(),
        standings: permit.standings(),
        exceeded: None,
        decision: judged.id(),
    }
}

/// A request as the edits see it.
pub(crate) fn passing<'a>(visit: Visit<'a>, judged: Judged<'a>, permit: &'a Permit, upstream: &'a [u8]) -> Passing<'a> {
    Passing {
        permit,
        decision: judged.id(),
        rules: judged.rules(),
        version: visit.snapshot.version(),
        caller: visit.caller,
        told_by: visit.ways.proxies.header(),
        scheme: visit.client.carried.scheme(),
        host: visit.request.host,
        upstream,
        token: None,
    }
}

/// The signed token of who calls, where the upstream is given one.
pub(crate) fn token(upstream: &Upstream, judged: Judged<'_>, permit: &Permit) -> Option<Rc<[u8]>> {
    upstream.vouched.as_ref()?.token(permit, judged.now().wall)
}

/// Sends a request and waits for the head of its answer.
///
/// A kept connection may have been closed by the upstream a moment ago. The request then goes once more over a new one, if
/// nothing of it was sent, or if it is idempotent and empty (RFC 9110 §9.2.2, RFC 9112 §9.3.1). One of HTTP/2 may do so, whatever
/// its method, where the upstream says that it did not begin it and what was sent of it is at hand (RFC 9113 §8.7).
async fn send(
    visit: Visit<'_>,
    wire: &mut Wire,
    (up, upstream): (&mut Pump, &Upstream),
    head: impl Fn(&Pool) -> Vec<u8>,
) -> Result<Lease, NoAnswer> {
    let Visit { client, request, .. } = visit;
    let mut tried = Tried::default();
    let mut lease = upstream.take(request, &mut tried).await.map_err(NoAnswer::Upstream)?;
    let may_repeat = request.framing.is_empty() && request.method.is_idempotent();
    let mut is_repeated = false;
    up.begin_with(head(&lease.pool), lease.connection.io.is_stream());
    loop {
        lease.connection.lines.reset();
        let awaited = poll_fn(|cx| poll_head(cx, client, wire, (up, &mut lease), request)).await;
        match awaited {
            Ok(()) => {
                up.let_go();
                return Ok(lease);
            }
            Err(NoAnswer::Upstream(UpstreamFault::Unreachable)) if !lease.connection.lines.has_begun() => {
                let is_stale = lease.connection.is_used && (may_repeat || !up.has_begun());
                let is_unprocessed = !is_repeated && up.is_whole() && lease.connection.io.is_unprocessed();
                if !is_stale && !is_unprocessed {
                    return Err(NoAnswer::Upstream(UpstreamFault::Unreachable));
                }
                is_repeated = true;
                lease = upstream.renew(request, lease, &mut tried).await.map_err(NoAnswer::Upstream)?;
                up.rewind(head(&lease.pool), lease.connection.io.is_stream());
            }
            Err(why) => return Err(why),
        }
    }
}

/// Sends on what comes from the client, until the head of an answer is whole that is not merely informational.
fn poll_head(
    cx: &mut Context<'_>,
    client: &Client,
    wire: &mut Wire,
    (up, lease): (&mut Pump, &mut Lease),
    request: &Request<'_>,
) -> Poll<Result<(), NoAnswer>> {
    let connection = &mut lease.connection;
    let upload = poll_upload(cx, client, wire, (up, &mut connection.io));
    // An upstream that takes no more may have answered already.
    let takes_no_more = match upload {
        Some(NoAnswer::Upstream(_)) => true,
        Some(why) => return Poll::Ready(Err(why)),
        None => false,
    };
    loop {
        if !connection.input.is_empty() {
            let garbage = NoAnswer::Upstream(UpstreamFault::Garbage);
            match connection.lines.advance(connection.input.filled(), ANSWER) {
                Err(_) => return Poll::Ready(Err(garbage)),
                Ok(None) => {}
                Ok(Some(length)) => {
                    let Ok(answer) = Response::read(&connection.lines, connection.input.filled(), &request.method)
                    else {
                        return Poll::Ready(Err(garbage));
                    };
                    match answer.status {
                        // An upgrade that was never asked for, or to something else (RFC 9110 §7.8).
                        StatusCode::SWITCHING_PROTOCOLS => {
                            let is_asked_for = request.upgrade.is_some() && answer.upgrade == request.upgrade;
                            return Poll::Ready(if is_asked_for && up.is_done() { Ok(()) } else { Err(garbage) });
                        }
                        status if status.is_informational() => {
                            connection.input.consume(length);
                            connection.lines.reset();
                            continue;
                        }
                        _ => return Poll::Ready(Ok(())),
                    }
                }
            }
        }
        match connection.input.poll_fill(cx, &mut connection.io, ANSWER.bytes, &client.core.buffers) {
            Poll::Ready(Ok(count)) if count > 0 => client.watch.progress(),
            Poll::Ready(_) => return Poll::Ready(Err(NoAnswer::Upstream(UpstreamFault::Unreachable))),
            Poll::Pending if takes_no_more => {
                return Poll::Ready(Err(NoAnswer::Upstream(UpstreamFault::Unreachable)));
            }
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// Sends on what comes from the client; why that cannot go on, if it cannot.
pub(crate) fn poll_upload(
    cx: &mut Context<'_>,
    client: &Client,
    wire: &mut Wire,
    (up, to): (&mut Pump, &mut crate::io::Io),
) -> Option<NoAnswer> {
    if up.is_done() {
        return wire.poll_gone(cx, client).is_ready().then_some(NoAnswer::ClientGone);
    }
    match up.poll(cx, (&mut wire.io, &mut wire.input), to, (&client.watch, &client.core.buffers)) {
        Poll::Ready(Ok(())) => {
            client.watch.set_uploaded(Uploaded::Whole);
            wire.poll_gone(cx, client).is_ready().then_some(NoAnswer::ClientGone)
        }
        Poll::Ready(Err(PumpFault::To)) => Some(NoAnswer::Upstream(UpstreamFault::Unreachable)),
        Poll::Ready(Err(PumpFault::From)) => {
            client.watch.set_uploaded(Uploaded::Broken);
            Some(NoAnswer::Upload(Uploaded::Broken))
        }
        Poll::Ready(Err(PumpFault::TooLong)) => {
            client.watch.set_uploaded(Uploaded::Outgrown);
            Some(NoAnswer::Upload(Uploaded::Outgrown))
        }
        Poll::Pending => {
            client.watch.set_uploaded(if up.is_read() { Uploaded::Partly } else { Uploaded::Awaited });
            None
        }
    }
}

/// The head of the answer as the client gets it, and how its body is framed there.
pub(crate) fn answer_head(
    visit: Visit<'_>,
    answer: &Response<'_>,
    told: Told<'_>,
    goes_on: bool,
) -> (Vec<u8>, Framing, Option<Trailing>) {
    let Visit { client, ways, request, snapshot, page, .. } = visit;
    let is_old = request.version == Version::Http10;
    let framing = match answer.framing {
        Framing::Chunked | Framing::UntilClose if is_old => Framing::UntilClose,
        Framing::UntilClose => Framing::Chunked,
        other => other,
    };
    let mut out = client.core.buffers.head();
    write::status(&mut out, answer.status, answer.reason);
    // What has no body tells of the length that it would have (RFC 9110 §8.6), except where it may not.
    let keeps_length = answer.framing == Framing::Empty
        && answer.status != StatusCode::NO_CONTENT
        && answer.status != StatusCode::SWITCHING_PROTOCOLS;
    let keeps = (keeps_length, ways.cors.is_none());
    visit_answer(answer.fields, keeps, &mut |name: &[u8], value: &[u8]| {
        if !told.replaces(name) {
            write::field(&mut out, name, value);
        }
    });
    told.write(&mut out);
    if let (Some(cors), Some(page)) = (&ways.cors, page) {
        for (name, value) in cors.told(answer.status, answer.fields, page) {
            write::field(&mut out, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    if !answer.fields.contain("date") {
        client.core.date(snapshot.now().wall, &mut out);
    }
    let trailing = Trailing::of_answer(answer.fields, answer.framing, framing);
    if let Some(trailing) = &trailing {
        trailing.announce(answer.fields, &mut out);
    }
    write::framing(&mut out, framing);
    match answer.upgrade {
        Some(upgrade) => write::upgrade(&mut out, upgrade),
        None => write::connection(&mut out, goes_on && framing != Framing::UntilClose, is_old),
    }
    out.extend_from_slice(b"\r\n");
    (out, framing, trailing)
}
