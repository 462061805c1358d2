//! What batches hold in the tests of the file of decisions.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::address::AddressRules;
use keyward_core::api_key::CredentialEntry;
use keyward_core::decision::DecisionId;
use keyward_core::principal::{Grants, Kind, Mode, Principal};
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;
use keyward_core::written::Written;
use keyward_engine::counts::Count;
use keyward_engine::decisions::DecisionFilter;
use keyward_engine::folds::Fold;
use keyward_engine::ledger::Lost;
use keyward_engine::mark::{Level, Mark};
use keyward_engine::record::Record;

use crate::SqliteDecisions;

pub(super) const SECOND: u64 = 1_700_000_000;
pub(super) const HOUR: i64 = 1_699_999_200_000;

pub(super) fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(second * 1000).unwrap())
}

pub(super) fn record(second: u64, within: u64, outcome: &'static str) -> Record {
    Record {
        id: DecisionId::new(1, 0, second, within),
        at: at(second),
        took: Duration::from_micros(1500),
        client: "::ffff:192.0.2.1".parse().unwrap(),
        method: "GET".into(),
        path: "/it's \"here\"".into(),
        route: Some("all".into()),
        outcome,
        detail: Some("scope".into()),
        principal: Some("user_1".into()),
        credential: Some("key_1".into()),
        status: 403,
    }
}

pub(super) fn fold(second: u64, mark: u64, level: Level, results: &[(&'static str, u16, u64)]) -> Fold {
    Fold {
        id: DecisionId::new(1, 0, second, Mark::in_id(mark).at(level)),
        level,
        verdict: "allowed",
        detail: None,
        route: Some("all".into()),
        principal: Some("user_1".into()),
        credential: Some("key_1".into()),
        client: None,
        at: at(second),
        took: Duration::from_millis(10),
        results: results.to_vec(),
    }
}

/// A key of a user.
pub(super) fn key_of(user: &str) -> CredentialEntry {
    CredentialEntry {
        principal: Principal {
            id: user.into(),
            name: "caller".into(),
            kind: Kind::ApiKey,
            account: None,
            credential: "key_1".into(),
            mode: Mode::Live,
            grants: Grants::Named(ScopeSet::default()),
        },
        addresses: AddressRules::default(),
        line: None,
        counted: keyward_core::plan::Counted::default(),
        account_addresses: Vec::new(),
        ends_at: None,
        renew_at: None,
        csrf: None,
        plane: None,
        begins_at: None,
        disabled: false,
        revoked: false,
        is_half: false,
        source_ends_at: None,
        replaced: false,
        written: Written::default(),
    }
}

/// So many requests of a user's key in the hour of a second.
pub(super) fn count(second: u64, user: &str, outcome: &'static str, count: u64) -> Count {
    let millis = at(second).as_millis();
    Count {
        hour: Timestamp::from_millis(millis - millis.rem_euclid(3_600_000)),
        credential: Some(Arc::new(key_of(user))),
        route: Some("all".into()),
        outcome,
        count,
    }
}

pub(super) fn lost(count: u64) -> Option<Lost> {
    Some(Lost { count, at: at(SECOND) })
}

pub(super) async fn empty() -> (tempfile::TempDir, SqliteDecisions) {
    let dir = tempfile::tempdir().unwrap();
    let opened = SqliteDecisions::create_or_open(dir.path(), at(SECOND)).await.unwrap();
    assert!(opened.set_aside.is_none());
    (dir, opened.decisions)
}

pub(super) fn page(limit: u32) -> DecisionFilter {
    DecisionFilter { limit, ..DecisionFilter::default() }
}
