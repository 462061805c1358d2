//! What is written down of one request, filled as the exchange goes on; handed over when its answer's head is known.

use std::borrow::Cow;
use std::sync::Arc;

use http::{Request, StatusCode};
use keyward_core::decision::{DecisionId, Denial};
use keyward_core::machine::Permit;
use keyward_core::time::Monotonic;
use keyward_engine::ledger::{Closed, Wanted};
use keyward_engine::mark::Verdict;
use keyward_engine::record::Record;
use keyward_engine::worker::{Judged, Snapshot};

use crate::client::Client;
use crate::refused::{self, Refused};

/// What nginx made the word for a client that hung up before it was answered; nobody ever sees it answered.
const CLIENT_GONE: (&str, u16) = ("ClientGone", 499);

/// The word for what may pass.
const ALLOWED: &str = "allowed";

/// A note in the making. Dropped unfinished, it says that the client hung up.
pub(crate) struct Note<'a> {
    client: &'a Client,
    snapshot: &'a Snapshot,
    began: Monotonic,
    wanted: Wanted,
    record: Option<Record>,
    /// What was decided, with the id that says so.
    judged: Option<(Verdict, DecisionId)>,
    closed: bool,
}

impl<'a> Note<'a> {
    pub(crate) fn begin<B>(client: &'a Client, snapshot: &'a Snapshot, request: &Request<B>) -> Self {
        let now = snapshot.now();
        let wanted = client.core.ledger.want(now.wall);
        let record = wanted.record().then(|| Record {
            id: DecisionId::default(),
            at: now.wall,
            took: std::time::Duration::ZERO,
            client: client.address,
            method: request.method().as_str().into(),
            path: request.uri().path().into(),
            route: None,
            outcome: CLIENT_GONE.0,
            detail: None,
            principal: None,
            credential: None,
            status: CLIENT_GONE.1,
        });
        Self { client, snapshot, began: now.monotonic, wanted, record, judged: None, closed: false }
    }

    /// The request may pass.
    pub(crate) fn permitted(&mut self, permit: &Permit) -> Judged<'a> {
        let credential = permit.shared_credential().map(Arc::clone);
        self.judge(Verdict { outcome: ALLOWED, detail: None, route: Some(permit.route()), credential })
    }

    /// It may not.
    pub(crate) fn denied(&mut self, denial: &Denial) -> Judged<'a> {
        let detail = refused::detail(denial.reason, self.snapshot.rules());
        let credential = denial.credential.as_ref().map(Arc::clone);
        self.judge(Verdict { outcome: denial.reason.name(), detail, route: denial.route, credential })
    }

    /// Something was decided that nothing can change any more: the id is fixed.
    pub(crate) fn judge(&mut self, verdict: Verdict) -> Judged<'a> {
        let judged = self.snapshot.judged(self.client.core.ledger.mark(&verdict, self.client.address));
        if let Some(record) = &mut self.record {
            let route = verdict.route.and_then(|id| self.snapshot.rules().routes.get(id));
            let principal = verdict.credential.as_deref().map(|entry| &entry.principal);
            record.id = judged.id();
            record.route = route.map(|route| route.name.clone());
            record.principal = principal.map(|principal| principal.id.clone());
            record.credential = principal.map(|principal| principal.credential.clone());
        }
        self.judged = Some((verdict, judged.id()));
        judged
    }

    /// An answer of the upstream or of an own endpoint.
    pub(crate) fn allowed(&mut self, status: StatusCode) {
        self.close(ALLOWED, None, status.as_u16());
    }

    pub(crate) fn refused(&mut self, refused: &Refused) {
        self.close(refused.outcome, refused.detail.clone(), refused.answer.status().as_u16());
    }

    fn close(&mut self, outcome: &'static str, detail: Option<Cow<'static, str>>, status: u16) {
        self.closed = true;
        if self.judged.is_none() {
            self.judge(Verdict { detail: detail.clone(), ..Verdict::of(outcome, None) });
        }
        let Some((verdict, id)) = &self.judged else { return };
        let core = &self.client.core;
        let took = core.worker.clock().now().monotonic.since(self.began);
        if let Some(record) = &mut self.record {
            record.took = took;
            record.outcome = outcome;
            record.detail = detail.as_deref().map(Into::into);
            record.status = status;
        }
        let (at, routes) = (self.snapshot.now().wall, &self.snapshot.rules().routes);
        let closed = Closed { id: *id, at, verdict, routes, client: self.client.address, outcome, status, took };
        core.ledger.close(self.wanted, self.record.take(), &closed);
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        if !self.closed {
            self.close(CLIENT_GONE.0, None, CLIENT_GONE.1);
        }
    }
}
