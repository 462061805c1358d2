//! The data directory: made private, held by one process at a time, never made by a command that only looks.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use crate::backup::swap;
use crate::exit::Failed;
use crate::{others, terminal};

/// How long to wait for another command to end, or for a server that is just starting.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How often to try meanwhile.
pub const RETRY: Duration = Duration::from_millis(50);

/// Says who serves, and nothing more: the lock is on the directory itself, which nobody deletes by mistake while what is
/// in it is served.
const NOTE: &str = "keyward.lock";
const SERVING: &str = "serving";

/// A data directory that this process holds. The lock ends with the value, or with the process however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The directory, opened and locked.
    lock: File,
}

/// What became of the try to hold a data directory.
#[derive(Debug)]
pub enum Held {
    /// It is ours.
    Ours(DataDir),
    /// Another process has it.
    Other(Holder),
}

/// Who holds a data directory, by the note in it.
#[derive(Debug)]
pub enum Holder {
    /// The server of that process.
    Server(String),
    /// A command, which is soon done; or a server that is just starting.
    Command,
}

impl Holder {
    /// Only for a message: the lock itself says that the directory is held.
    fn noted(path: &Path) -> Self {
        let note = std::fs::read_to_string(path.join(NOTE)).unwrap_or_default();
        note.strip_prefix(SERVING).map_or(Self::Command, |process| Self::Server(process.trim().to_owned()))
    }
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
    /// It cannot be made or written, or others could have written to it.
    pub fn create(path: &Path) -> Result<Held, Failed> {
        if !is_there(path, path)? {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unusable(path, &error))?;
        }
        Self::hold(path)
    }

    /// Holds a directory that is there.
    ///
    /// # Errors
    /// There is none, or it cannot be written, or others could have written to it.
    pub fn open(path: &Path) -> Result<Held, Failed> {
        if !is_there(path, &path.join(keyward_store::FILE_NAME))? && !is_there(path, &path.join(swap::JOURNAL))? {
            return Err(Failed::Refused(format!(
                "there is no Keyward data in {}; `keyward serve` or `keyward init` makes it, --data-dir names another folder",
                path.display()
            )));
        }
        Self::hold(path)
    }

    fn hold(path: &Path) -> Result<Held, Failed> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let lock: File =
            rustix::fs::open(path, flags, Mode::empty()).map_err(|error| unusable(path, &error.into()))?.into();
        Self::locked(path, lock)
    }

    /// Holds a directory that another process locked and handed over.
    ///
    /// # Errors
    /// It is another directory than the one at the path, or it cannot be written.
    pub fn taken(path: &Path, lock: File) -> Result<Held, Failed> {
        let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let same = path.metadata().and_then(|named| Ok(id(named) == id(lock.metadata()?)));
        if !same.map_err(|error| unusable(path, &error))? {
            let why = "the server that ran handed another directory over; start again";
            return Err(Failed::Refused(format!("cannot use the data directory {}: {why}", path.display())));
        }
        Self::locked(path, lock)
    }

    fn locked(path: &Path, lock: File) -> Result<Held, Failed> {
        others::refuse_writers(path, &lock)?;
        match lock.try_lock() {
            Ok(()) => {
                let data_dir = Self { path: path.to_owned(), lock };
                // Whatever it says was said by a process that is gone.
                data_dir.note("")?;
                data_dir.settle()?;
                Ok(Held::Ours(data_dir))
            }
            Err(TryLockError::WouldBlock) => Ok(Held::Other(Holder::noted(path))),
            Err(TryLockError::Error(error)) => Err(unusable(path, &error)),
        }
    }

    /// Notes that this process serves, for whoever finds the directory held.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn announce(&self) -> Result<(), Failed> {
        self.note(&format!("{SERVING} {}\n", std::process::id()))
    }

    /// Ends a restore that was cut off, so that nobody sees half of one.
    fn settle(&self) -> Result<(), Failed> {
        let finished = swap::settle(&self.path).map_err(|error| {
            Failed::Refused(format!(
                "a restore into {} was cut off and cannot be finished: {error}; nothing is lost: the next command tries \
                 again",
                self.path.display()
            ))
        })?;
        if finished {
            terminal::warn_line("keyward: a restore was cut off in its last step; it is finished now");
        }
        Ok(())
    }

    fn note(&self, text: &str) -> Result<(), Failed> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(self.path.join(NOTE));
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| unusable(&self.path, &error))
    }

    /// The lock, for the process that goes on with the directory: it holds it as long as either does.
    pub fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
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
