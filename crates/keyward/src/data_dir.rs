//! The data directory: made private, held by one process at a time, never made by a command that only looks.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::exit::Failed;

/// How long to wait for another command to end, or for a server that is just starting.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How often to try meanwhile.
pub const RETRY: Duration = Duration::from_millis(50);

const LOCK: &str = "keyward.lock";
const SERVING: &str = "serving";

/// A data directory that this process holds. The lock ends with the value, or with the process however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
    is_new: bool,
}

/// What became of the try to hold a data directory.
#[derive(Debug)]
pub enum Held {
    /// It is ours.
    Ours(DataDir),
    /// Another process has it.
    Other(Holder),
}

/// Who holds a data directory, by the note in its lock file.
#[derive(Debug)]
pub enum Holder {
    /// The server of this process.
    Server(String),
    /// A command, which is soon done; or a server that is just starting.
    Command,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(process) => write!(f, "the server of process {process}"),
            Self::Command => f.write_str("another command"),
        }
    }
}

impl DataDir {
    /// Makes the directory where it is missing (0700), and holds it.
    ///
    /// # Errors
    /// It cannot be made or written.
    pub fn create(path: &Path) -> Result<Held, Failed> {
        let is_new = !is_there(path, path)?;
        if is_new {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unusable(path, &error))?;
        }
        Self::hold(path, is_new)
    }

    /// Holds a directory that is there.
    ///
    /// # Errors
    /// There is none, or it cannot be written.
    pub fn open(path: &Path) -> Result<Held, Failed> {
        if !is_there(path, &path.join(keyward_store::FILE_NAME))? {
            return Err(Failed::Refused(format!(
                "there is no Keyward data in {}; `keyward serve` or `keyward init` makes it, --data-dir names another folder",
                path.display()
            )));
        }
        Self::hold(path, false)
    }

    fn hold(path: &Path, is_new: bool) -> Result<Held, Failed> {
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(|error| unusable(path, &error))?;
        match lock.try_lock() {
            Ok(()) => {
                // Whatever it says was said by a process that is gone.
                lock.set_len(0).map_err(|error| unusable(path, &error))?;
                Ok(Held::Ours(Self { path: path.to_owned(), lock, is_new }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut note = String::new();
                // Only for the message: the lock itself says that it is held.
                let _ = lock.read_to_string(&mut note);
                let server = note.strip_prefix(SERVING).map(|process| Holder::Server(process.trim().to_owned()));
                Ok(Held::Other(server.unwrap_or(Holder::Command)))
            }
            Err(TryLockError::Error(error)) => Err(unusable(path, &error)),
        }
    }

    /// Notes in the lock file that this process serves, for whoever finds it held.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn announce(&mut self) -> Result<(), Failed> {
        let text = format!("{SERVING} {}\n", std::process::id());
        let written =
            self.lock.set_len(0).and_then(|()| self.lock.rewind()).and_then(|()| self.lock.write_all(text.as_bytes()));
        written.map_err(|error| unusable(&self.path, &error))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was made just now.
    pub fn is_new(&self) -> bool {
        self.is_new
    }
}

/// Whether something is there. What cannot be looked at is not absent.
fn is_there(dir: &Path, path: &Path) -> Result<bool, Failed> {
    path.try_exists().map_err(|error| unusable(dir, &error))
}

fn unusable(path: &Path, error: &std::io::Error) -> Failed {
    let advice = match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "it must be writable by the user that runs keyward; --data-dir names another folder"
        }
        std::io::ErrorKind::StorageFull => "free some space, or name another folder with --data-dir",
        std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists => {
            "a file stands where the folder should be; --data-dir names another folder"
        }
        _ => "--data-dir names another folder",
    };
    Failed::Refused(format!("cannot use the data directory {}: {error}; {advice}", path.display()))
}
