//! Notices that files have become other ones.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often files are looked at. A change counts when two looks in a row see the same, so that a file that is being
/// written is not read halfway.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Tells two states of a file apart, rights included.
pub type Stamp = [i64; 7];

/// The state of a file; `None`: it is not there.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let file = path.metadata().ok()?;
    let [device, inode, size] = [file.dev(), file.ino(), file.size()].map(u64::cast_signed);
    Some([device, inode, size, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
}

/// Looks at files from time to time. Names that lead to another file (a link that was turned) count as a change.
pub struct FileWatch {
    paths: Vec<PathBuf>,
    known: Vec<Option<Stamp>>,
    last: Vec<Option<Stamp>>,
}

impl FileWatch {
    /// Of files that were like this before they were read.
    pub fn new(files: impl IntoIterator<Item = (PathBuf, Option<Stamp>)>) -> Self {
        let (paths, known): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        Self { paths, last: known.clone(), known }
    }

    /// Waits until one is another; for ever where there is none. Cancelling it loses nothing.
    pub async fn changed(&mut self) {
        if self.paths.is_empty() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now: Vec<_> = self.paths.iter().map(|path| stamp(path)).collect();
            let settled = self.last == now;
            self.last.clone_from(&now);
            if settled && now != self.known {
                self.known = now;
                return;
            }
        }
    }
}
