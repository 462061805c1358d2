//! One exchange: check the head, decide, and pass the request on with its permit or answer why not.

use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use keyward_core::decision::{Decision, Fault};
use keyward_core::machine::{Permit, RequestFacts};
use keyward_core::route::Destination;
use keyward_engine::mark::Verdict;
use keyward_engine::worker::{Judged, Snapshot};
use keyward_http::answer::UpstreamFault;
use keyward_http::caller::{Caller, CallerFault};
use keyward_http::cors::Page;
use keyward_http::problem::Answer;

use crate::body::{Download, Wire};
use crate::client::{Client, Reply, Visit, dress};
use crate::note::Note;
use crate::per_core::Ways;
use crate::refused::{FOREIGN_PAGE, MALFORMED, Refused};
use crate::{forward, head, own};

/// Answers one request, whatever becomes of it.
pub(crate) async fn answer(client: &Client, request: Request<Wire>) -> Response<Download> {
    client.watch.begin(!request.body().is_end_stream());
    let snapshot = client.core.worker.snapshot();
    let bodiless = *request.method() == Method::HEAD;
    let ways = client.core.ways(snapshot.version());
    let caller = match &ways {
        Some(ways) => ways.proxies.caller(client.peer, request.headers()),
        None => Ok(Caller::direct(client.peer)),
    };
    let address = caller.as_ref().map_or(client.peer, |caller| caller.address);
    let cors = ways.as_ref().and_then(|ways| ways.cors.as_ref());
    let page = cors.map(|cors| cors.page(request.method(), request.headers()));
    let mut note = Note::begin(client, address, &snapshot, &request);
    let met = Met { client, snapshot: &snapshot, ways: ways.as_deref(), caller: &caller, page: page.as_ref() };
    let mut response = match pass(met, request, &mut note).await {
        Ok(response) => {
            note.allowed(response.status());
            response
        }
        Err(refused) => {
            note.refused(&refused);
            dress(refused.answer, bodiless, &client.watch)
        }
    };
    if let (Some(cors), Some(page)) = (cors, &page) {
        cors.mark(&mut response, page);
    }
    response
}

/// A request before anything was found wrong with it.
#[derive(Clone, Copy)]
struct Met<'a> {
    client: &'a Client,
    snapshot: &'a Snapshot,
    ways: Option<&'a Ways>,
    caller: &'a Result<Caller, CallerFault>,
    /// The page behind it, where pages are looked at.
    page: Option<&'a Page>,
}

async fn pass(met: Met<'_>, request: Request<Wire>, note: &mut Note<'_>) -> Reply {
    let Met { client, snapshot, .. } = met;
    let most = client.core.limits.header_bytes;
    if let Err(fault) = head::check(&request, most) {
        let (outcome, detail) = fault.words();
        return Err(Refused::head(fault, note.judge(Verdict::of(outcome, Some(detail))).id()));
    }
    let caller = match met.caller {
        Ok(caller) => caller,
        Err(fault) => {
            let judged = note.judge(Verdict::of(MALFORMED, Some(fault.text())));
            return Err(Refused::nameless(*fault, judged.id()));
        }
    };
    let Some(ways) = met.ways else {
        let judged = note.judge(Verdict::of("Unavailable", Some(Fault::Busy.as_str())));
        return Err(Refused::faulted(Fault::Busy, judged.id()));
    };
    let visit = Visit { client, snapshot, ways, caller };
    if let Some((page, asked)) = met.page.and_then(|page| Some((page, page.preflight()?))) {
        return preflight(visit, page.may_call(), asked, &request, note);
    }
    let (permit, judged) = decide(visit, &request, note).await?;
    match judged.rules().routes.get(permit.route()).map(|route| route.destination) {
        Some(Destination::Upstream(place)) => forward::forward(visit, judged, permit, place, request).await,
        Some(Destination::Own(endpoint)) => own::call(visit, note, permit, endpoint, request).await,
        // A permit names a route of the rules that made it.
        None => Err(Refused::upstream(UpstreamFault::Unreachable, judged.id())),
    }
}

/// A browser's question whether a page may send a request. It carries no credential, so route and address alone are judged,
/// those of the request that it asks about; and it is never forwarded.
fn preflight(
    visit: Visit<'_>,
    page_may_call: bool,
    method: &Method,
    request: &Request<Wire>,
    note: &mut Note<'_>,
) -> Reply {
    let Visit { client, snapshot, caller, .. } = visit;
    let target = head::target(request);
    let facts = RequestFacts { client: caller.address, method, target: &target, headers: request.headers() };
    match client.core.worker.would_be_asked(snapshot, facts) {
        Err(denial) => {
            let judged = note.denied(&denial);
            Err(Refused::denied(&denial, judged.rules(), &facts, judged.id()))
        }
        Ok(route) if page_may_call => {
            note.preflight(route);
            let mut nothing = Answer::default();
            *nothing.status_mut() = StatusCode::NO_CONTENT;
            Ok(dress(nothing, false, &client.watch))
        }
        Ok(route) => {
            let (outcome, detail) = FOREIGN_PAGE;
            let judged = note.judge(Verdict { route: Some(route), ..Verdict::of(outcome, Some(detail)) });
            Err(Refused::foreign_page(judged.id()))
        }
    }
}

async fn decide<'a>(
    visit: Visit<'_>,
    request: &Request<Wire>,
    note: &mut Note<'a>,
) -> Result<(Permit, Judged<'a>), Box<Refused>> {
    let Visit { client, snapshot, caller, .. } = visit;
    let target = head::target(request);
    let (method, headers) = (request.method(), request.headers());
    let facts = RequestFacts { client: caller.address, method, target: &target, headers };
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
