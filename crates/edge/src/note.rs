//! What is written down of one request, filled as the exchange goes on; handed over when its answer's head is known.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use keyward_core::decision::{DecisionId, Denial};
use keyward_core::machine::Permit;
use keyward_core::route::RouteId;
use keyward_core::time::{Monotonic, Now};
use keyward_engine::ledger::{Closed, Running, Wanted};
use keyward_engine::mark::Verdict;
use keyward_engine::record::Record;
use keyward_engine::worker::{Ending, Judged, Snapshot};
use keyward_http::own::{Ids, Refusal};

use crate::client::Client;
use crate::refused::{self, Refused};

/// What nginx made the word for a client that hung up before it was answered; nobody ever sees it answered.
const CLIENT_GONE: (&str, u16) = ("ClientGone", 499);

/// For a request that might not go on before it was answered; nobody sees that answered either.
const ENDED: (&str, u16) = ("Ended", 499);

/// The word for what may pass.
const ALLOWED: &str = "allowed";

/// A note in the making. Dropped unfinished, it says that the client hung up.
pub(crate) struct Note<'a> {
    client: &'a Client,
    /// Who calls, as far as it is known.
    caller: IpAddr,
    snapshot: &'a Snapshot,
    began: Monotonic,
    wanted: Wanted,
    record: Option<Record>,
    /// What was decided, with the id that says so.
    judged: Option<(Verdict, DecisionId)>,
    /// Where it is remembered once it was let pass.
    running: Option<Running>,
    closed: bool,
}

impl<'a> Note<'a> {
    pub(crate) fn begin(
        client: &'a Client,
        caller: IpAddr,
        snapshot: &'a Snapshot,
        (method, path): (&Method, &str),
    ) -> Self {
        let now = snapshot.now();
        let wanted = client.core.ledger.want(now.wall);
        let record = wanted.record().then(|| Record {
            id: DecisionId::default(),
            at: now.wall,
            took: Duration::ZERO,
            client: caller,
            method: method.as_str().into(),
            path: path.into(),
            route: None,
            outcome: CLIENT_GONE.0,
            detail: None,
            principal: None,
            credential: None,
            status: CLIENT_GONE.1,
        });
        let began = now.monotonic;
        Self { client, caller, snapshot, began, wanted, record, judged: None, running: None, closed: false }
    }

    /// The request may pass.
    pub(crate) fn permitted(&mut self, permit: &Permit) -> Judged<'a> {
        let credential = permit.shared_credential().map(Arc::clone);
        let judged = self.judge(Verdict { outcome: ALLOWED, detail: None, route: Some(permit.route()), credential });
        self.running = self.client.core.ledger.begin(judged.id());
        judged
    }

    /// A browser was told that a page may send such a request.
    pub(crate) fn preflight(&mut self, route: RouteId) {
        self.judge(Verdict {
            outcome: ALLOWED,
            detail: Some(Cow::Borrowed("preflight")),
            route: Some(route),
            credential: None,
        });
    }

    /// It may not.
    pub(crate) fn denied(&mut self, denial: &Denial) -> Judged<'a> {
        let detail = refused::detail(denial, self.snapshot.rules());
        let credential = denial.credential.as_ref().map(Arc::clone);
        self.judge(Verdict { outcome: denial.reason.name(), detail, route: denial.route, credential })
    }

    /// Something was decided that nothing can change any more: the id is fixed.
    pub(crate) fn judge(&mut self, verdict: Verdict) -> Judged<'a> {
        let core = &self.client.core;
        core.worker.tally().decided(self.span());
        let judged = self.snapshot.judged(core.ledger.mark(&verdict, self.caller));
        if let Some(record) = &mut self.record {
            let route = verdict.route.and_then(|id| self.snapshot.rules().routes.get(id));
            let principal = verdict.credential.as_deref().map(|entry| &entry.principal);
            record.id = judged.id();
            record.route = route.map(|route| route.name.clone());
            record.principal = principal.map(|principal| principal.id.clone());
            record.credential = principal.map(|principal| principal.credential.text().into());
        }
        self.judged = Some((verdict, judged.id()));
        judged
    }

    /// What was let in is refused after all, by Keyward itself: that is what was decided, and the id says so.
    pub(crate) fn retract(&mut self, refusal: Refusal) -> DecisionId {
        let (route, credential) = match self.judged.take() {
            Some((verdict, _)) => (verdict.route, verdict.credential),
            None => (None, None),
        };
        let Refusal { outcome, detail } = refusal;
        self.judge(Verdict { outcome, detail: Some(Cow::Borrowed(detail)), route, credential }).id()
    }

    /// What the decision is called now, and what it would be called by [`Note::retract`].
    pub(crate) fn ids(&self) -> Ids {
        let (client, marker) = (self.caller, self.client.core.ledger.marker());
        let (route, credential) = match &self.judged {
            Some((verdict, _)) => (verdict.route, verdict.credential.clone()),
            None => (None, None),
        };
        let id = self.id();
        Ids::new(id, move |Refusal { outcome, detail }| {
            let verdict =
                Verdict { outcome, detail: Some(Cow::Borrowed(detail)), route, credential: credential.clone() };
            marker.mark(&verdict, client).rename(id)
        })
    }

    /// The decision's id, once something was decided.
    pub(crate) fn id(&self) -> DecisionId {
        self.judged.as_ref().map(|(_, id)| *id).unwrap_or_default()
    }

    /// The time that the decision was made at.
    pub(crate) fn now(&self) -> Now {
        self.snapshot.now()
    }

    /// An answer of the upstream or of an own endpoint, or to a preflight.
    pub(crate) fn allowed(&mut self, status: StatusCode) {
        let detail = self.judged.as_ref().and_then(|(verdict, _)| verdict.detail.clone());
        self.close(ALLOWED, detail, status.as_u16());
    }

    pub(crate) fn refused(&mut self, refused: &Refused) {
        self.close(refused.outcome, refused.detail.clone(), refused.answer.status().as_u16());
    }

    /// It was let pass and then might not go on, before an answer came.
    pub(crate) fn ended(&mut self, why: Ending) {
        self.close(ENDED.0, Some(Cow::Borrowed(why.as_str())), ENDED.1);
    }

    /// Since the request's head.
    fn span(&self) -> Duration {
        self.client.core.worker.clock().monotonic().since(self.began)
    }

    fn close(&mut self, outcome: &'static str, detail: Option<Cow<'static, str>>, status: u16) {
        self.closed = true;
        if self.judged.is_none() {
            self.judge(Verdict { detail: detail.clone(), ..Verdict::of(outcome, None) });
        }
        let Some((verdict, id)) = &self.judged else { return };
        let core = &self.client.core;
        if let Some(running) = &self.running {
            core.ledger.end(running);
        }
        let took = self.span();
        core.worker.tally().answered(outcome, status, took);
        if let Some(record) = &mut self.record {
            record.took = took;
            record.outcome = outcome;
            record.detail = detail.as_deref().map(Into::into);
            record.status = status;
        }
        let (at, version, routes) = (self.snapshot.now().wall, self.snapshot.version(), &self.snapshot.rules().routes);
        let closed = Closed { id: *id, at, verdict, routes, version, client: self.caller, outcome, status, took };
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
