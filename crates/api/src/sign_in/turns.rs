//! Turns at work that is slow on purpose: so many at once, and who waits is served in a circle of addresses, so that nobody
//! waits behind the queue of one that floods.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use keyward_core::address::network;
use tokio::sync::oneshot;

/// Who waits in one line: an address (an IPv6 one by its /64); `None`: whoever may use the data directory.
type Line = Option<IpAddr>;

/// How many may work and wait.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// At once.
    pub at_once: usize,
    /// Waiting.
    pub waiting: usize,
    /// Waiting in one line.
    pub per_address: usize,
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowded {
    /// Too many of this address wait.
    Address,
    /// Too many wait, each of them with no more than its share.
    All,
}

/// All turns. Cheap to clone.
#[derive(Clone)]
pub struct Turns(Arc<Shared>);

struct Shared {
    room: Room,
    state: Mutex<State>,
}

struct State {
    free: usize,
    waiting: usize,
    lines: HashMap<Line, VecDeque<oneshot::Sender<Turn>>>,
    /// Lines with somebody in them, in the order in which they are served.
    circle: VecDeque<Line>,
}

/// A turn. Dropped, it goes to whoever is next.
pub struct Turn(Turns);

impl Turns {
    /// All free.
    pub fn new(room: Room) -> Self {
        let state = State { free: room.at_once, waiting: 0, lines: HashMap::new(), circle: VecDeque::new() };
        Self(Arc::new(Shared { room, state: Mutex::new(state) }))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// Too many wait: at once, or when others with fewer in their line came for the place.
    pub async fn take(&self, from: Option<IpAddr>) -> Result<Turn, Crowded> {
        let line = from.map(network);
        let turn = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Ok(Turn(self.clone()));
            }
            state.join(line, self.0.room)?
        };
        turn.await.map_err(|_| Crowded::All)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    fn pass(&self) {
        let next = {
            let mut state = self.state();
            let next = state.next();
            if next.is_none() {
                state.free += 1;
            }
            next
        };
        // To somebody who is gone by now: then it is dropped here, outside the lock, and goes on to the next.
        let _ = next.map(|next| next.send(Turn(self.clone())));
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing below can panic between two changes that belong together.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.pass();
    }
}

impl State {
    fn join(&mut self, line: Line, room: Room) -> Result<oneshot::Receiver<Turn>, Crowded> {
        let before = self.lines.get(&line).map_or(0, VecDeque::len);
        if before >= room.per_address {
            return Err(Crowded::Address);
        }
        if self.waiting >= room.waiting {
            self.make_room_for(before + 1)?;
        }
        let (sender, turn) = oneshot::channel();
        let queue = self.lines.entry(line).or_default();
        if queue.is_empty() {
            self.circle.push_back(line);
        }
        queue.push_back(sender);
        self.waiting += 1;
        Ok(turn)
    }

    /// Turns the last one of the longest line away, if that line stays as long as the one that somebody joins.
    fn make_room_for(&mut self, length: usize) -> Result<(), Crowded> {
        let longest = self.lines.values_mut().max_by_key(|queue| queue.len());
        let longest = longest.filter(|queue| queue.len() > length).ok_or(Crowded::All)?;
        longest.pop_back();
        self.waiting -= 1;
        Ok(())
    }

    /// The first of the next line.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some(line) = self.circle.pop_front() {
            let queue = self.lines.get_mut(&line)?;
            let next = queue.pop_front();
            if queue.is_empty() {
                self.lines.remove(&line);
            } else {
                self.circle.push_back(line);
            }
            if let Some(next) = next {
                self.waiting -= 1;
                if !next.is_closed() {
                    return Some(next);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Turn, Crowded>> + 'a>>;

    fn from(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn look(waiting: &mut Waiting<'_>) -> Poll<Result<Turn, Crowded>> {
        waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Joins the queue: what comes of it at once, or the one that waits.
    fn join(turns: &Turns, line: Option<IpAddr>) -> Result<Waiting<'_>, Option<Crowded>> {
        let mut waiting: Waiting<'_> = Box::pin(turns.take(line));
        match look(&mut waiting) {
            Poll::Pending => Ok(waiting),
            Poll::Ready(Err(crowded)) => Err(Some(crowded)),
            Poll::Ready(Ok(_)) => Err(None),
        }
    }

    fn ready(turns: &Turns) -> Turn {
        let mut waiting: Waiting<'_> = Box::pin(turns.take(None));
        let Poll::Ready(Ok(turn)) = look(&mut waiting) else { panic!("no turn is free") };
        turn
    }

    fn turns() -> Turns {
        Turns::new(Room { at_once: 1, waiting: 8, per_address: 4 })
    }

    #[test]
    fn a_newcomer_waits_one_round_and_not_a_queue() {
        let turns = turns();
        let mut at_work = Some(ready(&turns));
        let mut queue: Vec<(u8, Waiting<'_>)> = Vec::new();
        for line in [1, 1, 1, 2, 2, 3] {
            queue.push((line, join(&turns, from(line)).ok().unwrap()));
        }
        let mut served = Vec::new();
        while !queue.is_empty() {
            at_work.take();
            let found = queue.iter_mut().enumerate().find_map(|(at, (_, waiting))| match look(waiting) {
                Poll::Ready(Ok(turn)) => Some((at, turn)),
                _ => None,
            });
            let (at, turn) = found.expect("the turn went on");
            at_work = Some(turn);
            served.push(queue.remove(at).0);
        }
        assert_eq!(served, [1, 2, 3, 1, 2, 1]);
    }

    #[test]
    fn one_address_has_a_few_places_and_a_full_queue_makes_room_for_who_has_fewer() {
        let turns = turns();
        let _at_work = ready(&turns);
        let mut first: Vec<_> = (0..4).map(|_| join(&turns, from(1)).ok().unwrap()).collect();
        assert_eq!(join(&turns, from(1)).err(), Some(Some(Crowded::Address)));
        let mut second: Vec<_> = (0..4).map(|_| join(&turns, from(2)).ok().unwrap()).collect();
        // It is full: whoever has none yet takes a place of the longest lines, down to an even share.
        let mut others: Vec<_> = (3..=8).map(|line| join(&turns, from(line)).ok().unwrap()).collect();
        assert_eq!(join(&turns, from(9)).err(), Some(Some(Crowded::All)));
        assert_eq!(join(&turns, from(3)).err(), Some(Some(Crowded::All)));
        let turned_away = |queue: &mut Vec<Waiting<'_>>| {
            let away = |state: &Poll<_>| matches!(state, Poll::Ready(Err(Crowded::All)));
            queue.iter_mut().map(look).filter(away).count()
        };
        assert_eq!([&mut first, &mut second, &mut others].map(turned_away), [3, 3, 0]);
    }

    #[test]
    fn who_hung_up_takes_no_turn() {
        let turns = turns();
        let at_work = ready(&turns);
        let gone: Vec<_> = (0..4).map(|_| join(&turns, from(1)).ok().unwrap()).collect();
        let mut waiting = join(&turns, from(1))
            .err()
            .map_or_else(|| panic!("a fifth place"), |_| join(&turns, from(2)).ok().unwrap());
        drop(gone);
        drop(at_work);
        let Poll::Ready(Ok(turn)) = look(&mut waiting) else { panic!("the turn went to nobody") };
        // Given and not taken up: it is not lost.
        let unheard = join(&turns, from(3)).ok().unwrap();
        drop(turn);
        drop(unheard);
        drop(ready(&turns));
    }

    #[test]
    fn one_customer_of_ipv6_is_one_address() {
        let turns = turns();
        let _at_work = ready(&turns);
        let near = |last: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]));
        let _first: Vec<_> = (0..4).map(|last| join(&turns, near(last)).ok().unwrap()).collect();
        assert_eq!(join(&turns, near(9)).err(), Some(Some(Crowded::Address)));
        assert!(join(&turns, Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 1]))).is_ok());
    }
}
