//! The channel between a door and Keyward's own endpoints: buffered requests, each with the permit it came in by, and
//! answers, each with what the endpoint decided itself.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use keyward_core::decision::DecisionId;
use keyward_core::machine::Permit;
use keyward_core::route::Endpoint;
use keyward_core::time::Now;
use tokio::sync::{mpsc, oneshot};

use crate::bounds::DOOR;
use crate::oauth::Shown;
use crate::problem::Answer;
use crate::templates::requests::Requests;

/// A request to an own endpoint, already permitted.
#[derive(Debug)]
pub struct OwnRequest {
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// The method; the route table let only the endpoint's own through.
    pub method: Method,
    /// The path and query as judged.
    pub target: Box<str>,
    /// Whether the body is declared to be JSON.
    pub json: bool,
    /// Whether it is declared to be `application/x-www-form-urlencoded`.
    pub form: bool,
    /// What stood in `Authorization`, for endpoints that read clients by it themselves.
    pub authorization: Shown,
    /// Of a request for a file: what the client has of it already, and how it may be packed. Otherwise nothing.
    pub file: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What its members are called.
    pub names: Arc<Requests>,
    /// The client's address.
    pub client: IpAddr,
    /// The permit.
    pub permit: Permit,
    /// What the decision is called.
    pub ids: Ids,
    /// When it was decided.
    pub now: Now,
}

/// That an endpoint refuses what the door let in: the last word of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason's name, as in problem documents.
    pub outcome: &'static str,
    /// The rule that spoke.
    pub detail: &'static str,
}

/// What a decision is called. An id says what was decided, so that it leads to where that is counted; and as long as an
/// endpoint may refuse, there are several that the decision may come to have. Only one of them ever leaves.
#[derive(Clone)]
pub struct Ids {
    permitted: DecisionId,
    refused: Arc<dyn Fn(Refusal) -> DecisionId + Send + Sync>,
}

impl Ids {
    /// The id of a request that is answered as it wished, and the ids of refusals.
    pub fn new(permitted: DecisionId, refused: impl Fn(Refusal) -> DecisionId + Send + Sync + 'static) -> Self {
        Self { permitted, refused: Arc::new(refused) }
    }

    /// Of a request that is answered as it wished.
    pub fn permitted(&self) -> DecisionId {
        self.permitted
    }

    /// Of one that is refused.
    pub fn refused(&self, refusal: Refusal) -> DecisionId {
        (self.refused)(refusal)
    }
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ids({}, …)", self.permitted)
    }
}

/// An answer, and whether it refuses.
#[derive(Debug)]
pub struct OwnReply {
    /// What the client gets.
    pub answer: Answer,
    /// Why it gets no more than that, where the endpoint refused.
    pub refusal: Option<Refusal>,
}

/// A request, and where its answer goes.
pub type OwnCall = (OwnRequest, oneshot::Sender<OwnReply>);

/// Where a door sends.
#[derive(Clone)]
pub struct OwnSender(mpsc::Sender<OwnCall>);

/// Where own endpoints receive.
pub struct OwnReceiver(mpsc::Receiver<OwnCall>);

/// A bounded channel to own endpoints.
pub fn channel() -> (OwnSender, OwnReceiver) {
    let (sender, receiver) = mpsc::channel(DOOR);
    (OwnSender(sender), OwnReceiver(receiver))
}

impl OwnSender {
    /// How many wait, asked by somebody who keeps no door open.
    pub fn depth(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let queue = self.0.downgrade();
        move || queue.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Sends a request and waits for its answer; `None` when nobody answers or too many wait.
    pub async fn call(&self, request: OwnRequest) -> Option<OwnReply> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send((request, reply)).ok()?;
        answer.await.ok()
    }
}

impl OwnReceiver {
    /// The next request and where its answer goes; `None` when every door is closed.
    pub async fn next(&mut self) -> Option<OwnCall> {
        self.0.recv().await
    }
}
