//! One exchange: check the head, decide, and pass the request on with its permit or answer why not.

use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request, Response};
use http_body::Body as _;
use keyward_core::decision::Decision;
use keyward_core::machine::{Permit, RequestFacts};
use keyward_core::route::Destination;
use keyward_engine::worker::Snapshot;
use keyward_http::answer::UpstreamFault;
use keyward_http::problem::Answer;

use crate::body::{Download, Wire};
use crate::note::Note;
use crate::per_core::Core;
use crate::refused::Refused;
use crate::watch::Watch;
use crate::{forward, head, own};

/// One client's connection: what all its requests have in common.
pub(crate) struct Client {
    pub(crate) core: Rc<Core>,
    pub(crate) watch: Rc<Watch>,
    pub(crate) address: IpAddr,
}

/// An answer, or why the request got none of anybody else's.
pub(crate) type Reply = Result<Response<Download>, Box<Refused>>;

/// Answers one request, whatever becomes of it.
pub(crate) async fn answer(client: &Client, request: Request<Wire>) -> Response<Download> {
    client.watch.begin(!request.body().is_end_stream());
    let snapshot = client.core.worker.snapshot();
    let bodiless = *request.method() == Method::HEAD;
    let mut note = Note::begin(client, &snapshot, &request);
    match pass(client, &snapshot, request, &mut note).await {
        Ok(response) => {
            note.allowed(response.status());
            response
        }
        Err(refused) => {
            note.refused(&refused);
            dress(refused.answer, bodiless, &client.watch)
        }
    }
}

async fn pass(client: &Client, snapshot: &Snapshot, request: Request<Wire>, note: &mut Note<'_>) -> Reply {
    let most = client.core.limits.header_bytes;
    head::check(&request, most).map_err(|fault| Refused::head(fault, snapshot.id()))?;
    let permit = decide(client, snapshot, &request, note).await?;
    match snapshot.rules().routes.get(permit.route()).map(|route| route.destination) {
        Some(Destination::Upstream(place)) => forward::forward(client, snapshot, permit, place, request).await,
        Some(Destination::Own(endpoint)) => own::call(client, snapshot, permit, endpoint, request).await,
        // A permit names a route of the rules that made it.
        None => Err(Refused::upstream(UpstreamFault::Unreachable, snapshot.id())),
    }
}

async fn decide(
    client: &Client,
    snapshot: &Snapshot,
    request: &Request<Wire>,
    note: &mut Note<'_>,
) -> Result<Permit, Box<Refused>> {
    let target = head::target(request);
    let facts =
        RequestFacts { client: client.address, method: request.method(), target: &target, headers: request.headers() };
    match client.core.worker.decide(snapshot, facts).await {
        Ok(Decision::Allow(permit)) => {
            note.permitted(&permit);
            Ok(permit)
        }
        Ok(Decision::Deny(denial)) => {
            note.denied(&denial);
            Err(Refused::denied(&denial, snapshot.rules(), &facts, snapshot.id()))
        }
        Err(fault) => Err(Refused::faulted(fault, snapshot.id())),
    }
}

/// An answer of ours as a response. To HEAD it has the same fields and no content (RFC 9110 §9.3.2).
pub(crate) fn dress(answer: Answer, bodiless: bool, watch: &Rc<Watch>) -> Response<Download> {
    let (mut parts, mut body) = answer.into_parts();
    if bodiless {
        if !body.is_empty() {
            parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(body.len()));
        }
        body = Bytes::new();
    }
    Response::from_parts(parts, Download::own(body, watch))
}
