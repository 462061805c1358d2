//! What every user of the machine can see of the processes of a world: their arguments.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What `ps` shows while the session lasts: the arguments of every process on this world's data, seen while it runs.
pub struct Ps {
    over: Arc<AtomicBool>,
    watching: JoinHandle<BTreeSet<String>>,
}

impl Ps {
    /// Begins to look.
    pub fn watch(data: PathBuf) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let watching = std::thread::spawn(move || {
            let (mut seen, data) = (BTreeSet::new(), data.to_string_lossy().into_owned());
            while !ended.load(Ordering::Relaxed) {
                let arguments = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|process| {
                    let arguments = std::fs::read(process.path().join("cmdline")).ok()?;
                    Some(String::from_utf8_lossy(&arguments).replace('\0', " "))
                });
                seen.extend(arguments.filter(|arguments| arguments.contains(&*data)));
                // Nobody unparks it: often enough to see each command, seldom enough to leave the machine to them.
                std::thread::park_timeout(Duration::from_millis(2));
            }
            seen
        });
        Self { over, watching }
    }

    /// All that was seen, arguments parted by spaces.
    pub fn end(self) -> BTreeSet<String> {
        self.over.store(true, Ordering::Relaxed);
        self.watching.join().expect("it looks until it is told to end")
    }
}
