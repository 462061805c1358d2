//! All cells, in a table of shards. Each cell has a lock of its own, held for the few loads and stores of one request. The way to
//! a cell is kept beside the credential that it counts: then the table is not asked at all. Whoever holds a cell waits for no
//! shard.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashTable;
use keyward_core::api_key::CredentialEntry;
use keyward_core::limit::{Cell, Demand, Spend, Standings};
use keyward_core::time::{Monotonic, Now};
use keyward_core::written::Written;

use siphasher::sip128::SipHasher13;

use super::entry::{Line, Name};
use super::reserve::Ask;
use super::round::{Round, Wanted, Way};
use crate::ports::{Reserved, Unused};

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
    pub(super) fn way<'a>(&self, demand: &Demand<'a>, now: Monotonic) -> Option<Way<'a>> {
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
    pub(super) fn forget_untouched(&self, Wanted { demand, way }: Wanted<'_>) {
        let Some(Way::InTable(line)) = way else { return };
        if line.open().cell.is_none() {
            let name = self.name(&demand);
            self.shard(name).forget_untouched(name, &line);
        }
    }

    pub(super) fn name(&self, demand: &Demand<'_>) -> Name {
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
    pub(super) fn at_once(spend: Spend) -> Self {
        Self { spend, soon: Vec::new() }
    }
}

fn open(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // A panic elsewhere leaves a shard whole: each change to it is one call.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
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
