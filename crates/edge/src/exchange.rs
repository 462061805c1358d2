//! One exchange: understand the head, decide, and pass the request on with its permit or answer why not.

use std::rc::Rc;

use http::{Method, StatusCode};
use keyward_core::decision::{Decision, DecisionId, Fault};
use keyward_core::machine::{Permit, RequestFacts};
use keyward_core::path::Target;
use keyward_core::plane::Plane;
use keyward_core::route::Destination;
use keyward_core::webhook::Delivery;
use keyward_engine::mark::Verdict;
use keyward_engine::sightings::{Seen, agent};
use keyward_engine::worker::{Begun, Ending, Judged, Proved, Snapshot};
use keyward_http::answer::UpstreamFault;
use keyward_http::caller::{Caller, CallerFault};
use keyward_http::cors::Page;
use keyward_http::h1::lines::LineFault;
use keyward_http::h1::request::{Request, RequestFault};
use keyward_http::h1::{Framing, Version};
use keyward_http::problem::Answer;

use crate::arrival::Carried;
use crate::client::{Client, Manner, Visit, Wire};
use crate::forward;
use crate::gather;
use crate::guard::Asked;
use crate::held::Held;
use crate::note::{self, Note};
use crate::own;
use crate::per_core::Ways;
use crate::refused::{FOREIGN_PAGE, IN_THE_CLEAR, MALFORMED, Refused};
use crate::relay::Answering;

/// How much of a body that nobody wants is read over, to keep its connection.
const READ_OVER: u64 = 64 * 1024;

/// What is to be sent back.
pub(crate) enum Reply {
    /// An answer of our own.
    Own(Answer),
    /// What an upstream answers: its head, and its body as it comes.
    Upstream(Box<Answering>),
    /// Nothing: the client has gone.
    Nothing,
    /// Nothing more: it may not go on.
    Ended(Ending),
}

/// What a request came to.
pub(crate) type Outcome = Result<Reply, Box<Refused>>;

/// Runs one exchange, whose head is of this length. Whether another may follow on this connection.
pub(crate) async fn run(client: &Client, wire: &mut Wire, length: usize) -> bool {
    wire.invited = false;
    // The head stays where it is while its body, and what follows, goes on in another buffer.
    let lines = std::mem::take(&mut wire.lines);
    let rest = wire.input.split(length, &client.core.buffers);
    let mut head = std::mem::replace(&mut wire.input, rest);
    let goes_on = match Request::read(&lines, head.filled()) {
        Ok(request) => {
            client.watch.begin(!request.framing.is_empty());
            answer(client, wire, &request).await
        }
        Err(fault) => refuse_request(client, wire, fault).await,
    };
    head.give_back(&client.core.buffers);
    wire.lines = lines;
    goes_on
}

/// Refuses bytes that are no head, and what follows them.
pub(crate) async fn refuse_lines(client: &Client, wire: &mut Wire, fault: LineFault) -> bool {
    client.watch.begin(true);
    refuse(client, wire, |id| Refused::lines(fault, id)).await
}

/// Refuses what is no request that is taken here, and what follows it.
pub(crate) async fn refuse_request(client: &Client, wire: &mut Wire, fault: RequestFault) -> bool {
    client.watch.begin(true);
    refuse(client, wire, |id| Refused::request(fault, id)).await
}

async fn refuse(client: &Client, wire: &mut Wire, why: impl Fn(DecisionId) -> Box<Refused>) -> bool {
    let snapshot = client.core.worker.snapshot();
    let mut note = Note::begin(note::desk(client), client.peer, &snapshot, ("GET", ""));
    let told = why(DecisionId::default());
    let mut refused = why(note.judge(Verdict { detail: told.detail, ..Verdict::of(told.outcome, None) }).id());
    if let Some(ways) = client.core.ways(snapshot.version()) {
        refused.reword(&ways.responses);
    }
    note::refused(&mut note, &refused);
    drop(note);
    let manner = Manner { bodiless: false, is_old: false, goes_on: false, now: snapshot.now().wall };
    let _ = wire.answer(client, &refused.answer, manner).await;
    false
}

async fn answer(client: &Client, wire: &mut Wire, request: &Request<'_>) -> bool {
    let snapshot = client.core.worker.snapshot();
    let ways = client.core.ways(snapshot.version());
    let caller = match &ways {
        Some(ways) => ways.proxies.caller(client.peer, request.fields),
        None => Ok(Caller::direct(client.peer)),
    };
    let address = caller.as_ref().map_or(client.peer, |caller| caller.address);
    let cors = ways.as_ref().and_then(|ways| ways.cors.as_ref());
    let page = cors.map(|cors| cors.page(&request.method, request.fields));
    let path = request.target.split_once('?').map_or(request.target, |(path, _)| path);
    let mut note = Note::begin(note::desk(client), address, &snapshot, (request.method.as_str(), path));
    let met = Met { client, snapshot: &snapshot, ways: ways.as_ref(), caller: &caller, page: page.as_ref() };
    let mut answer = match pass(met, wire, request, &mut note).await {
        Ok(Reply::Upstream(answering)) => {
            note.allowed(answering.status().as_u16());
            drop(note);
            return answering.relay(Asked { client, request, address }, wire).await;
        }
        Ok(Reply::Own(answer)) => {
            note.allowed(answer.status().as_u16());
            answer
        }
        Ok(Reply::Nothing) => return false,
        Ok(Reply::Ended(why)) => {
            note.ended(why);
            return false;
        }
        Err(mut refused) => {
            if let Some(ways) = &ways {
                refused.reword(&ways.responses);
            }
            note::refused(&mut note, &refused);
            refused.answer
        }
    };
    drop(note);
    if let (Some(cors), Some(page)) = (cors, &page) {
        cors.mark(&mut answer, page);
    }
    send(client, wire, request, (&answer, &snapshot)).await
}

/// Sends an answer of our own. Whether another request may follow.
async fn send(
    client: &Client,
    wire: &mut Wire,
    request: &Request<'_>,
    (answer, snapshot): (&Answer, &Snapshot),
) -> bool {
    // A body that nobody read is read over, if it is small; one that the client may never send ends the connection.
    let has_body = client.watch.has_unread();
    let is_small =
        !request.expects_continue && !matches!(request.framing, Framing::Length(length) if length > READ_OVER);
    let goes_on = request.keep_alive && (!has_body || is_small) && !client.core.is_stopping();
    let manner = Manner {
        bodiless: request.method == Method::HEAD,
        is_old: request.version == Version::Http10,
        goes_on,
        now: snapshot.now().wall,
    };
    let is_sent = wire.answer(client, answer, manner).await.is_ok();
    is_sent && goes_on && (!has_body || own::read_over(client, wire, request.framing, READ_OVER).await)
}

/// A request before anything was found wrong with it.
#[derive(Clone, Copy)]
struct Met<'a> {
    client: &'a Client,
    snapshot: &'a Snapshot,
    ways: Option<&'a Rc<Ways>>,
    caller: &'a Result<Caller, CallerFault>,
    /// The page behind it, where pages are looked at.
    page: Option<&'a Page>,
}

async fn pass(met: Met<'_>, wire: &mut Wire, request: &Request<'_>, note: &mut Note<'_>) -> Outcome {
    let Met { client, snapshot, page, .. } = met;
    if client.carried == Carried::ClearRefused {
        let (outcome, detail) = IN_THE_CLEAR;
        return Err(Refused::in_the_clear(note.judge(Verdict::of(outcome, Some(detail))).id()));
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
    let visit = Visit { client, snapshot, ways, caller, request, page };
    if let Some((page, asked)) = page.and_then(|page| Some((page, page.preflight()?))) {
        return preflight(visit, page.may_call(), asked, note);
    }
    let Passed { permit, judged, proof } = decide(visit, wire, note).await?;
    let outcome = go(visit, wire, note, (permit, judged)).await;
    if let Some(Proof { delivery: Some(delivery), .. }) = proof.as_deref()
        && is_untaken(&outcome)
    {
        client.core.worker.forget(delivery);
    }
    outcome
}

/// Whether nobody took what was delivered, so that its sender may send the same once more. What timed out may have been taken.
fn is_untaken(outcome: &Outcome) -> bool {
    let status = match outcome {
        Ok(Reply::Upstream(answering)) => answering.status(),
        Ok(Reply::Own(answer)) => answer.status(),
        Ok(Reply::Nothing | Reply::Ended(_)) => return false,
        Err(refused) => refused.answer.status(),
    };
    status.is_server_error() && status != StatusCode::GATEWAY_TIMEOUT
}

/// Goes where a permit leads.
async fn go(visit: Visit<'_>, wire: &mut Wire, note: &mut Note<'_>, (permit, judged): (Permit, Judged<'_>)) -> Outcome {
    let Visit { client, ways, .. } = visit;
    match judged.rules().routes.get(permit.route()).map(|route| route.destination) {
        Some(Destination::Upstream(place)) => {
            forward::forward(visit, wire, forward::Leave { judged, permit, place }).await
        }
        Some(Destination::Own(endpoint)) => {
            // Nobody says otherwise of bodies for Keyward itself.
            ways.upstreams.iter().take(1).for_each(|upstream| client.watch.keep(upstream.pace));
            own::call(visit, wire, note, (permit, endpoint)).await.map_err(|refused| refused.at(endpoint))
        }
        // A permit names a route of the rules that made it, and those of cores lead to no operation.
        Some(Destination::Operation(_)) | None => Err(Refused::upstream(UpstreamFault::Unreachable, judged.id())),
    }
}

/// A browser's question whether a page may send a request. It carries no credential, so route and address alone are judged,
/// those of the request that it asks about; and it is never forwarded.
fn preflight(visit: Visit<'_>, page_may_call: bool, method: &Method, note: &mut Note<'_>) -> Outcome {
    let Visit { client, snapshot, caller, request, .. } = visit;
    let target = Target::parse(request.target);
    let facts =
        RequestFacts { plane: Plane::Data, client: caller.address, method, target: &target, headers: request.fields };
    match client.core.worker.would_be_asked(snapshot, facts) {
        Err(denial) => {
            let judged = note::denied(note, &denial);
            Err(Refused::denied(&denial, judged.rules(), &facts, judged.id()))
        }
        Ok(route) if page_may_call => {
            note.preflight(route);
            let mut nothing = Answer::default();
            *nothing.status_mut() = StatusCode::NO_CONTENT;
            Ok(Reply::Own(nothing))
        }
        Ok(route) => {
            let (outcome, detail) = FOREIGN_PAGE;
            let judged = note.judge(Verdict { route: Some(route), ..Verdict::of(outcome, Some(detail)) });
            Err(Refused::foreign_page(judged.id()))
        }
    }
}

/// A request that may pass.
struct Passed<'a> {
    permit: Permit,
    judged: Judged<'a>,
    proof: Option<Box<Proof>>,
}

/// What a signed body leaves behind until the exchange is over.
struct Proof {
    delivery: Option<Delivery>,
    /// Its room, as long as it is there.
    _held: Held,
}

async fn decide<'a>(visit: Visit<'_>, wire: &mut Wire, note: &mut Note<'a>) -> Result<Passed<'a>, Box<Refused>> {
    let Visit { client, snapshot, caller, request, .. } = visit;
    let target = Target::parse(request.target);
    let (method, headers) = (&request.method, request.fields);
    let facts = RequestFacts { plane: Plane::Data, client: caller.address, method, target: &target, headers };
    let worker = &client.core.worker;
    let (begun, proof) = match worker.begin(snapshot, facts, &mut ()) {
        Begun::Body(awaiting) => {
            // Boxed, because every exchange would have room for it.
            let (body, held) = Box::pin(gather::whole(visit, wire, note, &awaiting)).await?;
            match worker.prove(snapshot, awaiting, &body, &mut ()) {
                Ok(Proved { begun, delivery }) => (Ok(begun), Some(Box::new(Proof { delivery, _held: held }))),
                Err(fault) => (Err(fault), None),
            }
        }
        begun => (Ok(begun), None),
    };
    let decided = match begun {
        // As most are: there is nothing to wait for.
        Ok(Begun::Decided(decision)) => Ok(decision),
        // A store that takes too long is told of, like an upstream that does.
        Ok(begun) => {
            let finished = client.watch.bounded(worker.finish(snapshot, begun, &mut ())).await;
            finished.unwrap_or(Err(Fault::Timeout))
        }
        Err(fault) => Err(fault),
    };
    if let (Ok(Decision::Deny(_)) | Err(_), Some(Proof { delivery: Some(delivery), .. })) = (&decided, proof.as_deref())
    {
        worker.forget(delivery);
    }
    match decided {
        Ok(Decision::Allow(permit)) => {
            let judged = note.permitted(&permit);
            watch_replaced(visit, &permit);
            Ok(Passed { permit, judged, proof })
        }
        Ok(Decision::Deny(denial)) => {
            let judged = note::denied(note, &denial);
            Err(Refused::denied(&denial, judged.rules(), &facts, judged.id()))
        }
        Err(fault) => {
            let judged = note.judge(Verdict::of("Unavailable", Some(fault.as_str())));
            Err(Refused::faulted(fault, judged.id()))
        }
    }
}

/// Whoever comes with a key that was replaced is noted: its rotation can end once nobody does.
fn watch_replaced(Visit { client, snapshot, caller, request, .. }: Visit<'_>, permit: &Permit) {
    let Some(entry) = permit.credential().filter(|entry| entry.replaced) else { return };
    let route = snapshot.rules().routes.get(permit.route()).map(|route| route.name.clone());
    let seen = Seen {
        client: caller.address,
        agent: agent(request.fields.values(http::header::USER_AGENT.as_str()).next()),
        route: route.unwrap_or_default(),
    };
    client.core.saw(entry.principal.credential.text(), seen, snapshot.now().wall);
}

/// What a client that announced a body is told when it does not come (RFC 9110 §15.5.9, or §15.5.1 where it broke off).
pub(crate) const BROKEN: StatusCode = StatusCode::BAD_REQUEST;
/// When it does not come in time.
pub(crate) const LATE: StatusCode = StatusCode::REQUEST_TIMEOUT;
