//! The way of a call: judged, read whole, carried out, answered, recorded.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use keyward_api::failure::Failure;
use keyward_api::refusal::problem;
use keyward_api::service::Service;
use keyward_core::decision::{DecisionId, Fault};
use keyward_http::answer;
use keyward_http::names::DECISION;
use keyward_http::own::Refusal;
use keyward_http::problem::{Answer, Problem};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::answer::refusal;
use crate::call::Call;
use crate::guard::{Ask, Gate, Passed};
use crate::once::Keyed;
use crate::operation::Operation;
use crate::operations::configuration::Checked;
use crate::path;
use crate::table::OPERATIONS;

/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// What the operators' port works with.
pub struct Control {
    /// What operations work with.
    pub service: Arc<Service>,
    /// Where calls are judged.
    pub gate: Gate,
    /// The version of this program.
    pub version: &'static str,
    /// The name of this node.
    pub node: &'static str,
    /// Where callers come, as far as it is a port.
    pub data_url: Option<String>,
    /// What it knows of configurations.
    pub configuration: Configurations,
    /// Places for streams that stay open.
    pub tails: Arc<Semaphore>,
}

/// Streams that may be open at once.
pub const TAILS: usize = 32;

/// What is known of configurations here; who reads them stands elsewhere.
pub struct Configurations {
    /// Every mistake in a text.
    pub check: Box<dyn Fn(&str) -> Checked + Send + Sync>,
    /// The JSON Schema.
    pub schema: fn() -> serde_json::Value,
}

/// Who connected, put into each request by whoever accepts connections.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// What is below `/admin/`.
pub fn routes(control: Arc<Control>) -> Router {
    Router::new().route("/admin/{*rest}", any(door)).with_state(control)
}

async fn door(State(control): State<Arc<Control>>, request: Request) -> Response {
    let Some(Peer(client)) = request.extensions().get::<Peer>().copied() else {
        // Nobody is let in from nowhere.
        return whole(answer::faulted(Fault::Busy, DecisionId::default()));
    };
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let ask = Ask { client, method: parts.method.clone(), target: target.into(), headers: parts.headers.clone() };
    let ask = Arc::new(ask);
    match control.gate.ask(Arc::clone(&ask)).await {
        Some(Ok(passed)) => go(control, passed, (parts, body), ask).await,
        Some(Err(answer)) => whole(*answer),
        None => whole(answer::faulted(Fault::Busy, DecisionId::default())),
    }
}

async fn go(control: Arc<Control>, passed: Passed, (parts, body): (Parts, Body), ask: Arc<Ask>) -> Response {
    // The table of routes was made from this one; a permit names a route of it.
    let Some(operation) = OPERATIONS.get(passed.permit.route().0) else {
        return whole(answer::faulted(Fault::Busy, passed.ids.permitted()));
    };
    let body = match collect(operation, body).await {
        Ok(body) => body,
        Err(unread) => return whole(unread.refuse(operation, passed)),
    };
    // On its own task: what was begun is finished, even when whoever asked hangs up.
    let task = tokio::spawn(carry_out(control, operation, passed, (parts, body), ask));
    match task.await {
        Ok(response) => guarded(response),
        Err(_) => whole(answer::faulted(Fault::Busy, DecisionId::default())),
    }
}

async fn carry_out(
    control: Arc<Control>,
    operation: &'static Operation,
    passed: Passed,
    (parts, body): (Parts, Bytes),
    ask: Arc<Ask>,
) -> Response {
    let call = Call {
        control,
        caller: passed.permit.shared_credential().map(Arc::clone),
        client: ask.client,
        ask,
        ids: passed.ids.clone(),
        at: passed.at,
        parameters: path::parameters(operation, parts.uri.path()),
        uri: parts.uri,
        headers: parts.headers,
        body,
    };
    match run(operation, &call).await {
        Ok(mut answer) => {
            if let Ok(decision) = HeaderValue::from_str(&passed.ids.permitted().to_string()) {
                answer.headers_mut().insert(DECISION, decision);
            }
            passed.answered(answer.status().as_u16());
            answer
        }
        Err(failure) => refuse(operation, passed, &failure).map(Body::from),
    }
}

/// Carries it out; under a key of the caller's once, however often it comes.
async fn run(operation: &Operation, call: &Call) -> Result<Response, Failure> {
    let Some(keyed) = operation.is_once.then(|| Keyed::of(operation, call)).transpose()?.flatten() else {
        return (operation.run)(call).await;
    };
    match keyed.begin(call).await? {
        Some(given) => Ok(given),
        None => keyed.end(call, (operation.run)(call).await).await,
    }
}

fn refuse(operation: &Operation, passed: Passed, failure: &Failure) -> Answer {
    let refusal = refusal(operation, failure.kind);
    let answer = problem(failure, refusal, passed.ids.refused(refusal));
    passed.refused(refusal, answer.status().as_u16());
    answer
}

/// Why a body is not there as a whole.
enum Unread {
    TooLarge,
    Late,
    Broken,
}

async fn collect(operation: &Operation, body: Body) -> Result<Bytes, Unread> {
    match timeout(BODY_WITHIN, Limited::new(body, operation.body).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Broken),
        Err(_) => Err(Unread::Late),
    }
}

impl Unread {
    fn refuse(&self, operation: &Operation, passed: Passed) -> Answer {
        let refusal = match self {
            Self::TooLarge => Refusal { outcome: "TooLarge", detail: "body" },
            Self::Late | Self::Broken => Refusal { outcome: "Incomplete", detail: "body" },
        };
        let id = passed.ids.refused(refusal);
        let incomplete = |status: StatusCode| {
            let title = status.canonical_reason().unwrap_or_default();
            Problem::new(status, title, "Incomplete", "The body of the request did not come to its end.").answer(id)
        };
        let answer = match self {
            Self::TooLarge => answer::too_large(u64::try_from(operation.body).unwrap_or(u64::MAX), id),
            Self::Late => incomplete(StatusCode::REQUEST_TIMEOUT),
            Self::Broken => incomplete(StatusCode::BAD_REQUEST),
        };
        passed.refused(refusal, answer.status().as_u16());
        answer
    }
}

/// An answer on its way out. Nothing here is a page, whatever a browser makes of it.
fn whole(answer: Answer) -> Response {
    guarded(answer.map(Body::from))
}

fn guarded(mut response: Response) -> Response {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
