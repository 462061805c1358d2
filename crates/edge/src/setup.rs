//! The part of a configuration that a door works by: the upstreams, the header edits, the proxies and pages that are
//! believed, by version, so that a request is forwarded by the same configuration that it was decided by.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use keyward_http::caller::TrustedProxies;
use keyward_http::cors::Cors;
use keyward_http::edits::HeaderEdits;

use crate::origin::Origin;

/// How many versions are remembered. A core takes the newest before its next request, so that two would do.
const REMEMBERED: usize = 16;

/// One version.
pub struct Setup {
    /// The version of the rules that go with it.
    pub version: u64,
    /// The upstreams, in the order of [`keyward_core::route::Destination::Upstream`].
    pub upstreams: Vec<Origin>,
    /// The header edits on the way to them; each core makes a copy of its own.
    pub edits: HeaderEdits,
    /// Whose word on a caller is believed.
    pub proxies: TrustedProxies,
    /// Which web pages may call; `None`: Keyward does not meddle with what the upstream says of that.
    pub cors: Option<Cors>,
}

/// The versions that requests may have been decided by. Read once by each core for each version.
pub struct Setups(Mutex<VecDeque<Arc<Setup>>>);

impl Setups {
    /// With the first version.
    pub fn new(first: Setup) -> Self {
        Self(Mutex::new(VecDeque::from([Arc::new(first)])))
    }

    /// Adds a version. Call it before any core is told of the rules that go with it.
    pub fn add(&self, setup: Setup) {
        let mut all = self.all();
        all.push_back(Arc::new(setup));
        if all.len() > REMEMBERED {
            all.pop_front();
        }
    }

    /// A version.
    pub(crate) fn get(&self, version: u64) -> Option<Arc<Setup>> {
        self.all().iter().rev().find(|setup| setup.version == version).map(Arc::clone)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Setup>>> {
        // A panic elsewhere leaves the list whole: each change to it is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
