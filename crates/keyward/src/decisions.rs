//! Where a server's decisions go: the second file of the data directory, which may be missing, damaged or full without
//! stopping anybody.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_api::decisions::{self, Keeping};
use keyward_config::Settings;
use keyward_engine::decisions::Decisions;
use keyward_engine::ledger::Recording;
use keyward_engine::ports::Clock;
use keyward_store::SqliteDecisions;
use tokio::task::JoinHandle;

use crate::terminal;

/// How long the last decisions have to be written.
const LAST_BATCHES: Duration = Duration::from_secs(5);

/// The task that writes decisions.
pub struct Keeper {
    task: JoinHandle<()>,
    decisions: Arc<dyn Decisions>,
}

impl Keeper {
    /// Waits until all is written; every core has ended by now.
    pub async fn finish(self) {
        let _ = tokio::time::timeout(LAST_BATCHES, self.task).await;
        // What was written is in the write-ahead log at least.
        let _ = self.decisions.close().await;
    }
}

/// Opens the file and starts the task; without either where the configuration keeps nothing, or the file cannot be.
pub async fn start(
    settings: &Settings,
    dir: &Path,
    clock: &Arc<dyn Clock>,
    cores: usize,
) -> (Option<Arc<dyn Decisions>>, Recording, Option<Keeper>) {
    let nothing = (None, Recording::none(), None);
    let Some(keep) = settings.decisions.keep else { return nothing };
    let opened = match SqliteDecisions::create_or_open(dir, clock.now().wall).await {
        Ok(opened) => opened,
        Err(error) => {
            let place = dir.display();
            terminal::warn_line(&format!(
                "keyward: decisions are not recorded, because decisions.db in {place} cannot be used: {error}. Requests are \
                 decided all the same; mend it and start again"
            ));
            return nothing;
        }
    };
    if let Some(aside) = opened.set_aside {
        terminal::warn_line(&format!(
            "keyward: the record of decisions could not be read and is now {}; a new one begins. No credential is lost by it",
            aside.display()
        ));
    }
    let decisions: Arc<dyn Decisions> = Arc::new(opened.decisions);
    let (recording, batches) = Recording::kept(singles(settings.decisions.fold_above_per_second, cores));
    let keeping = Keeping { keep, max_bytes: settings.decisions.max_bytes.0 };
    let told = AtomicBool::new(false);
    let complain = move |error: &_| {
        // Once: whoever reads this cannot do more about the next one.
        if !told.swap(true, Ordering::Relaxed) {
            terminal::warn_line(&format!(
                "keyward: decisions could not be written ({error}); they are counted as lost until they can be"
            ));
        }
    };
    let task = tokio::spawn(decisions::keep(Arc::clone(&decisions), batches, Arc::clone(clock), keeping, complain));
    let keeper = Keeper { task, decisions: Arc::clone(&decisions) };
    (Some(decisions), recording, Some(keeper))
}

/// Each core's part of the rate, rounded up.
fn singles(rate: u32, cores: usize) -> u32 {
    rate.div_ceil(u32::try_from(cores).unwrap_or(u32::MAX).max(1))
}
