//! A permitted request on its way to an upstream, and the upstream's answer on its way back.

use std::rc::Rc;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use keyward_core::machine::Permit;
use keyward_engine::worker::Judged;
use keyward_http::answer::UpstreamFault;
use keyward_http::edits::{Passing, remove_hop_by_hop};
use keyward_http::limits::Told;
use keyward_http::names::DECISION;

use crate::body::{Download, Upload, Wire};
use crate::client::{Client, Reply, Visit, dress};
use crate::demo;
use crate::per_core::Upstream;
use crate::pool::Pool;
use crate::refused::Refused;
use crate::watch::{Late, Uploaded, Watch};

/// Forwards a request with its permit, which ends here.
pub(crate) async fn forward(
    visit: Visit<'_>,
    judged: Judged<'_>,
    permit: Permit,
    place: usize,
    request: Request<Wire>,
) -> Reply {
    let Visit { client, ways, caller, .. } = visit;
    let limit = client.core.limits.body_bytes;
    if let Some(limit) = limit.filter(|limit| request.body().size_hint().lower() > *limit) {
        return Err(Refused::too_large(limit, judged.id()));
    }
    let (mut parts, body) = request.into_parts();
    let body = Upload::new(body, limit, Rc::clone(&client.watch));
    let passing = Passing {
        permit: &permit,
        decision: judged.id(),
        rules: judged.rules(),
        caller,
        told_by: ways.proxies.header(),
        scheme: "http",
    };
    ways.edits.apply(&mut parts.headers, &passing);
    let sent = match ways.upstreams.get(place) {
        Some(Upstream::Http(pool)) => {
            make_ready(&mut parts, &body, pool.host());
            client.watch.bounded(through(pool, Request::from_parts(parts, body), &client.watch)).await
        }
        Some(Upstream::Demo) => client.watch.bounded(demo(&parts, body, &permit, &client.watch)).await,
        None => Ok(Err(UpstreamFault::Unreachable)),
    };
    match sent {
        Ok(Ok(mut response)) => {
            let (rules, standings, decision) = (judged.rules(), permit.standings(), judged.id());
            Told { rules, standings, exceeded: None, decision }.set(response.headers_mut());
            Ok(response)
        }
        Ok(Err(fault)) => Err(failed(client, judged, Ok(fault))),
        Err(late) => Err(failed(client, judged, Err(late))),
    }
}

type Sent = Result<Response<Download>, UpstreamFault>;

async fn through(pool: &Rc<Pool>, request: Request<Upload>, watch: &Rc<Watch>) -> Sent {
    let (mut response, lease) = pool.send(request).await?;
    if response.status().is_informational() {
        // 101, for an upgrade that was never asked for; hyper keeps the others to itself.
        return Err(UpstreamFault::Garbage);
    }
    *response.version_mut() = Version::HTTP_11;
    remove_what_is_not_for_the_client(response.headers_mut());
    Ok(response.map(|body| Download::upstream(body, lease, watch)))
}

async fn demo(parts: &Parts, body: Upload, permit: &Permit, watch: &Rc<Watch>) -> Sent {
    demo::drain(body).await.map_err(|_| UpstreamFault::Unreachable)?;
    Ok(dress(demo::echo(parts, permit.principal()), parts.method == Method::HEAD, watch))
}

/// What is left to make a request that the codec writes as we mean it.
fn make_ready(parts: &mut Parts, body: &Upload, host: &HeaderValue) {
    parts.version = Version::HTTP_11;
    if let Some(named) = parts.uri.authority() {
        if let Ok(named) = HeaderValue::from_str(named.as_str()) {
            // Where a Host came beside it, they were found to be the same.
            parts.headers.entry(HOST).or_insert(named);
        }
        // Origin form, byte for byte what was judged (RFC 9112 §3.2.1).
        parts.uri = parts.uri.path_and_query().cloned().map(Uri::from).unwrap_or_default();
    }
    // Only HTTP/1.0 may come without.
    parts.headers.entry(HOST).or_insert_with(|| host.clone());
    if !body.is_end_stream() && body.size_hint().exact().is_none() {
        // Said outright, or the codec would drop the body of a GET.
        parts.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        parts.headers.remove(CONTENT_LENGTH);
    }
}

/// Why there is no answer: the client's body may be to blame.
fn failed(client: &Client, judged: Judged<'_>, why: Result<UpstreamFault, Late>) -> Box<Refused> {
    let id = judged.id();
    match (client.watch.uploaded(), why) {
        (Uploaded::Outgrown, _) => Refused::too_large(client.core.limits.body_bytes.unwrap_or_default(), id),
        (Uploaded::Broken, _) => Refused::body_missing(StatusCode::BAD_REQUEST, id),
        (Uploaded::Awaited, Err(Late)) => Refused::body_missing(StatusCode::REQUEST_TIMEOUT, id),
        (_, Err(Late)) => Refused::upstream(UpstreamFault::Timeout, id),
        (_, Ok(fault)) => Refused::upstream(fault, id),
    }
}

fn remove_what_is_not_for_the_client(headers: &mut HeaderMap) {
    if headers.contains_key(TRANSFER_ENCODING) {
        // The codec went by the former, so the latter is a lie (RFC 9112 §6.3).
        headers.remove(CONTENT_LENGTH);
    }
    remove_hop_by_hop(headers);
    // Only Keyward says that Keyward answered.
    headers.remove(DECISION);
}
