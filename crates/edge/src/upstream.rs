//! One upstream as one core reaches it: its addresses and the turn that they take, its own edits and time limits, and what
//! came of its requests.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use keyward_engine::upstreams::{Balance, FAILURES, Figures, Standing, Tried, View, choose};
use keyward_http::answer::UpstreamFault;
use keyward_http::edits::HeaderEdits;
use keyward_http::h1::request::Request;

use crate::pool::{Lease, Pool};
use crate::setup::{self, Caps};
use crate::vouched::Vouched;
use crate::watch::{Pace, Ticks};

/// The most addresses that one request is tried at.
const TRIES: u32 = 3;

/// The upstream.
pub(crate) struct Upstream {
    pub(crate) edits: HeaderEdits,
    pub(crate) pace: Pace,
    pub(crate) vouched: Option<Vouched>,
    connect: Duration,
    balance: Balance,
    /// None: the built-in demo.
    pools: Vec<Rc<Pool>>,
    /// Whose turn is next.
    next: Cell<usize>,
    ticks: Ticks,
    answers: Cell<[u64; 5]>,
    failures: Cell<[u64; FAILURES.len()]>,
    figures: Arc<Figures>,
}

impl Upstream {
    /// By a configuration, with the pools of an earlier one whose addresses stay. Cores begin at different addresses.
    pub(crate) fn new(
        setup: &setup::Upstream,
        (core, cores): (usize, usize),
        kept: &[Rc<Self>],
        ticks: &Ticks,
    ) -> Self {
        let caps = Caps { idle: (setup.caps.idle / cores.max(1)).max(1), ..setup.caps };
        let pools = setup.addresses.iter().map(|address| {
            let same = kept.iter().flat_map(|upstream| &upstream.pools).find(|pool| pool.leads_to(&address.1));
            same.map_or_else(|| Rc::new(Pool::new(address, caps, ticks.clone())), Rc::clone)
        });
        Self {
            edits: setup.edits.unshared(),
            pace: Pace::new(&setup.timeouts),
            vouched: setup.vouch.as_ref().map(Vouched::new),
            connect: setup.timeouts.connect,
            balance: setup.balance,
            pools: pools.collect(),
            next: Cell::new(core),
            ticks: ticks.clone(),
            answers: Cell::default(),
            failures: Cell::default(),
            figures: Arc::clone(&setup.figures),
        }
    }

    pub(crate) fn is_demo(&self) -> bool {
        self.pools.is_empty()
    }

    pub(crate) fn pools(&self) -> impl Iterator<Item = &Rc<Pool>> {
        self.pools.iter()
    }

    /// A connection for a request to the address whose turn it is. Where none can be made nothing was sent, so another address is
    /// tried.
    pub(crate) async fn take(&self, request: &Request<'_>, tried: &mut Tried) -> Result<Lease, UpstreamFault> {
        let mut last = UpstreamFault::Unreachable;
        while let Some(pool) = self.choose(tried) {
            match pool.take(request, self.connect).await {
                Ok(connection) => return Ok(Lease::new(connection, pool)),
                Err(fault) => last = fault,
            }
        }
        Err(self.told(last))
    }

    /// Another connection in place of one that turned out stale: to the same address, or to another.
    pub(crate) async fn renew(
        &self,
        request: &Request<'_>,
        stale: Lease,
        tried: &mut Tried,
    ) -> Result<Lease, UpstreamFault> {
        let pool = Rc::clone(&stale.pool);
        drop(stale);
        match pool.renew(request, self.connect).await {
            Ok(connection) => Ok(Lease::new(connection, &pool)),
            Err(fault) if self.is_exhausted(*tried) => Err(self.told(fault)),
            Err(_) => self.take(request, tried).await,
        }
    }

    fn is_exhausted(&self, tried: Tried) -> bool {
        let count = tried.count();
        count >= TRIES || usize::try_from(count).is_ok_and(|count| count >= self.pools.len())
    }

    /// The address whose turn it is, if one is left to try. A single one is tried whatever is known of it.
    fn choose(&self, tried: &mut Tried) -> Option<&Rc<Pool>> {
        if self.is_exhausted(*tried) {
            return None;
        }
        if let [pool] = self.pools.as_slice() {
            tried.add(0);
            return Some(pool);
        }
        let now = self.ticks.now();
        let view = |place: usize| {
            let pool = self.pools.get(place);
            View {
                standing: pool.map_or(Standing::Out, |pool| pool.health().standing(now)),
                busy: pool.map_or(0, |pool| pool.busy()),
                returns_at: pool.map_or(u64::MAX, |pool| pool.health().returns_at()),
            }
        };
        let claim = |place: usize| self.pools.get(place).is_some_and(|pool| pool.health().claim(now));
        let place = choose((self.pools.len(), self.next.get()), *tried, self.balance, view, claim)?;
        tried.add(place);
        self.next.set(place + 1);
        self.pools.get(place)
    }

    /// What a client is told where no connection could be made: more where all addresses are out.
    fn told(&self, fault: UpstreamFault) -> UpstreamFault {
        let now = self.ticks.now();
        let are_out = self.pools.iter().all(|pool| pool.health().standing(now) == Standing::Out);
        if fault == UpstreamFault::Busy || !are_out {
            return fault;
        }
        let first = self.pools.iter().map(|pool| pool.health().returns_at()).min();
        let seconds = |at: u64| u32::try_from(at.saturating_sub(now).div_ceil(1000)).ok();
        UpstreamFault::Out(first.filter(|at| *at != u64::MAX).and_then(seconds))
    }

    /// A request was answered.
    pub(crate) fn answered(&self, status: StatusCode) {
        let mut answers = self.answers.get();
        if let Some(count) = answers.get_mut(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            *count += 1;
        }
        self.answers.set(answers);
    }

    /// A request was not answered.
    pub(crate) fn failed(&self, fault: UpstreamFault) {
        let mut failures = self.failures.get();
        let place = FAILURES.iter().position(|word| fault.as_str().strip_prefix("upstream ") == Some(*word));
        if let Some(count) = place.and_then(|place| failures.get_mut(place)) {
            *count += 1;
        }
        self.failures.set(failures);
    }

    /// Lays out for all what this core counted.
    pub(crate) fn tell(&self) {
        self.figures.add(self.answers.take(), self.failures.take());
        self.pools.iter().for_each(|pool| pool.tell());
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.tell();
    }
}
