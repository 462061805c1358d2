//! All cells, in a table of shards. Each cell has a lock of its own, held for the few loads and stores of one request; a request
//! takes those of its cells in the order in which they lie in memory, so that none waits for another in a ring. The way to a
//! cell is kept beside the credential that it counts: then the table is not asked at all.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashTable;
use keyward_core::api_key::CredentialEntry;
use keyward_core::limit::{Cell, Charged, Demand, LimitId, MOST, OnFault, Spend, Standings};
use keyward_core::time::{Monotonic, Now};
use keyward_core::written::Written;

use siphasher::sip128::SipHasher13;

use super::entry::{Entry, Line, Name};
use super::reserve::Ask;
use crate::ports::{Known, Reserved, Unused};

/// How many shards. Two cores meet in one only now and then; more of them would be more locks to fetch from memory.
const SHARDS: usize = 128;
/// How many cells one shard holds; about a million in all, some hundred bytes each.
const CELLS: usize = 8192;
/// How often a shard without room is looked through for cells that can be forgotten.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// On lines of its own: its neighbours are written by other cores.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard {
    cells: HashTable<Named>,
    look_again: Option<Monotonic>,
    /// How many ways to its cells were given away since it was last looked through, when so many were: those cells are not
    /// forgotten, so there must be room beside them.
    given: usize,
}

/// A cell in the table.
#[derive(Debug)]
struct Named {
    name: Name,
    line: Arc<Line>,
}

/// All cells.
#[derive(Debug)]
pub struct Cells {
    shards: Box<[Mutex<Shard>]>,
    keyed: SipHasher13,
    room: usize,
}

/// What came of a request's charges.
#[derive(Debug)]
pub struct Ready {
    /// All were made, or none.
    pub spend: Spend,
    /// What should be written ahead soon, so that nobody will have to wait for it.
    pub soon: Vec<Ask>,
}

/// Why nothing was charged.
#[derive(Debug)]
pub enum Unready {
    /// These must be written ahead first.
    Ask(Vec<Ask>),
    /// There is no room for another cell, or nothing could be written ahead, and the limit denies then.
    Fault,
    /// The caller's account is on a plan that the configuration does not know.
    Plan,
}

/// The way to a cell.
enum Way<'a> {
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
struct Wanted<'a> {
    demand: Demand<'a>,
    way: Option<Way<'a>>,
}

/// What becomes of the cell of each demand.
type Charges = [Option<Cell>; MOST];

impl Default for Cells {
    fn default() -> Self {
        Self::with_room(CELLS)
    }
}

impl Cells {
    /// With room for so many cells in each shard.
    pub fn with_room(room: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        // A key of the system's randomness, by way of what the standard library draws from it.
        let key = || RandomState::new().hash_one(());
        Self { shards, keyed: SipHasher13::new_with_keys(key(), key()), room }
    }

    /// Charges all of a request's limits, or none. With `give_up` nothing is asked for any more: where something is not
    /// there, the rule of its limit says what becomes of the request.
    ///
    /// # Errors
    /// [`Unready`].
    pub fn charge<'a>(
        &self,
        mut demands: impl Iterator<Item = Demand<'a>>,
        cost: NonZeroU32,
        now: Monotonic,
        give_up: bool,
    ) -> Result<Ready, Unready> {
        let round = Round { cells: self, cost, now };
        let Some(first) = demands.next() else { return Ok(Ready::at_once(Spend::Within(Standings::default()))) };
        match demands.next() {
            None if !first.limit.is_kept() => round.charge_one(first),
            second => round.charge_all([first].into_iter().chain(second).chain(demands), give_up),
        }
    }

    /// What is known of one cell, without charging it.
    pub fn cell(&self, demand: &Demand<'_>) -> Option<Cell> {
        let name = self.name(demand);
        let line = Arc::clone(self.shard(name).find(name)?);
        line.open().cell
    }

    /// Learns what was written ahead.
    pub(super) fn apply(&self, ask: &Ask, reserved: Reserved, now: Now) {
        let mut shard = self.shard(ask.name);
        // Room was there when it was asked for; what is asked for at once is bounded.
        let line = shard.find(ask.name).cloned().unwrap_or_else(|| shard.insert(ask.name));
        drop(shard);
        line.open().learn(ask, reserved, now);
    }

    /// Nothing could be written ahead: it may be asked for again.
    pub(super) fn failed(&self, ask: &Ask) {
        if let Some(line) = self.shard(ask.name).find(ask.name) {
            line.open().learn_nothing();
        }
    }

    /// Forgets full cells of some of the shards; call it now and then with a number that grows.
    pub fn sweep(&self, turn: usize, now: Monotonic) {
        const AT_ONCE: usize = 4;
        for place in (turn * AT_ONCE..).take(AT_ONCE) {
            if let Some(shard) = self.shards.get(place % SHARDS) {
                open(shard).forget(now);
            }
        }
    }

    /// What of the kept quotas was written ahead and not used, for an orderly end.
    pub fn unused(&self, now: Monotonic) -> Vec<Unused> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(open(shard).cells.iter().filter_map(|named| named.line.open().unused(now)));
        }
        all
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.shards.iter().map(|shard| open(shard).cells.len()).sum()
    }

    /// The way to the cell of a demand, which is made where there is none yet. `None`: there is no room for another.
    fn way<'a>(&self, demand: &Demand<'a>, now: Monotonic) -> Option<Way<'a>> {
        let limit = demand.limit.identity();
        if let Some(line) = demand.beside.and_then(|beside| beside.cell(limit)?.downcast_ref()) {
            return Some(Way::Beside(line));
        }
        let name = self.name(demand);
        let mut shard = self.shard(name);
        let found = shard.find(name).cloned();
        let line = match found {
            Some(line) => line,
            None if shard.has_room(self.room, now) => shard.insert(name),
            None => return None,
        };
        if let Some(beside) = demand.beside {
            shard.give(&line, limit, beside, self.room);
        }
        Some(Way::InTable(line))
    }

    /// Forgets the cell that was made for a demand which then was not charged: whoever is refused takes up no room.
    fn forget_untouched(&self, Wanted { demand, way }: Wanted<'_>) {
        let Some(Way::InTable(line)) = way else { return };
        if line.open().cell.is_none() {
            let name = self.name(&demand);
            self.shard(name).forget_untouched(name, &line);
        }
    }

    fn name(&self, demand: &Demand<'_>) -> Name {
        Name::of(demand, &self.keyed)
    }

    fn shard(&self, name: Name) -> MutexGuard<'_, Shard> {
        #[allow(clippy::indexing_slicing, reason = "there are SHARDS of them")]
        open(&self.shards[name.shard(SHARDS)])
    }
}

/// Reads a little of the cells to which the way is known beside a credential, so that the processor fetches them while it waits
/// for the rest of it.
pub(crate) fn fetch(entry: &CredentialEntry) {
    entry.written.cells().filter_map(|(_, cell)| cell.downcast_ref()).for_each(Line::fetch);
}

impl Ready {
    /// With nothing to be written ahead.
    fn at_once(spend: Spend) -> Self {
        Self { spend, soon: Vec::new() }
    }
}

fn open(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // A panic elsewhere leaves a shard whole: each change to it is one call.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

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
struct Round<'a> {
    cells: &'a Cells,
    cost: NonZeroU32,
    now: Monotonic,
}

impl Round<'_> {
    /// One limit alone, and nothing to write ahead: as most requests have it.
    fn charge_one(&self, demand: Demand<'_>) -> Result<Ready, Unready> {
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

    fn charge_all<'a>(&self, demands: impl Iterator<Item = Demand<'a>>, give_up: bool) -> Result<Ready, Unready> {
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

impl Shard {
    fn find(&self, name: Name) -> Option<&Arc<Line>> {
        self.cells.find(name.hash(), |named| named.name == name).map(|named| &named.line)
    }

    fn insert(&mut self, name: Name) -> Arc<Line> {
        let line = Arc::<Line>::default();
        let named = Named { name, line: Arc::clone(&line) };
        self.cells.insert_unique(name.hash(), named, |named| named.name.hash());
        line
    }

    /// Forgets a cell that nothing was charged to, where nobody but the asker has a way to it.
    fn forget_untouched(&mut self, name: Name, line: &Arc<Line>) {
        // The table's own and the asker's: nobody makes another meanwhile, because the table is locked.
        let is_alone = Arc::strong_count(line) == 2;
        if is_alone
            && line.open().cell.is_none()
            && let Ok(found) = self.cells.find_entry(name.hash(), |named| named.name == name)
        {
            found.remove();
        }
    }

    /// Keeps the way to a cell beside a credential, unless too many were given away.
    fn give(&mut self, line: &Arc<Line>, limit: u64, beside: &Written, room: usize) {
        if self.given < room / 2 && beside.keep_cell(limit, Arc::<Line>::clone(line)) {
            self.given += 1;
        }
    }

    fn has_room(&mut self, room: usize, now: Monotonic) -> bool {
        if self.cells.len() >= room && self.look_again.is_none_or(|at| at <= now) {
            self.look_again = Some(now.after(LOOK_AGAIN));
            self.forget(now);
        }
        self.cells.len() < room
    }

    /// Forgets full cells, but those to which somebody has a way: whoever came by another would be charged elsewhere.
    fn forget(&mut self, now: Monotonic) {
        self.given = 0;
        self.cells.retain(|Named { line, .. }| {
            // The table's own is one. Nobody makes another meanwhile: the table is locked.
            let others = Arc::strong_count(line) - 1;
            self.given += others;
            others > 0 || !line.open().says_nothing(now)
        });
        self.cells.shrink_to(self.cells.len() * 2, |named| named.name.hash());
    }
}

fn longest(one: Option<(LimitId, Duration)>, other: (LimitId, Duration)) -> Option<(LimitId, Duration)> {
    Some(one.filter(|one| one.1 >= other.1).unwrap_or(other))
}
