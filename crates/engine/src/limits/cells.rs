//! The table of cells, in shards: each under a lock that is held for the few loads and stores of one request, taken in the
//! order of the shards, so that requests never wait for each other in a ring.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashTable;
use keyward_core::limit::{Cell, Charged, Demand, LimitId, MOST, OnFault, Spend, Standings};
use keyward_core::time::{Monotonic, Now};

use siphasher::sip128::SipHasher13;

use super::entry::{Entry, Name};
use super::reserve::Ask;
use crate::ports::{Reserved, Unused};

/// How many shards. Two cores meet in one only now and then; more of them would be more locks to fetch from memory.
const SHARDS: usize = 128;
/// How many cells one shard holds; about a million in all, some hundred bytes each.
const CELLS: usize = 8192;
/// How often a shard without room is looked through for cells that can be forgotten.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// For how long a full cell is kept: a request that waited for the store is charged by the time at which it came.
const GRACE: Duration = Duration::from_secs(10);

/// On lines of its own: its neighbours are written by other cores.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard {
    cells: HashTable<Entry>,
    look_again: Option<Monotonic>,
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

/// A request's demands, each with the name of its cell.
type Wanted<'a> = [Option<(Demand<'a>, Name)>; MOST];

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
        let round = Round { cost, now, room: self.room };
        let Some(first) = demands.next() else { return Ok(Ready::at_once(Spend::Within(Standings::default()))) };
        match demands.next() {
            None if !first.limit.is_kept() => self.charge_one(&first, &round),
            second => self.charge_all([first].into_iter().chain(second).chain(demands), &round, give_up),
        }
    }

    /// One limit alone, and nothing to write ahead: as most requests have it. Its cell is looked up once.
    fn charge_one(&self, demand: &Demand<'_>, round: &Round) -> Result<Ready, Unready> {
        let Demand { id, limit, .. } = *demand;
        let name = self.name(demand);
        let mut shard = self.shard(name);
        let found = shard.cells.find_mut(name.hash(), |entry| entry.name == name);
        let before = found.as_ref().map(|entry| entry.cell);
        let standing = |cell| Standings::from_iter([limit.standing(id, cell, round.now)]);
        let cell = match limit.charge(before, round.cost, round.now) {
            Charged::Over(wait) => return Ok(Ready::at_once(Spend::Exceeded(id, wait, standing(before)))),
            Charged::Within(cell) => cell,
        };
        if let Some(entry) = found {
            entry.set(limit, cell);
        } else if shard.has_room(round.room, round.now) {
            shard.insert(Entry::new(name, limit, cell));
        } else if limit.fault_rule() == OnFault::Allow {
            return Ok(Ready::at_once(Spend::Within(Standings::default())));
        } else {
            return Err(Unready::Fault);
        }
        Ok(Ready::at_once(Spend::Within(standing(Some(cell)))))
    }

    fn charge_all<'a>(
        &self,
        demands: impl Iterator<Item = Demand<'a>>,
        round: &Round,
        give_up: bool,
    ) -> Result<Ready, Unready> {
        let wanted = self.wanted(demands);
        let mut taken = self.take(&wanted);
        let mut charges: Charges = [None; MOST];
        let (mut over, mut asks, mut fault) = (None, Vec::new(), false);
        for ((demand, name), charge) in wanted.iter().flatten().zip(&mut charges) {
            let Some(shard) = taken.shard(*name) else { continue };
            let uncounted = demand.limit.fault_rule() == OnFault::Allow;
            match round.check(shard, demand, *name) {
                Check::Within(cell) => *charge = Some(cell),
                Check::Over(wait) => over = longest(over, (demand.id, wait)),
                Check::NotAhead(ask) if !give_up => asks.push(ask),
                Check::NotAhead(_) | Check::NoRoom => fault |= !uncounted,
            }
        }
        if let Some((limit, wait)) = over {
            let standings = round.standings(&mut taken, &wanted, None);
            return Ok(Ready::at_once(Spend::Exceeded(limit, wait, standings)));
        }
        if fault {
            return Err(Unready::Fault);
        }
        if !asks.is_empty() {
            return Err(Unready::Ask(asks));
        }
        let mut soon = Vec::new();
        for ((demand, name), cell) in wanted.iter().flatten().zip(&charges) {
            if let (Some(shard), Some(cell)) = (taken.shard(*name), cell) {
                soon.extend(round.write(shard, demand, *name, *cell));
            }
        }
        Ok(Ready { spend: Spend::Within(round.standings(&mut taken, &wanted, Some(&charges))), soon })
    }

    /// What is known of one cell, without charging it.
    pub fn cell(&self, demand: &Demand<'_>) -> Option<Cell> {
        let name = self.name(demand);
        self.shard(name).find(name).map(|entry| entry.cell)
    }

    /// Learns what was written ahead.
    pub(super) fn apply(&self, ask: &Ask, reserved: Reserved, now: Now) {
        let mut shard = self.shard(ask.name);
        if let Some(entry) = shard.find_mut(ask.name) {
            entry.learn(reserved, ask.window, now);
        } else {
            // Room was there when it was asked for; what is asked for at once is bounded.
            shard.insert(Entry::kept(ask, reserved, now));
        }
    }

    /// Nothing could be written ahead: it may be asked for again.
    pub(super) fn failed(&self, ask: &Ask) {
        if let Some(entry) = self.shard(ask.name).find_mut(ask.name) {
            entry.learn_nothing();
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
            all.extend(open(shard).cells.iter().filter_map(|entry| entry.unused(now)));
        }
        all
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.shards.iter().map(|shard| open(shard).cells.len()).sum()
    }

    fn wanted<'a>(&self, demands: impl Iterator<Item = Demand<'a>>) -> Wanted<'a> {
        let mut wanted = [None; MOST];
        for (place, demand) in wanted.iter_mut().zip(demands) {
            *place = Some((demand, self.name(&demand)));
        }
        wanted
    }

    fn name(&self, demand: &Demand<'_>) -> Name {
        Name::of(demand, &self.keyed)
    }

    fn shard(&self, name: Name) -> MutexGuard<'_, Shard> {
        #[allow(clippy::indexing_slicing, reason = "there are SHARDS of them")]
        open(&self.shards[name.shard(SHARDS)])
    }

    /// Locks the shards of all cells, in order.
    fn take(&self, wanted: &Wanted<'_>) -> Taken<'_> {
        let mut numbers = [usize::MAX; MOST];
        for (number, (_, name)) in numbers.iter_mut().zip(wanted.iter().flatten()) {
            *number = name.shard(SHARDS);
        }
        numbers.sort_unstable();
        let mut taken = Taken { numbers, guards: [const { None }; MOST] };
        let mut last = None;
        for (guard, number) in taken.guards.iter_mut().zip(numbers) {
            if last != Some(number) {
                last = Some(number);
                *guard = self.shards.get(number).map(|shard| open(shard));
            }
        }
        taken
    }
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

/// The shards of one request, locked; released with it.
struct Taken<'a> {
    numbers: [usize; MOST],
    guards: [Option<MutexGuard<'a, Shard>>; MOST],
}

impl Taken<'_> {
    fn shard(&mut self, name: Name) -> Option<&mut Shard> {
        let number = name.shard(SHARDS);
        let place = self.numbers.iter().position(|one| *one == number)?;
        self.guards.get_mut(place)?.as_deref_mut()
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
struct Round {
    cost: NonZeroU32,
    now: Monotonic,
    room: usize,
}

impl Round {
    fn check(&self, shard: &mut Shard, demand: &Demand<'_>, name: Name) -> Check {
        let entry = shard.find(name);
        match demand.limit.charge(entry.map(|entry| entry.cell), self.cost, self.now) {
            Charged::Over(wait) => Check::Over(wait),
            Charged::Within(_) if entry.is_none() && !shard.has_room(self.room, self.now) => Check::NoRoom,
            Charged::Within(cell) if demand.limit.is_kept() => match shard.find(name) {
                Some(entry) if entry.is_ahead_of(cell) => Check::Within(cell),
                entry => Check::NotAhead(Ask::new(demand, name, self.cost, entry.map(|entry| entry.known(self.now)))),
            },
            Charged::Within(cell) => Check::Within(cell),
        }
    }

    fn write(&self, shard: &mut Shard, demand: &Demand<'_>, name: Name, cell: Cell) -> Option<Ask> {
        let limit = demand.limit;
        if let Some(entry) = shard.find_mut(name) {
            entry.set(limit, cell);
            let more = entry.wants_more(limit);
            return more.map(|known| Ask::new(demand, name, self.cost, Some(known)));
        }
        shard.insert(Entry::new(name, limit, cell));
        None
    }

    /// Where the subjects stand. Once all is charged, what has no cell was not counted; before that it used nothing, unless
    /// only the store knows.
    fn standings(&self, taken: &mut Taken<'_>, wanted: &Wanted<'_>, charges: Option<&Charges>) -> Standings {
        let mut standings = Standings::default();
        for (place, (demand, name)) in wanted.iter().flatten().enumerate() {
            let written = charges.and_then(|charges| *charges.get(place)?);
            let looked_up = || Some(taken.shard(*name)?.find(*name)?.cell);
            let cell = written.or_else(looked_up);
            if cell.is_some() || !(charges.is_some() || demand.limit.is_kept()) {
                standings.push(demand.limit.standing(demand.id, cell, self.now));
            }
        }
        standings
    }
}

impl Shard {
    fn find(&self, name: Name) -> Option<&Entry> {
        self.cells.find(name.hash(), |entry| entry.name == name)
    }

    fn find_mut(&mut self, name: Name) -> Option<&mut Entry> {
        self.cells.find_mut(name.hash(), |entry| entry.name == name)
    }

    fn insert(&mut self, entry: Entry) {
        self.cells.insert_unique(entry.name.hash(), entry, |entry| entry.name.hash());
    }

    fn has_room(&mut self, room: usize, now: Monotonic) -> bool {
        if self.cells.len() >= room && self.look_again.is_none_or(|at| at <= now) {
            self.look_again = Some(now.after(LOOK_AGAIN));
            self.forget(now);
        }
        self.cells.len() < room
    }

    fn forget(&mut self, now: Monotonic) {
        self.cells.retain(|entry| now < entry.full_at.after(GRACE));
        self.cells.shrink_to(self.cells.len() * 2, |entry| entry.name.hash());
    }
}

fn longest(one: Option<(LimitId, Duration)>, other: (LimitId, Duration)) -> Option<(LimitId, Duration)> {
    Some(one.filter(|one| one.1 >= other.1).unwrap_or(other))
}
