//! What a worker charges limits with: the cells, and whoever writes ahead of those that outlive a crash.

use std::sync::Arc;

use keyward_core::decision::Fault;
use keyward_core::limit::Spend;
use keyward_core::machine::Spending;

use super::cells::{Cells, Unready};
use super::reserve::{Reserver, channel};

/// How often a request whose portion others took asks for another. A quota has at most twenty portions of a size that
/// matters, so whoever asks oftener finds it used up.
const ATTEMPTS: usize = 32;

/// Charges limits. All cores hold the same cells.
#[derive(Clone)]
pub struct Limiter {
    cells: Arc<Cells>,
    reserver: Reserver,
}

impl Default for Limiter {
    /// New cells, and nobody who writes ahead.
    fn default() -> Self {
        Self { cells: Arc::default(), reserver: channel().0 }
    }
}

impl Limiter {
    /// With these cells.
    pub fn new(cells: Arc<Cells>, reserver: Reserver) -> Self {
        Self { cells, reserver }
    }

    /// Charges all that a request is to be charged to, or nothing. Waits for nothing but the locks of its cells.
    ///
    /// # Errors
    /// [`Unready`], for [`Limiter::charge_later`].
    pub fn charge(&self, spending: &Spending<'_>) -> Result<Spend, Unready> {
        self.try_charge(spending, false)
    }

    /// As [`Limiter::charge`], where something must be written ahead first.
    ///
    /// # Errors
    /// [`Fault::Limits`] where it could not be, and a limit denies then; [`Fault::Plan`] where nobody knows what to charge.
    pub async fn charge_later(&self, spending: &Spending<'_>, mut why: Unready) -> Result<Spend, Fault> {
        for _ in 0..ATTEMPTS {
            let asks = match why {
                Unready::Ask(asks) => asks,
                Unready::Fault => return Err(Fault::Limits),
                Unready::Plan => return Err(Fault::Plan),
            };
            if self.reserver.ask(asks).await.is_err() {
                break;
            }
            match self.charge(spending) {
                Ok(spend) => return Ok(spend),
                Err(still) => why = still,
            }
        }
        self.try_charge(spending, true).map_err(|_| Fault::Limits)
    }

    fn try_charge(&self, spending: &Spending<'_>, give_up: bool) -> Result<Spend, Unready> {
        if spending.is_beyond_counting() {
            return Err(Unready::Plan);
        }
        let ready = self.cells.charge(spending.demands(), spending.cost(), spending.now().monotonic, give_up)?;
        for ask in ready.soon {
            if let Err(ask) = self.reserver.ask_soon(ask) {
                self.cells.failed(&ask);
            }
        }
        Ok(ready.spend)
    }
}
