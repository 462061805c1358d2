//! The part of a configuration that a door works by: the upstreams, the proxies and pages that are believed, by version, so
//! that a request is forwarded by the same configuration that it was decided by.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyward_engine::signing::SignsNow;
use keyward_engine::upstreams::{self, Balance, Figures, Shown};
use keyward_http::caller::TrustedProxies;
use keyward_http::cors::Cors;
use keyward_http::edits::HeaderEdits;
use keyward_http::templates::Responses;
use keyward_http::templates::requests::Requests;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::Timeouts;
use crate::origin::Address;

/// How many versions are remembered. A core takes the newest before its next request, so that two would do.
const REMEMBERED: usize = 16;

/// One version.
pub struct Setup {
    /// The version of the rules that go with it.
    pub version: u64,
    /// The upstreams, in the order of [`keyward_core::route::Destination::Upstream`].
    pub upstreams: Vec<Upstream>,
    /// Whose word on a caller is believed.
    pub proxies: TrustedProxies,
    /// Which web pages may call; `None`: Keyward does not meddle with what the upstream says of that.
    pub cors: Option<Cors>,
    /// In which words requests are answered.
    pub responses: Arc<Responses>,
    /// What the members of requests' bodies are called.
    pub requests: Arc<Requests>,
}

/// One upstream.
pub struct Upstream {
    /// Its name.
    pub name: Box<str>,
    /// The header edits on the way to it; each core makes a copy of its own.
    pub edits: HeaderEdits,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// Which of its addresses a request goes to.
    pub balance: Balance,
    /// Active checks of its addresses.
    pub check: Option<Check>,
    /// How many connections each address may have.
    pub caps: Caps,
    /// Whether it is told in a signed token who calls.
    pub vouch: Option<Vouch>,
    /// Its addresses, with what cores share of them; none: the built-in demo.
    pub(crate) addresses: Vec<(Address, Arc<upstreams::Address>)>,
    pub(crate) figures: Arc<Figures>,
}

/// What signed tokens for an upstream say, beside who calls.
#[derive(Clone)]
pub struct Vouch {
    /// Which key signs.
    pub signer: Arc<dyn SignsNow>,
    /// Who says so.
    pub issuer: Box<str>,
    /// To whom.
    pub audience: Box<str>,
    /// For how long.
    pub expiration: Duration,
}

/// An active check.
#[derive(Clone, Debug)]
pub struct Check {
    /// What is asked for.
    pub path: Box<str>,
    /// How often, and how long an answer may take.
    pub every: Duration,
}

/// Connections to one address, over all cores.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// All of them. Fewer than a system has ports for one address, more than there are callers by default.
    pub open: usize,
    /// Those that nobody uses; each core keeps an equal share.
    pub idle: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { open: 16_384, idle: 256 }
    }
}

impl Upstream {
    /// An upstream at these addresses, of which nothing is known; without any, the demo.
    pub fn new(name: &str, addresses: Vec<Address>, edits: HeaderEdits) -> Self {
        let hasher = RandomState::new();
        let shared = |address: &Address| {
            let label = address.to_string();
            Arc::new(upstreams::Address::new(&label, hasher.hash_one(&label)))
        };
        Self {
            name: name.into(),
            edits,
            timeouts: Timeouts::default(),
            balance: Balance::default(),
            check: None,
            vouch: None,
            caps: Caps::default(),
            addresses: addresses
                .into_iter()
                .map(|address| {
                    let shared = shared(&address);
                    (address, shared)
                })
                .collect(),
            figures: Arc::default(),
        }
    }

    /// Goes on with what is known of the addresses that stay.
    fn inherit(&mut self, before: &Self) {
        self.figures = Arc::clone(&before.figures);
        for (address, shared) in &mut self.addresses {
            if let Some((_, known)) = before.addresses.iter().find(|(other, _)| other == address) {
                *shared = Arc::clone(known);
                if self.check.is_none() {
                    shared.health.unchecked();
                }
            }
        }
    }
}

/// The versions that requests may have been decided by. Read once by each core for each version.
pub struct Setups {
    all: Mutex<VecDeque<Arc<Setup>>>,
    newest: watch::Sender<u64>,
    began: Instant,
}

impl Setups {
    /// With the first version.
    #[allow(clippy::disallowed_methods, reason = "spans between sweeps are no time of a request")]
    pub fn new(first: Setup) -> Self {
        let newest = watch::Sender::new(first.version);
        Self { all: Mutex::new(VecDeque::from([Arc::new(first)])), newest, began: Instant::now() }
    }

    /// Adds a version. Call it before any core is told of the rules that go with it.
    pub fn add(&self, mut setup: Setup) {
        let version = setup.version;
        let mut all = self.all();
        if let Some(before) = all.back() {
            for upstream in &mut setup.upstreams {
                if let Some(before) = before.upstreams.iter().find(|before| before.name == upstream.name) {
                    upstream.inherit(before);
                }
            }
        }
        all.push_back(Arc::new(setup));
        if all.len() > REMEMBERED {
            all.pop_front();
        }
        drop(all);
        self.newest.send_replace(version);
    }

    /// The upstreams of the newest version, for whoever counts.
    pub fn shown(&self) -> Vec<Shown> {
        let Some(newest) = self.newest() else { return Vec::new() };
        let shown = |upstream: &Upstream| Shown {
            name: upstream.name.clone(),
            now: self.elapsed(),
            figures: Arc::clone(&upstream.figures),
            addresses: upstream.addresses.iter().map(|(_, shared)| Arc::clone(shared)).collect(),
        };
        newest.upstreams.iter().map(shown).collect()
    }

    /// Milliseconds since the first version: a time that all cores have in common.
    pub(crate) fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Hears of newer versions.
    pub(crate) fn versions(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// The newest version.
    pub(crate) fn newest(&self) -> Option<Arc<Setup>> {
        self.all().back().map(Arc::clone)
    }

    /// A version.
    pub(crate) fn get(&self, version: u64) -> Option<Arc<Setup>> {
        self.all().iter().rev().find(|setup| setup.version == version).map(Arc::clone)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Setup>>> {
        // A panic elsewhere leaves the list whole: each change to it is one call.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
