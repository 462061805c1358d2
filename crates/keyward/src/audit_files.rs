//! What the audit log keeps beside the database: the key of its seals, and a copy of its head.

use std::io;
use std::path::{Path, PathBuf};

use keyward_api::audit::{HeadKeeper, HeadView};
use keyward_api::hex::{hex, unhex};
use keyward_core::digest::MacKey;
use keyward_engine::chain::AuditHead;
use keyward_engine::ports::{FeedHead, Random as _};

use crate::exit::{Failed, Result};
use crate::private_file;
use crate::system::SystemRandom;
use crate::witness::Witness;

/// The name of the key's file.
pub const KEY: &str = "audit.key";
/// The name of the head's file.
pub const HEAD: &str = "audit.head";

/// Where the key is. A backup carries it; without it nothing that was sealed can be verified.
pub fn key_path(dir: &Path) -> PathBuf {
    dir.join(KEY)
}

/// Where the copy of the head is. A restore puts that of its own log there.
pub fn head_path(dir: &Path) -> PathBuf {
    dir.join(HEAD)
}

/// The key of a data directory, made where nothing was sealed yet.
///
/// # Errors
/// It is gone, no key, or cannot be read or made.
pub fn key(dir: &Path, sealed: bool) -> Result<MacKey> {
    let path = key_path(dir);
    match std::fs::read_to_string(&path) {
        Ok(text) => unhex(text.trim()).map(MacKey::from_bytes).ok_or_else(|| {
            Failed::Refused(format!("{} holds no key of 64 hexadecimal digits; {RETURN}", path.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !sealed => {
            let mut bytes = [0; 32];
            SystemRandom.fill(&mut bytes);
            private_file::replace(&path, hex(&bytes).as_bytes()).map_err(|error| unusable(&path, &error))?;
            Ok(MacKey::from_bytes(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Failed::Refused(format!("{} is gone, which the audit log was sealed with; {RETURN}", path.display())))
        }
        Err(error) => Err(unusable(&path, &error)),
    }
}

const RETURN: &str = "nothing was changed; put the file back from a backup of the data directory";

fn unusable(path: &Path, error: &io::Error) -> Failed {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull => "free some space, or name another folder with --data-dir",
        _ => "it must be readable and writable by the user that runs keyward",
    };
    Failed::Refused(format!("cannot use {}: {error}; {advice}", path.display()))
}

/// The copy of the head, and the witness of the feed beside it.
#[derive(Debug)]
pub struct HeadFile(PathBuf, Witness);

impl HeadFile {
    /// In a data directory.
    pub fn new(dir: &Path) -> Self {
        Self(head_path(dir), Witness::new(dir))
    }
}

impl HeadKeeper for HeadFile {
    fn read(&self) -> io::Result<Option<AuditHead>> {
        let text = match std::fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let view: HeadView = serde_json::from_slice(&text)?;
        view.head().map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it holds no seal"))
    }

    fn write(&self, head: &AuditHead) -> io::Result<()> {
        private_file::replace(&self.0, &serde_json::to_vec(&HeadView::of(head))?)
    }

    fn witness(&self, feed: FeedHead) -> io::Result<()> {
        self.1.note(feed)
    }
}
