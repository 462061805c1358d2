//! The database as a file: where it is, who may read it, and whether it is still the one that was opened.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use keyward_engine::ports::StoreError;
use rustix::fs::{Access, access};
use rustix::process::geteuid;

/// The file's name in a data directory.
pub const FILE_NAME: &str = "keyward.db";

/// A database file that was there when it was looked at.
#[derive(Clone, Debug)]
pub(super) struct DatabaseFile {
    name: &'static str,
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl DatabaseFile {
    /// The file in a data directory, made with both if missing, for the owner's eyes only. SQLite gives the files
    /// beside it the same mode.
    pub(super) fn create(dir: &Path, name: &'static str) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path_in(dir, name)?) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            Ok(_) | Err(_) => Self::find(dir, name),
        }
    }

    /// The file in a data directory. It is not opened here: closing it again would drop the locks that SQLite holds on
    /// it for this process (<https://www.sqlite.org/howtocorrupt.html>, 2.2).
    pub(super) fn find(dir: &Path, name: &'static str) -> io::Result<Self> {
        let path = path_in(dir, name)?;
        let metadata = path.metadata()?;
        access(&path, Access::READ_OK | Access::WRITE_OK)?;
        // The write-ahead log is a file beside it.
        access(dir, Access::WRITE_OK | Access::EXEC_OK)?;
        Ok(Self { name, path, device: metadata.dev(), inode: metadata.ino() })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that it is in.
    pub(super) fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Takes it from others' eyes where it is ours and they can read it: somebody copied it here, or changed its mode.
    pub(super) fn close_to_others(&self) -> io::Result<()> {
        for end in ["", "-wal", "-shm"] {
            let path = self.dir().join(format!("{}{end}", self.name));
            let metadata = match path.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            if metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o077 != 0 {
                std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            }
        }
        Ok(())
    }

    /// Whether the path still leads to this file. When it does not, what is written goes to a file that nobody will
    /// ever open again.
    pub(super) async fn is_in_place(&self) -> Result<(), StoreError> {
        let path = self.path.clone();
        let metadata = tokio::task::spawn_blocking(move || path.metadata()).await;
        match metadata {
            Ok(Ok(metadata)) if (metadata.dev(), metadata.ino()) == (self.device, self.inode) => Ok(()),
            // No path: what fails is told to callers, too.
            _ => Err(StoreError::Other("its file was deleted or replaced while it was open".to_owned())),
        }
    }
}

/// Absolute, so that SQLite reads no name of ours as a URI.
fn path_in(dir: &Path, name: &str) -> io::Result<PathBuf> {
    std::path::absolute(dir.join(name))
}
