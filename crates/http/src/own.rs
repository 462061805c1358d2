//! The channel between a door and Keyward's own endpoints: buffered requests, each with the permit it came in by.

use std::net::IpAddr;

use bytes::Bytes;
use http::Method;
use keyward_core::decision::DecisionId;
use keyward_core::machine::Permit;
use keyward_core::route::Endpoint;
use keyward_core::time::Now;
use tokio::sync::{mpsc, oneshot};

use crate::problem::Answer;

/// The longest body that own endpoints read.
pub const MAX_BODY: usize = 64 * 1024;

/// How many requests may wait for own endpoints before further ones are answered 503.
pub const WAITING: usize = 1024;

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
    /// The whole body.
    pub body: Bytes,
    /// The client's address.
    pub client: IpAddr,
    /// The permit.
    pub permit: Permit,
    /// The decision's id.
    pub decision: DecisionId,
    /// When it was decided.
    pub now: Now,
}

/// Where a door sends.
#[derive(Clone)]
pub struct OwnSender(mpsc::Sender<(OwnRequest, oneshot::Sender<Answer>)>);

/// Where own endpoints receive.
pub struct OwnReceiver(mpsc::Receiver<(OwnRequest, oneshot::Sender<Answer>)>);

/// A bounded channel to own endpoints.
pub fn channel() -> (OwnSender, OwnReceiver) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (OwnSender(sender), OwnReceiver(receiver))
}

impl OwnSender {
    /// How many wait, asked by somebody who keeps no door open.
    pub fn depth(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let queue = self.0.downgrade();
        move || queue.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Sends a request and waits for its answer; `None` when nobody answers or too many wait.
    pub async fn call(&self, request: OwnRequest) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send((request, reply)).ok()?;
        answer.await.ok()
    }
}

impl OwnReceiver {
    /// The next request and where its answer goes; `None` when every door is closed.
    pub async fn next(&mut self) -> Option<(OwnRequest, oneshot::Sender<Answer>)> {
        self.0.recv().await
    }
}
