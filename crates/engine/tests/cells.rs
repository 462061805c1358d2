//! By what a cell is known: its limit and its subject, and nothing else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::num::NonZeroU32;
use std::time::Duration;

use keyward_core::limit::{Demand, Limit, LimitId, Per, Spend, Subject};
use keyward_core::principal::CredentialId;
use keyward_core::time::Monotonic;
use keyward_engine::limits::Cells;

#[test]
fn each_limit_counts_each_subject_by_itself() {
    let cells = Cells::default();
    let limits =
        ["one", "other"].map(|name| Limit::new(name, Per::Key, NonZeroU32::MIN, Duration::from_secs(60), None));
    let [id, other] = ["key_1", "key_2"].map(CredentialId::from);
    let subjects = [
        Subject::Key((&id).into()),
        Subject::Key((&other).into()),
        Subject::Principal("key_1"),
        Subject::Account("key_1"),
        Subject::Route("key_1"),
        Subject::Address([192, 0, 2, 1].into()),
        Subject::Address([192, 0, 2, 2].into()),
    ];
    let charge = |limit, subject| {
        let demand = Demand { id: LimitId(0), limit, subject };
        let ready = cells.charge(std::iter::once(demand), NonZeroU32::MIN, Monotonic::from_nanos(1), false).unwrap();
        matches!(ready.spend, Spend::Within(_))
    };
    for passes in [true, false] {
        for (limit, subject) in limits.iter().flat_map(|limit| subjects.map(|subject| (limit, subject))) {
            assert_eq!(charge(limit, subject), passes, "{} of {subject}", limit.name());
        }
    }
    assert!(!charge(&limits[0], Subject::key("key_1")), "the same by its text");
}
