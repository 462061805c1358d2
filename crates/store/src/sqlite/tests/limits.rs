//! Quotas over SQLite itself: a process that dies at any moment leaves no more to the next than was never admitted.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::limit::{Demand, Limit, LimitId, Per, Spend, Subject};
use keyward_core::time::{Monotonic, Now, Timestamp};
use keyward_engine::limits::{Cells, Reserver, Unready, channel, run};
use keyward_engine::ports::{Clock, Reserves as _};
use tokio::task::JoinHandle;

use super::make;
use crate::faults::{Faults, Mishap};

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from_millis(1_700_000_000_000), monotonic: Monotonic::from_nanos(5) }
    }
}

struct Process {
    cells: Arc<Cells>,
    reserver: Reserver,
    task: JoinHandle<()>,
}

impl Process {
    fn start(store: Arc<super::SqliteStore>) -> Self {
        let (reserver, asks) = channel();
        let cells = Arc::new(Cells::default());
        let task = tokio::spawn(run(store, Arc::new(Standing), Arc::clone(&cells), asks));
        Self { cells, reserver, task }
    }

    /// Whether one request passes.
    async fn ask(&self, limit: &Limit) -> bool {
        let demand = Demand { id: LimitId(0), limit, subject: Subject::key("key_1"), beside: None };
        loop {
            let now = Standing.now().monotonic;
            match self.cells.charge(std::iter::once(demand), NonZeroU32::MIN, now, false) {
                Ok(ready) => {
                    for ask in ready.soon {
                        self.reserver.ask_soon(ask).unwrap();
                    }
                    return matches!(ready.spend, Spend::Within(_));
                }
                Err(Unready::Ask(asks)) => {
                    if self.reserver.ask(asks).await.is_err() {
                        return false;
                    }
                }
                Err(Unready::Fault | Unready::Plan) => return false,
            }
        }
    }
}

#[tokio::test]
async fn processes_that_die_admit_no_more_than_the_quota_together() {
    let dir = tempfile::tempdir().unwrap();
    let limit = Limit::new("q", Per::Key, NonZeroU32::new(100).unwrap(), Duration::from_secs(3600), None);
    let mut admitted = 0;
    for life in 0..30_usize {
        let faults = Arc::new(Faults::default());
        let store = Arc::new(make(dir.path()).await.unwrap().with_faults(Arc::clone(&faults)));
        let process = Process::start(Arc::clone(&store));
        if life % 3 == 2 {
            // One statement of what it writes ahead fails, and it dies of it.
            faults.arm(life % 7, Mishap::Fail);
        }
        for _ in 0..life % 11 {
            admitted += usize::from(process.ask(&limit).await);
        }
        if life % 5 == 0 {
            store.give_back(&process.cells.unused(Standing.now().monotonic)).await.unwrap_or_default();
        }
        process.task.abort();
    }
    assert!(admitted <= 100, "{admitted} of 100");
    let store = Arc::new(make(dir.path()).await.unwrap());
    let process = Process::start(store);
    while process.ask(&limit).await {
        admitted += 1;
    }
    // What each life may lose is a portion; what it may not do is gain one.
    assert!((50..=100).contains(&admitted), "{admitted} of 100");
}
