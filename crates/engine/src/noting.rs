//! What is written down of one request, filled as it goes on; handed to the ledger when its answer is known.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::decision::{DecisionId, Denial};
use keyward_core::machine::Permit;
use keyward_core::route::RouteId;
use keyward_core::time::{Monotonic, Now};

use crate::ledger::{Closed, Ledger, Running, Wanted};
use crate::mark::Verdict;
use crate::record::Record;
use crate::worker::{Ending, Judged, Snapshot, Worker};

/// What nginx made the word for a client that hung up before it was answered; nobody ever sees it answered.
const CLIENT_GONE: (&str, u16) = ("ClientGone", 499);

/// For a request that might not go on before it was answered; nobody sees that answered either.
const ENDED: (&str, u16) = ("Ended", 499);

/// The word for what may pass.
const ALLOWED: &str = "allowed";

/// Who decides and who keeps it, on one core.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Who decides.
    pub worker: &'a Worker,
    /// Who keeps it.
    pub ledger: &'a Ledger,
}

/// A note in the making. Dropped unfinished, it says that the client hung up.
pub struct Noting<'a> {
    desk: Desk<'a>,
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

impl<'a> Noting<'a> {
    /// Of a request that has come: who calls, by which rules it is decided, and its method and path.
    pub fn begin(desk: Desk<'a>, caller: IpAddr, snapshot: &'a Snapshot, (method, path): (&str, &str)) -> Self {
        let now = snapshot.now();
        let wanted = desk.ledger.want(now.wall);
        let record = wanted.record().then(|| Record {
            id: DecisionId::default(),
            at: now.wall,
            took: Duration::ZERO,
            client: caller,
            method: method.into(),
            path: path.into(),
            route: None,
            outcome: CLIENT_GONE.0,
            detail: None,
            principal: None,
            credential: None,
            status: CLIENT_GONE.1,
        });
        let began = now.monotonic;
        Self { desk, caller, snapshot, began, wanted, record, judged: None, running: None, closed: false }
    }

    /// The request may pass.
    pub fn permitted(&mut self, permit: &Permit) -> Judged<'a> {
        let credential = permit.shared_credential().map(Arc::clone);
        let judged = self.judge(Verdict { outcome: ALLOWED, detail: None, route: Some(permit.route()), credential });
        self.running = self.desk.ledger.begin(judged.id());
        judged
    }

    /// A browser was told that a page may send such a request.
    pub fn preflight(&mut self, route: RouteId) {
        self.judge(Verdict {
            outcome: ALLOWED,
            detail: Some(Cow::Borrowed("preflight")),
            route: Some(route),
            credential: None,
        });
    }

    /// It may not; `detail` is the rule that spoke.
    pub fn denied(&mut self, denial: &Denial, detail: Option<Cow<'static, str>>) -> Judged<'a> {
        let credential = denial.credential.as_ref().map(Arc::clone);
        self.judge(Verdict { outcome: denial.reason.name(), detail, route: denial.route, credential })
    }

    /// Something was decided that nothing can change any more: the id is fixed.
    pub fn judge(&mut self, verdict: Verdict) -> Judged<'a> {
        let Desk { worker, ledger } = self.desk;
        worker.tally().decided(self.span());
        let judged = self.snapshot.judged(ledger.mark(&verdict, self.caller));
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
    pub fn retract(&mut self, outcome: &'static str, detail: &'static str) -> DecisionId {
        let (route, credential) = match self.judged.take() {
            Some((verdict, _)) => (verdict.route, verdict.credential),
            None => (None, None),
        };
        self.judge(Verdict { outcome, detail: Some(Cow::Borrowed(detail)), route, credential }).id()
    }

    /// What the decision would be called by [`Noting::retract`], for whoever refuses it elsewhere.
    pub fn renaming(&self) -> impl Fn(&'static str, &'static str) -> DecisionId + Send + Sync + use<> {
        let (caller, marker) = (self.caller, self.desk.ledger.marker());
        let (route, credential) = match &self.judged {
            Some((verdict, _)) => (verdict.route, verdict.credential.clone()),
            None => (None, None),
        };
        let id = self.id();
        move |outcome, detail| {
            let verdict =
                Verdict { outcome, detail: Some(Cow::Borrowed(detail)), route, credential: credential.clone() };
            marker.mark(&verdict, caller).rename(id)
        }
    }

    /// The decision's id, once something was decided.
    pub fn id(&self) -> DecisionId {
        self.judged.as_ref().map(|(_, id)| *id).unwrap_or_default()
    }

    /// The time that the decision was made at.
    pub fn now(&self) -> Now {
        self.snapshot.now()
    }

    /// The rules that it is decided by.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// It was let pass and answered with this status.
    pub fn allowed(&mut self, status: u16) {
        let detail = self.judged.as_ref().and_then(|(verdict, _)| verdict.detail.clone());
        self.close(ALLOWED, detail, status);
    }

    /// It was let pass and then might not go on, before an answer came.
    pub fn ended(&mut self, why: Ending) {
        self.close(ENDED.0, Some(Cow::Borrowed(why.as_str())), ENDED.1);
    }

    /// Since the request's head.
    fn span(&self) -> Duration {
        self.desk.worker.clock().monotonic().since(self.began)
    }

    /// What became of it: the word for the record, more of it, and the status that was answered.
    pub fn close(&mut self, outcome: &'static str, detail: Option<Cow<'static, str>>, status: u16) {
        self.closed = true;
        if self.judged.is_none() {
            self.judge(Verdict { detail: detail.clone(), ..Verdict::of(outcome, None) });
        }
        let Some((verdict, id)) = &self.judged else { return };
        let Desk { worker, ledger } = self.desk;
        if let Some(running) = &self.running {
            ledger.end(running);
        }
        let took = self.span();
        worker.tally().answered(outcome, status, took);
        if let Some(record) = &mut self.record {
            record.took = took;
            record.outcome = outcome;
            record.detail = detail.as_deref().map(Into::into);
            record.status = status;
        }
        let (at, version, routes) = (self.snapshot.now().wall, self.snapshot.version(), &self.snapshot.rules().routes);
        let closed = Closed { id: *id, at, verdict, routes, version, client: self.caller, outcome, status, took };
        ledger.close(self.wanted, self.record.take(), &closed);
    }
}

impl Drop for Noting<'_> {
    fn drop(&mut self) {
        if !self.closed {
            self.close(CLIENT_GONE.0, None, CLIENT_GONE.1);
        }
    }
}
