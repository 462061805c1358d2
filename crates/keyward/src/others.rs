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
    let me = rustix::process::geteuid().as_raw();
    judge(me, dir, &opened.metadata().map_err(|error| unseen(dir, &error))?)?;
    for path in database(dir) {
        match path.metadata() {
            Ok(metadata) => judge(me, &path, &metadata)?,
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

fn judge(me: u32, path: &Path, metadata: &Metadata) -> Result<(), Failed> {
    let fault = fault(me, metadata.uid(), metadata.mode() & 0o7777);
    fault.map_or(Ok(()), |(what, command)| {
        Err(Failed::Refused(format!(
            "{} {what}, so what is in it could be another's. Look at it, and if all is yours run `{command} {}`; \
             --data-dir names another folder",
            path.display(),
            quoted(&path.display().to_string())
        )))
    })
}

/// What is wrong with an owner and a mode in the eyes of a user, and the command that mends it.
fn fault(me: u32, owner: u32, mode: u32) -> Option<(String, String)> {
    // Whoever is root can do everything anyway.
    if owner != me && owner != 0 {
        let what = format!("belongs to user {owner}, and keyward runs as user {me}");
        return Some((what, format!("chown {me}")));
    }
    (mode & 0o022 != 0).then(|| (format!("can be written by other users (mode {mode:04o})"), "chmod go-w".to_owned()))
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

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn owners_and_modes() {
        // who runs, who owns, the mode | the command that mends it
        for (me, owner, mode, command) in [
            (1000, 1000, 0o0700, None),
            (1000, 1000, 0o0755, None),
            (1000, 0, 0o0755, None),
            (0, 0, 0o0700, None),
            (1000, 1001, 0o0700, Some("chown 1000")),
            (0, 1000, 0o0700, Some("chown 0")),
            (1000, 1000, 0o0770, Some("chmod go-w")),
            (1000, 1000, 0o0702, Some("chmod go-w")),
            (1000, 0, 0o1777, Some("chmod go-w")),
        ] {
            let found = fault(me, owner, mode);
            assert_eq!(found.as_ref().map(|(_, command)| command.as_str()), command, "{me} {owner} {mode:o}");
        }
    }
}
