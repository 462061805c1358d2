//! The table of cells, in shards: each under a lock that is held for the few loads and stores of one request, taken in the
//! order of the shards, so that requests never wait for each other in a ring.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashTable;
use keyward_core::limit::{Cell, Charged, Demand, LimitId, MOST, OnFault, Spend, Standings};
use keyward_core::time::{Monotonic, Now};

use super::entry::{Entry, Owned};
use super::reserve::Ask;
use crate::ports::{Reserved, Unused};

/// How many shards. Two cores meet in one only now and then.
const SHARDS: usize = 512;
/// How many cells one shard holds; about a million in all, some hundred bytes each.
const CELLS: usize = 2048;
/// How often a shard without room is looked through for cells that can be forgotten.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// For how long a full cell is kept: a request that waited for the store is charged by the time at which it came.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct Shard {
    cells: HashTable<Entry>,
    look_again: Option<Monotonic>,
}

/// All cells.
#[derive(Debug)]
pub struct Cells {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
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
}

/// A request's demands, each with the hash of its cell.
type Wanted<'a> = [Option<(Demand<'a>, u64)>; MOST];

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
        Self { shards, hasher: RandomState::new(), room }
    }

    /// Charges all of a request's limits, or none. With `give_up` nothing is asked for any more: where something is not
    /// there, the rule of its limit says what becomes of the request.
    ///
    /// # Errors
    /// [`Unready`].
    pub fn charge<'a>(
        &self,
        demands: impl Iterator<Item = Demand<'a>>,
        cost: NonZeroU32,
        now: Monotonic,
        give_up: bool,
    ) -> Result<Ready, Unready> {
        let wanted = self.wanted(demands);
        let mut taken = self.take(&wanted);
        let round = Round { cost, now, room: self.room };
        let mut charges: Charges = [None; MOST];
        let (mut over, mut asks, mut fault) = (None, Vec::new(), false);
        for ((demand, hash), charge) in wanted.iter().flatten().zip(&mut charges) {
            let Some(shard) = taken.shard(*hash) else { continue };
            let uncounted = demand.limit.fault_rule() == OnFault::Allow;
            match round.check(shard, demand, *hash) {
                Check::Within(cell) => *charge = Some(cell),
                Check::Over(wait) => over = longest(over, (demand.id, wait)),
                Check::NotAhead(ask) if !give_up => asks.push(ask),
                Check::NotAhead(_) | Check::NoRoom => fault |= !uncounted,
            }
        }
        if let Some((limit, wait)) = over {
            let spend = Spend::Exceeded(limit, wait, round.standings(&mut taken, &wanted, None));
            return Ok(Ready { spend, soon: Vec::new() });
        }
        if fault {
            return Err(Unready::Fault);
        }
        if !asks.is_empty() {
            return Err(Unready::Ask(asks));
        }
        let mut soon = Vec::new();
        for ((demand, hash), cell) in wanted.iter().flatten().zip(&charges) {
            if let (Some(shard), Some(cell)) = (taken.shard(*hash), cell) {
                soon.extend(round.write(shard, demand, *hash, *cell));
            }
        }
        Ok(Ready { spend: Spend::Within(round.standings(&mut taken, &wanted, Some(&charges))), soon })
    }

    /// What is known of one cell, without charging it.
    pub fn cell(&self, demand: &Demand<'_>) -> Option<Cell> {
        let hash = self.hash(demand);
        find(&lock(&self.shards, hash), demand, hash).map(|entry| entry.cell)
    }

    /// Learns what was written ahead.
    pub(super) fn apply(&self, ask: &Ask, reserved: Reserved, now: Now) {
        let mut shard = lock(&self.shards, ask.hash);
        let is_it = |entry: &Entry| entry.is(ask.hash, ask.limit, ask.subject.borrowed());
        if let Some(entry) = shard.cells.find_mut(ask.hash, is_it) {
            entry.learn(reserved, ask.window, now);
        } else {
            // Room was there when it was asked for; what is asked for at once is bounded.
            shard.cells.insert_unique(ask.hash, Entry::kept(ask, reserved, now), |entry| entry.hash);
        }
    }

    /// Nothing could be written ahead: it may be asked for again.
    pub(super) fn failed(&self, ask: &Ask) {
        let mut shard = lock(&self.shards, ask.hash);
        let is_it = |entry: &Entry| entry.is(ask.hash, ask.limit, ask.subject.borrowed());
        if let Some(entry) = shard.cells.find_mut(ask.hash, is_it) {
            entry.learn_nothing();
        }
    }

    /// Forgets full cells of some of the shards; call it now and then with a number that grows.
    pub fn sweep(&self, turn: usize, now: Monotonic) {
        const AT_ONCE: usize = 16;
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
            *place = Some((demand, self.hash(&demand)));
        }
        wanted
    }

    fn hash(&self, demand: &Demand<'_>) -> u64 {
        self.hasher.hash_one((demand.limit.identity(), demand.subject))
    }

    /// Locks the shards of all cells, in order.
    fn take(&self, wanted: &Wanted<'_>) -> Taken<'_> {
        let mut numbers = [usize::MAX; MOST];
        for (number, (_, hash)) in numbers.iter_mut().zip(wanted.iter().flatten()) {
            *number = shard_of(*hash);
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

fn shard_of(hash: u64) -> usize {
    // The table below uses the lowest and the highest bits.
    usize::try_from(hash >> 32).unwrap_or_default() % SHARDS
}

fn lock(shards: &[Mutex<Shard>], hash: u64) -> MutexGuard<'_, Shard> {
    #[allow(clippy::indexing_slicing, reason = "there are SHARDS of them")]
    open(&shards[shard_of(hash)])
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
    fn shard(&mut self, hash: u64) -> Option<&mut Shard> {
        let number = shard_of(hash);
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
    fn check(&self, shard: &mut Shard, demand: &Demand<'_>, hash: u64) -> Check {
        let entry = find(shard, demand, hash);
        match demand.limit.charge(entry.map(|entry| entry.cell), self.cost, self.now) {
            Charged::Over(wait) => Check::Over(wait),
            Charged::Within(_) if entry.is_none() && !shard.has_room(self.room, self.now) => Check::NoRoom,
            Charged::Within(cell) if demand.limit.is_kept() => match find(shard, demand, hash) {
                Some(entry) if entry.is_ahead_of(cell) => Check::Within(cell),
                entry => Check::NotAhead(Ask::new(demand, hash, self.cost, entry.map(|entry| entry.known(self.now)))),
            },
            Charged::Within(cell) => Check::Within(cell),
        }
    }

    fn write(&self, shard: &mut Shard, demand: &Demand<'_>, hash: u64, cell: Cell) -> Option<Ask> {
        let limit = demand.limit;
        if let Some(entry) = shard.cells.find_mut(hash, |entry| entry.is(hash, limit.identity(), demand.subject)) {
            entry.set(limit, cell);
            let more = entry.wants_more(limit);
            return more.map(|known| Ask::new(demand, hash, self.cost, Some(known)));
        }
        let entry = Entry::new(hash, limit, Owned::of(demand.subject), cell);
        shard.cells.insert_unique(hash, entry, |entry| entry.hash);
        None
    }

    /// Where the subjects stand. Once all is charged, what has no cell was not counted; before that it used nothing, unless
    /// only the store knows.
    fn standings(&self, taken: &mut Taken<'_>, wanted: &Wanted<'_>, charges: Option<&Charges>) -> Standings {
        let mut standings = Standings::default();
        for (place, (demand, hash)) in wanted.iter().flatten().enumerate() {
            let written = charges.and_then(|charges| *charges.get(place)?);
            let looked_up = || Some(find(taken.shard(*hash)?, demand, *hash)?.cell);
            let cell = written.or_else(looked_up);
            if cell.is_some() || !(charges.is_some() || demand.limit.is_kept()) {
                standings.push(demand.limit.standing(demand.id, cell, self.now));
            }
        }
        standings
    }
}

impl Shard {
    fn has_room(&mut self, room: usize, now: Monotonic) -> bool {
        if self.cells.len() >= room && self.look_again.is_none_or(|at| at <= now) {
            self.look_again = Some(now.after(LOOK_AGAIN));
            self.forget(now);
        }
        self.cells.len() < room
    }

    fn forget(&mut self, now: Monotonic) {
        self.cells.retain(|entry| now < entry.full_at.after(GRACE));
        self.cells.shrink_to(self.cells.len() * 2, |entry| entry.hash);
    }
}

fn find<'s>(shard: &'s Shard, demand: &Demand<'_>, hash: u64) -> Option<&'s Entry> {
    shard.cells.find(hash, |entry| entry.is(hash, demand.limit.identity(), demand.subject))
}

fn longest(one: Option<(LimitId, Duration)>, other: (LimitId, Duration)) -> Option<(LimitId, Duration)> {
    Some(one.filter(|one| one.1 >= other.1).unwrap_or(other))
}
