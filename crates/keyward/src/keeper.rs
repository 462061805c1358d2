//! Where a server's decisions go: the second file of the data directory, which may be missing, damaged or full without
//! stopping anybody.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyward_api::decisions::keeper::{self, Keeping, Told};
use keyward_config::Settings;
use keyward_engine::decisions::Decisions;
use keyward_engine::ledger::Recording;
use keyward_engine::ports::Clock;
use keyward_store::SqliteDecisions;
use tokio::sync::oneshot;

use crate::{terminal, wire};

/// How long the last decisions have to be written.
const LAST_BATCHES: Duration = Duration::from_secs(5);

/// The thread that writes decisions.
pub struct Keeper {
    /// Closes when all is written.
    written: oneshot::Receiver<()>,
}

impl Keeper {
    /// Waits until all is written; every core has ended by now.
    pub async fn finish(self) {
        if tokio::time::timeout(LAST_BATCHES, self.written).await.is_err() {
            terminal::warn_line("keyward: the last decisions could not be written in time and are lost");
        }
    }
}

/// Opens the file and starts the thread; without either where the configuration keeps nothing, or the file cannot be.
pub async fn start(
    settings: &Settings,
    dir: &Path,
    clock: &Arc<dyn Clock>,
    cores: usize,
) -> (Option<Arc<dyn Decisions>>, Recording, Option<Keeper>) {
    let nothing = (None, Recording::none(), None);
    let Some(keep) = settings.decisions.keep else { return nothing };
    let (recording, batches) = Recording::kept(singles(settings.decisions.fold_above_per_second, cores));
    let keeping = Keeping { keep, max_bytes: settings.decisions.max_bytes.0 };
    let (opening, opened) = oneshot::channel();
    let (writing, written) = oneshot::channel();
    let (folder, clock, pending) = (dir.to_owned(), Arc::clone(clock), recording.pending());
    let thread = std::thread::Builder::new().name("decisions".to_owned()).spawn(move || {
        wire::step_back();
        // Nobody waits for this thread: where it cannot run, nothing is kept.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let Some(decisions) = open(&folder, &*clock).await else { return };
            let _ = opening.send(Arc::clone(&decisions));
            let keeper = keeper::Keeper { decisions: Arc::clone(&decisions), clock, keeping, pending };
            keeper.run(batches, tell).await;
            // What was written is in the write-ahead log at least.
            let _ = decisions.close().await;
        });
        drop(writing);
    });
    match (thread, opened.await) {
        (Ok(_), Ok(decisions)) => (Some(decisions), recording, Some(Keeper { written })),
        _ => nothing,
    }
}

/// The file, opened by the thread that writes it, so that what SQLite runs for it steps back as well.
async fn open(dir: &Path, clock: &dyn Clock) -> Option<Arc<dyn Decisions>> {
    let opened = match SqliteDecisions::create_or_open(dir, clock.now().wall).await {
        Ok(opened) => opened,
        Err(error) => {
            let place = dir.display();
            terminal::warn_line(&format!(
                "keyward: decisions are not recorded, because decisions.db in {place} cannot be used: {error}. Requests are \
                 decided all the same; mend it and start again"
            ));
            return None;
        }
    };
    if let Some(aside) = opened.set_aside {
        terminal::warn_line(&format!(
            "keyward: the record of decisions could not be read and is now {}; a new one begins. No credential is lost by it",
            aside.display()
        ));
    }
    Some(Arc::new(opened.decisions))
}

/// Says what becomes of writing, once for each time that it begins to fail.
fn tell(told: Told<'_>) {
    terminal::warn_line(&match told {
        Told::Failing(error) => format!(
            "keyward: decisions could not be written ({error}); they wait in memory, counted more coarsely the longer it \
             takes, until they can be. Requests are decided all the same"
        ),
        Told::Recovered => "keyward: decisions are written again".to_owned(),
        Told::Lost(count) => {
            format!("keyward: the last {count} decisions could not be written before the end and are lost")
        }
    });
}

/// Each core's part of the rate, rounded up.
fn singles(rate: u32, cores: usize) -> u32 {
    rate.div_ceil(u32::try_from(cores).unwrap_or(u32::MAX).max(1))
}
