//! Mishaps on demand: a test arms one, and the store's next operation meets it between two statements.

use std::sync::{Arc, Mutex, PoisonError};

use keyward_engine::ports::StoreError;
use tokio::sync::Notify;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The next statement fails.
    Fail,
    /// The next statement never answers, as for a caller that hangs up; drop the operation's future to go on.
    Stall,
}

/// At most one mishap that waits. A store without it asks nobody.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Mutex<Option<(usize, Mishap)>>,
    met: Notify,
}

impl Faults {
    /// Lets a mishap happen once, after that many statements (`BEGIN` and `COMMIT` count) from now.
    pub fn arm(&self, after: usize, mishap: Mishap) {
        *self.armed() = Some((after, mishap));
    }

    /// Takes the mishap back; whether it had happened already.
    pub fn disarm(&self) -> bool {
        self.armed().take().is_none()
    }

    /// Waits until an operation meets the mishap.
    pub async fn met(&self) {
        self.met.notified().await;
    }

    fn armed(&self) -> std::sync::MutexGuard<'_, Option<(usize, Mishap)>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Mishap> {
        let mut armed = self.armed();
        match armed.as_mut() {
            Some((0, mishap)) => {
                let mishap = *mishap;
                *armed = None;
                self.met.notify_one();
                Some(mishap)
            }
            Some((after, _)) => {
                *after -= 1;
                None
            }
            None => None,
        }
    }
}

/// The point before each statement, and after the last.
pub(crate) async fn pass(faults: Option<&Arc<Faults>>) -> Result<(), StoreError> {
    match faults.and_then(|faults| faults.next()) {
        None => Ok(()),
        Some(Mishap::Fail) => Err(StoreError::Other("a fault that a test asked for".to_owned())),
        Some(Mishap::Stall) => std::future::pending().await,
    }
}
