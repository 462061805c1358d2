//! Puts staged data in the place of a data directory's own, so that a kill at any moment leaves the old or the new.
//!
//! All is staged in a folder of its own. Then one file appears, the journal: before it the staging is thrown away, from it on
//! whoever next holds the directory goes through the same renames again, each of which is done once.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::DATA;
use crate::private_file;

/// The folder in which a restore is made ready.
const STAGING: &str = "restore.staging";
/// The file that says that a restore was decided on.
pub const JOURNAL: &str = "restore.journal";

/// What is to be done.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Journal {
    /// The folder that takes what is there now; none where there is nothing.
    kept: Option<String>,
    /// The names that were staged.
    brings: Vec<String>,
}

/// One rename, or the end of some.
#[derive(Debug)]
enum Step {
    /// A file of the old data goes aside.
    Aside(String),
    /// All of the old data is aside.
    Kept,
    /// A file of the new data comes.
    Bring(String),
}

/// Makes an empty folder to make a restore ready in. The caller holds the data directory.
pub fn stage(dir: &Path) -> io::Result<PathBuf> {
    let staging = dir.join(STAGING);
    remove(&staging)?;
    DirBuilder::new().mode(0o700).create(&staging)?;
    Ok(staging)
}

/// Throws away what was staged and not decided on.
pub fn unstage(dir: &Path) -> io::Result<()> {
    remove(&dir.join(STAGING))
}

/// Puts what was staged in place; what was there is in the folder `kept` then, which is named where there was anything.
pub fn commit(dir: &Path, kept: &str) -> io::Result<Option<PathBuf>> {
    let journal = decide(dir, kept)?;
    finish(dir, &journal)?;
    Ok(journal.kept.map(|kept| dir.join(kept)))
}

/// Ends what was cut off, one way or the other; whether a restore was finished. The caller holds the data directory.
pub fn settle(dir: &Path) -> io::Result<bool> {
    match std::fs::read(dir.join(JOURNAL)) {
        Ok(text) => finish(dir, &serde_json::from_slice(&text)?).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            unstage(dir)?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Writes the journal: from here on the new data is what counts.
fn decide(dir: &Path, kept: &str) -> io::Result<Journal> {
    let staging = dir.join(STAGING);
    let brings = DATA.iter().filter(|name| staging.join(name).exists()).map(|name| (*name).to_owned()).collect();
    let kept = match DATA.iter().any(|name| dir.join(name).exists()) {
        true => Some(unused(dir, kept)),
        false => None,
    };
    let journal = Journal { kept, brings };
    File::open(&staging)?.sync_all()?;
    private_file::replace(&dir.join(JOURNAL), &serde_json::to_vec(&journal)?)?;
    Ok(journal)
}

/// A name that nothing in a directory has.
fn unused(dir: &Path, name: &str) -> String {
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !dir.join(name).exists()).unwrap_or_default()
}

fn finish(dir: &Path, journal: &Journal) -> io::Result<()> {
    for step in steps(journal) {
        take(dir, journal, &step)?;
    }
    sync(dir, journal)?;
    std::fs::remove_file(dir.join(JOURNAL))?;
    unstage(dir)?;
    File::open(dir)?.sync_all()
}

/// What was renamed so far stays so when the power fails.
fn sync(dir: &Path, journal: &Journal) -> io::Result<()> {
    if let Some(kept) = &journal.kept {
        File::open(dir.join(kept))?.sync_all()?;
    }
    File::open(dir)?.sync_all()
}

/// All that is old goes before anything new comes, so that no database ever stands beside another's log.
fn steps(journal: &Journal) -> Vec<Step> {
    let aside = DATA.iter().map(|name| Step::Aside((*name).to_owned()));
    aside.chain([Step::Kept]).chain(journal.brings.iter().cloned().map(Step::Bring)).collect()
}

/// Does one step, unless it was done.
fn take(dir: &Path, journal: &Journal, step: &Step) -> io::Result<()> {
    match step {
        Step::Aside(name) => {
            // What was staged and is there no more has come already: the file of this name is the new one.
            let came = journal.brings.contains(name) && !dir.join(STAGING).join(name).exists();
            let Some(kept) = journal.kept.as_ref().filter(|_| !came && dir.join(name).exists()) else { return Ok(()) };
            let kept = dir.join(kept);
            DirBuilder::new().recursive(true).mode(0o700).create(&kept)?;
            std::fs::rename(dir.join(name), kept.join(name))
        }
        Step::Kept => sync(dir, journal),
        Step::Bring(name) => match std::fs::rename(dir.join(STAGING).join(name), dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
