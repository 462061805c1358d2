//! The record of one request, filled as the exchange goes on; written when its answer's head is known.

use http::{Request, StatusCode};
use keyward_core::decision::Denial;
use keyward_core::machine::Permit;
use keyward_core::principal::Principal;
use keyward_core::route::RouteId;
use keyward_core::time::Monotonic;
use keyward_engine::record::Record;
use keyward_engine::worker::Snapshot;

use crate::client::Client;
use crate::refused::Refused;

/// What nginx made the word for a client that hung up before it was answered; nobody ever sees it answered.
const CLIENT_GONE: u16 = 499;

/// A record in the making; nothing at all where nobody reads records. Dropped unfinished, it says that the client hung up.
pub(crate) struct Note<'a> {
    client: &'a Client,
    snapshot: &'a Snapshot,
    began: Monotonic,
    record: Option<Record>,
}

impl<'a> Note<'a> {
    pub(crate) fn begin<B>(client: &'a Client, snapshot: &'a Snapshot, request: &Request<B>) -> Self {
        let now = snapshot.now();
        let record = client.core.journal.is_read().then(|| Record {
            id: snapshot.id(),
            at: now.wall,
            took: std::time::Duration::ZERO,
            client: client.address,
            method: request.method().as_str().into(),
            path: request.uri().path().into(),
            route: None,
            outcome: "ClientGone",
            detail: None,
            principal: None,
            credential: None,
            status: CLIENT_GONE,
        });
        Self { client, snapshot, began: now.monotonic, record }
    }

    pub(crate) fn permitted(&mut self, permit: &Permit) {
        self.tell(Some(permit.route()), permit.principal());
    }

    pub(crate) fn denied(&mut self, denial: &Denial) {
        self.tell(denial.route, denial.principal());
    }

    /// An answer of the upstream or of an own endpoint.
    pub(crate) fn allowed(&mut self, status: StatusCode) {
        self.finish("allowed", None, status);
    }

    pub(crate) fn refused(&mut self, refused: &Refused) {
        self.finish(refused.outcome, refused.detail, refused.answer.status());
    }

    fn tell(&mut self, route: Option<RouteId>, principal: Option<&Principal>) {
        let Some(record) = &mut self.record else { return };
        let route = route.and_then(|id| self.snapshot.rules().routes.get(id));
        record.route = route.map(|route| route.name.clone());
        record.principal = principal.map(|principal| principal.id.clone());
        record.credential = principal.map(|principal| principal.credential.clone());
    }

    fn finish(&mut self, outcome: &'static str, detail: Option<&'static str>, status: StatusCode) {
        if let Some(record) = &mut self.record {
            record.outcome = outcome;
            record.detail = detail.map(Into::into);
            record.status = status.as_u16();
        }
        self.hand_over();
    }

    fn hand_over(&mut self) {
        let Some(mut record) = self.record.take() else { return };
        record.took = self.client.core.worker.clock().now().monotonic.since(self.began);
        self.client.core.journal.note(|| record);
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        self.hand_over();
    }
}
