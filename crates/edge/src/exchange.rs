//! One exchange: check the head, decide, and pass the request on with its permit or answer why not.

use http::{Method, Request, Response};
use http_body::Body as _;
use keyward_core::decision::Decision;
use keyward_core::machine::{Permit, RequestFacts};
use keyward_core::route::Destination;
use keyward_engine::mark::Verdict;
use keyward_engine::worker::{Judged, Snapshot};
use keyward_http::answer::UpstreamFault;

use crate::body::{Download, Wire};
use crate::client::{Client, Reply, dress};
use crate::note::Note;
use crate::refused::Refused;
use crate::{forward, head, own};

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
    if let Err(fault) = head::check(&request, most) {
        let (outcome, detail) = fault.words();
        return Err(Refused::head(fault, note.judge(Verdict::of(outcome, Some(detail))).id()));
    }
    let (permit, judged) = decide(client, snapshot, &request, note).await?;
    match judged.rules().routes.get(permit.route()).map(|route| route.destination) {
        Some(Destination::Upstream(place)) => forward::forward(client, judged, permit, place, request).await,
        Some(Destination::Own(endpoint)) => own::call(client, note, permit, endpoint, request).await,
        // A permit names a route of the rules that made it.
        None => Err(Refused::upstream(UpstreamFault::Unreachable, judged.id())),
    }
}

async fn decide<'a>(
    client: &Client,
    snapshot: &Snapshot,
    request: &Request<Wire>,
    note: &mut Note<'a>,
) -> Result<(Permit, Judged<'a>), Box<Refused>> {
    let target = head::target(request);
    let facts =
        RequestFacts { client: client.address, method: request.method(), target: &target, headers: request.headers() };
    match client.core.worker.decide(snapshot, facts).await {
        Ok(Decision::Allow(permit)) => {
            let judged = note.permitted(&permit);
            Ok((permit, judged))
        }
        Ok(Decision::Deny(denial)) => {
            let judged = note.denied(&denial);
            Err(Refused::denied(&denial, judged.rules(), &facts, judged.id()))
        }
        Err(fault) => {
            let judged = note.judge(Verdict::of("Unavailable", Some(fault.as_str())));
            Err(Refused::faulted(fault, judged.id()))
        }
    }
}
