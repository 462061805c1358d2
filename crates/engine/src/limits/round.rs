//! One request's charges: its cells are locked together, all checked, and then all written or none. A request takes them in the
//! order in which they lie in memory, so that none waits for another in a ring.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use keyward_core::limit::{Cell, Charged, Demand, LimitId, MOST, OnFault, Spend, Standings};
use keyward_core::time::Monotonic;

use super::cells::{Cells, Ready, Unready};
use super::entry::{Entry, Line};
use super::reserve::Ask;
use crate::ports::Known;

/// The way to a cell.
pub(super) enum Way<'a> {
    Beside(&'a Line),
    InTable(Arc<Line>),
}

impl Deref for Way<'_> {
    type Target = Line;

    fn deref(&self) -> &Line {
        match self {
            Self::Beside(line) => line,
            Self::InTable(line) => line,
        }
    }
}

/// One of a request's demands, with the way to its cell if there is one.
pub(super) struct Wanted<'a> {
    pub(super) demand: Demand<'a>,
    pub(super) way: Option<Way<'a>>,
}

/// What becomes of the cell of each demand.
type Charges = [Option<Cell>; MOST];

/// The cells of one request, locked; released with it.
struct Taken<'a> {
    /// For each demand, the first one that has the same cell; `None` where it has none.
    places: [Option<usize>; MOST],
    guards: [Option<MutexGuard<'a, Entry>>; MOST],
}

impl<'a> Taken<'a> {
    /// Locks each cell once, in the order of their places in memory.
    fn take(all: &'a [Option<Wanted<'_>>; MOST]) -> Self {
        let line = |place: usize| all.get(place)?.as_ref()?.way.as_deref();
        let address = |place: usize| line(place).map(std::ptr::from_ref);
        let places = std::array::from_fn(|place| {
            let own = address(place)?;
            (0..=place).find(|first| address(*first) == Some(own))
        });
        let mut order: [usize; MOST] = std::array::from_fn(|place| place);
        let (order, _) = order.split_at_mut(all.iter().flatten().count());
        order.sort_unstable_by_key(|place| address(*place));
        let mut taken = Self { places, guards: [const { None }; MOST] };
        for place in order.iter().copied() {
            if taken.places.get(place) == Some(&Some(place))
                && let Some(guard) = taken.guards.get_mut(place)
            {
                *guard = line(place).map(Line::open);
            }
        }
        taken
    }

    /// The entry of a demand.
    fn entry(&mut self, place: usize) -> Option<&mut Entry> {
        let first = (*self.places.get(place)?)?;
        self.guards.get_mut(first)?.as_deref_mut()
    }
}

/// What a request may do to one cell.
enum Check {
    Within(Cell),
    Over(Duration),
    /// It is not written ahead yet.
    NotAhead(Ask),
    /// Nothing is known of its subject, and the table holds as many as it may.
    NoRoom,
}

/// One request's charges.
pub(super) struct Round<'a> {
    pub(super) cells: &'a Cells,
    pub(super) cost: NonZeroU32,
    pub(super) now: Monotonic,
}

impl Round<'_> {
    /// One limit alone, and nothing to write ahead: as most requests have it.
    pub(super) fn charge_one(&self, demand: Demand<'_>) -> Result<Ready, Unready> {
        let Demand { id, limit, .. } = demand;
        let way = self.cells.way(&demand, self.now);
        let mut entry = way.as_deref().map(Line::open);
        let before = entry.as_ref().and_then(|entry| entry.cell);
        let standing = |cell| Standings::from_iter([limit.standing(id, cell, self.now)]);
        let cell = match limit.charge(before, self.cost, self.now) {
            Charged::Over(wait) => {
                drop(entry);
                self.cells.forget_untouched(Wanted { demand, way });
                return Ok(Ready::at_once(Spend::Exceeded(id, wait, standing(before))));
            }
            Charged::Within(cell) => cell,
        };
        if let Some(entry) = &mut entry {
            entry.set(limit, cell);
            Ok(Ready::at_once(Spend::Within(standing(Some(cell)))))
        } else if limit.fault_rule() == OnFault::Allow {
            Ok(Ready::at_once(Spend::Within(Standings::default())))
        } else {
            Err(Unready::Fault)
        }
    }

    pub(super) fn charge_all<'a>(
        &self,
        demands: impl Iterator<Item = Demand<'a>>,
        give_up: bool,
    ) -> Result<Ready, Unready> {
        let mut wanted = [const { None }; MOST];
        for (place, demand) in wanted.iter_mut().zip(demands) {
            *place = Some(Wanted { way: self.cells.way(&demand, self.now), demand });
        }
        let charged = self.charge_taken(&wanted, give_up);
        if !matches!(charged, Ok(Ready { spend: Spend::Within(_), .. })) {
            wanted.into_iter().flatten().for_each(|wanted| self.cells.forget_untouched(wanted));
        }
        charged
    }

    fn charge_taken(&self, wanted: &[Option<Wanted<'_>>; MOST], give_up: bool) -> Result<Ready, Unready> {
        let mut taken = Taken::take(wanted);
        let demands = || wanted.iter().flatten().map(|wanted| &wanted.demand).enumerate();
        let mut charges: Charges = [None; MOST];
        let (mut over, mut asks, mut fault) = (None, Vec::new(), false);
        for ((place, demand), charge) in demands().zip(&mut charges) {
            let uncounted = demand.limit.fault_rule() == OnFault::Allow;
            match self.check(taken.entry(place), demand) {
                Check::Within(cell) => *charge = Some(cell),
                Check::Over(wait) => over = longest(over, (demand.id, wait)),
                Check::NotAhead(ask) if !give_up => asks.push(ask),
                Check::NotAhead(_) | Check::NoRoom => fault |= !uncounted,
            }
        }
        if let Some((limit, wait)) = over {
            let standings = self.standings(&mut taken, demands(), None);
            return Ok(Ready::at_once(Spend::Exceeded(limit, wait, standings)));
        }
        if fault {
            return Err(Unready::Fault);
        }
        if !asks.is_empty() {
            return Err(Unready::Ask(asks));
        }
        let mut soon = Vec::new();
        for ((place, demand), cell) in demands().zip(&charges) {
            if let (Some(entry), Some(cell)) = (taken.entry(place), cell) {
                entry.set(demand.limit, *cell);
                soon.extend(entry.wants_more(demand.limit).map(|known| self.ask(demand, known)));
            }
        }
        Ok(Ready { spend: Spend::Within(self.standings(&mut taken, demands(), Some(&charges))), soon })
    }

    fn check(&self, entry: Option<&mut Entry>, demand: &Demand<'_>) -> Check {
        let before = entry.as_ref().and_then(|entry| entry.cell);
        match (demand.limit.charge(before, self.cost, self.now), entry) {
            (Charged::Over(wait), _) => Check::Over(wait),
            (Charged::Within(_), None) => Check::NoRoom,
            (Charged::Within(cell), Some(entry)) if demand.limit.is_kept() && !entry.is_ahead_of(cell) => {
                Check::NotAhead(self.ask(demand, entry.known(self.now)))
            }
            (Charged::Within(cell), Some(_)) => Check::Within(cell),
        }
    }

    fn ask(&self, demand: &Demand<'_>, known: Known) -> Ask {
        Ask::new(demand, self.cells.name(demand), self.cost, known)
    }

    /// Where the subjects stand. Once all is charged, what has no cell was not counted; before that it used nothing, unless
    /// only the store knows.
    fn standings<'a>(
        &self,
        taken: &mut Taken<'_>,
        demands: impl Iterator<Item = (usize, &'a Demand<'a>)>,
        charges: Option<&Charges>,
    ) -> Standings {
        let mut standings = Standings::default();
        for (place, demand) in demands {
            let written = charges.and_then(|charges| *charges.get(place)?);
            let cell = written.or_else(|| taken.entry(place)?.cell);
            if cell.is_some() || !(charges.is_some() || demand.limit.is_kept()) {
                standings.push(demand.limit.standing(demand.id, cell, self.now));
            }
        }
        standings
    }
}

fn longest(one: Option<(LimitId, Duration)>, other: (LimitId, Duration)) -> Option<(LimitId, Duration)> {
    Some(one.filter(|one| one.1 >= other.1).unwrap_or(other))
}
