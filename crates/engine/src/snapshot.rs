//! What one request is decided by, taken once at its beginning.

use std::sync::Arc;

use keyward_core::decision::DecisionId;
use keyward_core::rules::Rules;
use keyward_core::time::Now;

use crate::mark::Mark;

/// One configuration, one time and one number for one request.
#[derive(Clone, Debug)]
pub struct Snapshot {
    rules: Arc<Rules>,
    version: u64,
    now: Now,
    draft: Draft,
}

/// What a decision's id is made of before anything is decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft {
    pub(crate) node: u16,
    pub(crate) core: u8,
    pub(crate) count: u64,
}

impl Snapshot {
    pub(crate) fn new(rules: Arc<Rules>, version: u64, now: Now, draft: Draft) -> Self {
        Self { rules, version, now, draft }
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The version of the configuration that the rules are of.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The time that the decision is made at.
    pub fn now(&self) -> Now {
        self.now
    }

    /// The snapshot with the decision's id, which says what was decided.
    pub fn judged(&self, mark: Mark) -> Judged<'_> {
        let Draft { node, core, count } = self.draft;
        let second = u64::try_from(self.now.wall.as_millis() / 1000).unwrap_or_default();
        Judged { snapshot: self, id: DecisionId::new(node, core, second, mark.within(count)) }
    }
}

/// A snapshot of a request that was decided on.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    snapshot: &'a Snapshot,
    id: DecisionId,
}

impl<'a> Judged<'a> {
    /// The rules.
    pub fn rules(&self) -> &'a Rules {
        &self.snapshot.rules
    }

    /// The version of the configuration that the rules are of.
    pub fn version(&self) -> u64 {
        self.snapshot.version
    }

    /// The time that the decision was made at.
    pub fn now(&self) -> Now {
        self.snapshot.now
    }

    /// The decision's id.
    pub fn id(&self) -> DecisionId {
        self.id
    }
}
