//! By what a cell is known: its limit and its subject, and nothing else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::num::NonZeroU32;
use std::time::Duration;

use keyward_core::limit::{Demand, Limit, LimitId, Per, Spend, Subject};
use keyward_core::principal::CredentialId;
use keyward_core::time::Monotonic;
use keyward_core::written::Written;
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
        let demand = Demand { id: LimitId(0), limit, subject, beside: None };
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

/// A core's own copy of what is kept beside a key, and what is charged by it.
struct Core<'a> {
    cells: &'a Cells,
    key: CredentialId,
    beside: Written,
}

impl<'a> Core<'a> {
    fn of(cells: &'a Cells) -> Self {
        Self::knowing("key_1", cells)
    }

    fn knowing(key: &str, cells: &'a Cells) -> Self {
        Self { cells, key: key.into(), beside: Written::default() }
    }

    fn demand<'d>(&'d self, limit: &'d Limit) -> Demand<'d> {
        Demand { id: LimitId(0), limit, subject: Subject::Key((&self.key).into()), beside: Some(&self.beside) }
    }

    /// Whether a request that all of these limits count passes in a second.
    fn passes(&self, limits: &[&Limit], second: u64) -> bool {
        let demands = limits.iter().map(|limit| self.demand(limit));
        let now = Monotonic::from_nanos(second * 1_000_000_000);
        let ready = self.cells.charge(demands, NonZeroU32::MIN, now, false).unwrap();
        matches!(ready.spend, Spend::Within(_))
    }

    fn ways(&self) -> usize {
        self.beside.cells().count()
    }
}

fn quota(name: &str, requests: u32) -> Limit {
    Limit::new(name, Per::Key, NonZeroU32::new(requests).unwrap(), Duration::from_secs(60), None)
}

fn sweep(cells: &Cells, second: u64) {
    (0..32).for_each(|turn| cells.sweep(turn, Monotonic::from_nanos(second * 1_000_000_000)));
}

#[test]
fn the_way_beside_a_key_leads_to_where_everybody_is_charged() {
    let cells = Cells::default();
    let (one, other, limit) = (Core::of(&cells), Core::of(&cells), quota("three", 3));
    let passed = [&one, &other, &one, &other, &one].map(|core| core.passes(&[&limit], 1));
    assert_eq!(passed, [true, true, true, false, false]);
    assert_eq!((one.ways(), other.ways(), cells.count()), (1, 1, 1));
    assert_eq!(cells.cell(&one.demand(&limit)), cells.cell(&Demand { beside: None, ..one.demand(&limit) }));
}

#[test]
fn each_limit_has_a_way_of_its_own_and_those_without_are_looked_up() {
    let cells = Cells::default();
    let core = Core::of(&cells);
    let limits = [quota("one", 1), quota("two", 2), quota("three", 3), quota("four", 4)];
    for (most, limit) in (1..).zip(&limits) {
        let passed = (0..9).filter(|_| core.passes(&[limit], 1)).count();
        assert_eq!(passed, most, "{}", limit.name());
    }
    assert_eq!(core.ways(), 2);
}

#[test]
fn a_cell_that_somebody_has_a_way_to_is_not_forgotten() {
    let cells = Cells::default();
    let (one, other, limit) = (Core::of(&cells), Core::of(&cells), quota("once", 1));
    assert!(one.passes(&[&limit], 1));
    sweep(&cells, 500);
    assert_eq!(cells.count(), 1, "it is full and known");
    assert!(other.passes(&[&limit], 500), "another window");
    assert!(!one.passes(&[&limit], 501), "and the same cell");
    drop((one, other));
    sweep(&cells, 560);
    assert_eq!(cells.count(), 1, "it is not full");
    sweep(&cells, 1000);
    assert_eq!(cells.count(), 0);
}

#[test]
fn no_more_than_half_of_the_room_is_for_cells_that_are_not_forgotten() {
    let cells = Cells::with_room(2);
    let limit = quota("one", 1);
    let cores: Vec<Core<'_>> = (0..5000).map(|number| Core::knowing(&format!("key_{number}"), &cells)).collect();
    let charge = |core: &&Core<'_>| {
        let demand = core.demand(&limit);
        cells.charge(std::iter::once(demand), NonZeroU32::MIN, Monotonic::from_nanos(1), false).is_ok()
    };
    let charged = cores.iter().filter(charge).count();
    let ways: usize = cores.iter().map(Core::ways).sum();
    assert_eq!((charged, ways), (256, 128), "all room was used, half of it by ways");
    sweep(&cells, 500);
    assert_eq!(cells.count(), 128);
}

#[test]
fn who_is_refused_leaves_nothing_behind() {
    let cells = Cells::default();
    let (core, never, once) = (Core::of(&cells), quota("never", 1), quota("once", 1));
    let cost = NonZeroU32::new(2).unwrap();
    let over = |limits: &[&Limit]| {
        let demands = limits.iter().map(|limit| Demand { beside: None, ..core.demand(limit) });
        let spend = cells.charge(demands, cost, Monotonic::from_nanos(1), false).unwrap().spend;
        matches!(spend, Spend::Exceeded(..))
    };
    assert!(over(&[&never]) && over(&[&never, &once]));
    assert_eq!(cells.count(), 0);
}

#[test]
fn a_limit_that_is_named_twice_is_charged_once_and_holds_up_nobody() {
    let cells = Cells::default();
    let (core, limit) = (Core::of(&cells), quota("two", 2));
    let passed = [1, 1, 1].map(|second| core.passes(&[&limit, &limit], second));
    assert_eq!(passed, [true, true, false]);
}

/// Were cells taken in the order of the demands, this would never end.
#[test]
fn requests_that_name_their_limits_in_another_order_do_not_wait_in_a_ring() {
    const EACH: u32 = 20_000;
    let cells = Cells::default();
    let limits = ["a", "b", "c"].map(|name| quota(name, 2 * EACH));
    let [a, b, c] = &limits;
    std::thread::scope(|scope| {
        for order in [[a, b, c], [c, b, a]] {
            let core = Core::of(&cells);
            scope.spawn(move || (0..EACH).for_each(|_| assert!(core.passes(&order, 1))));
        }
    });
    let core = Core::of(&cells);
    assert!(!core.passes(&[a], 1) && !core.passes(&[b], 1) && !core.passes(&[c], 1), "all were charged to each");
}
