//! How much memory bodies may take that wait to be whole, over all cores and for each network: what a signature is checked
//! over cannot be passed on piece by piece.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_core::address::network;

/// What every exchange may hold without being counted: its first buffer.
pub(crate) const FREE: usize = 16 * 1024;
/// The most bytes of all bodies together.
const MOST: usize = 64 * 1024 * 1024;
/// The most of one network (an address of IPv4, or a /64 of IPv6).
const MOST_OF_ONE: usize = MOST / 4;

/// What is held, over all cores.
#[derive(Default)]
pub(crate) struct Bodies(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

/// What one body holds, given back when it is dropped.
pub(crate) struct Held {
    bodies: Arc<Bodies>,
    network: IpAddr,
    bytes: usize,
}

/// There is no room for more.
pub(crate) struct NoRoom;

impl Bodies {
    /// For a body of a caller, which holds nothing yet.
    pub(crate) fn hold(self: &Arc<Self>, caller: IpAddr) -> Held {
        Held { bodies: Arc::clone(self), network: network(caller), bytes: 0 }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // A panic elsewhere leaves numbers that are too high at worst.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Holds this many bytes from now on, if there is room.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let more = bytes.saturating_sub(FREE).saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let mut counts = self.bodies.counts();
        let of_one = counts.by_network.get(&self.network).copied().unwrap_or_default();
        if counts.all + more > MOST || of_one + more > MOST_OF_ONE {
            return Err(NoRoom);
        }
        counts.all += more;
        counts.by_network.insert(self.network, of_one + more);
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut counts = self.bodies.counts();
        counts.all = counts.all.saturating_sub(self.bytes);
        if let Some(of_one) = counts.by_network.get_mut(&self.network) {
            *of_one = of_one.saturating_sub(self.bytes);
            if *of_one == 0 {
                counts.by_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_all_of_it_and_all_of_it_is_given_back() {
        let bodies = Arc::new(Bodies::default());
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        let mut held: Vec<Held> = (0..5).map(|last| bodies.hold(address(last))).collect();
        for (number, one) in held.iter_mut().enumerate() {
            assert!(one.grow_to(FREE).is_ok());
            assert_eq!(one.grow_to(MOST_OF_ONE + FREE).is_ok(), number < 4, "{number}");
        }
        assert!(bodies.hold(address(0)).grow_to(FREE + 1).is_err());
        drop(held);
        assert!(bodies.hold(address(0)).grow_to(MOST_OF_ONE + FREE).is_ok());
        assert!(bodies.hold(address(0)).grow_to(MOST_OF_ONE + FREE + 1).is_err());
        assert!(bodies.counts().by_network.is_empty());
    }
}
