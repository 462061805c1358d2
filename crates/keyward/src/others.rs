//! What others on this machine may do with the data directory: where they can write, what is in it may be theirs.

use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::exit::Failed;
use crate::terminal::quoted;

/// Refuses a directory, or a database in it, that belongs to another user or that another user can write: a store or a
/// socket could have been put in the place of ours.
///
/// # Errors
/// It is so, or it cannot be looked at.
pub fn refuse_writers(dir: &Path, opened: &File) -> Result<(), Failed> {
    let unseen = |path: &Path, error: &std::io::Error| {
        Failed::Refused(format!("cannot look at {}: {error}; --data-dir names another folder", path.display()))
    };
    judge(dir, dir, &opened.metadata().map_err(|error| unseen(dir, &error))?)?;
    for path in database(dir) {
        match path.metadata() {
            Ok(metadata) => judge(dir, &path, &metadata)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unseen(&path, &error)),
        }
    }
    Ok(())
}

/// The database and the files that SQLite keeps beside it, which it believes as much.
fn database(dir: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| dir.join(format!("{}{end}", keyward_store::FILE_NAME)))
}

fn judge(dir: &Path, path: &Path, metadata: &Metadata) -> Result<(), Failed> {
    let me = rustix::process::geteuid().as_raw();
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    let name = quoted(&path.display().to_string());
    // Whoever is root can do everything anyway.
    if owner != me && owner != 0 {
        return Err(Failed::Refused(format!(
            "{} belongs to user {owner}, and keyward runs as user {me}: what is in it could be another's. Run keyward as \
             user {owner}, or look at what is in it and run `chown -R {me} {}`; --data-dir names another folder",
            path.display(),
            quoted(&dir.display().to_string())
        )));
    }
    if mode & 0o022 != 0 {
        return Err(Failed::Refused(format!(
            "{} can be written by other users (mode {mode:04o}): what is in it could be another's. Look at what is in it \
             and run `chmod go-w {name}`; --data-dir names another folder",
            path.display()
        )));
    }
    Ok(())
}

/// A warning where others can see what is in the directory; the files in it are closed to them all the same.
pub fn readers(dir: &Path) -> Option<String> {
    let mode = dir.metadata().ok()?.mode() & 0o7777;
    let name = quoted(&dir.display().to_string());
    (mode & 0o055 != 0).then(|| {
        format!(
            "keyward: other users can look into {} (mode {mode:04o}); `chmod 700 {name}` keeps them out",
            dir.display()
        )
    })
}
