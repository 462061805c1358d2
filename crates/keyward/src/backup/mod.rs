//! Backups: one file that holds all that a data directory keeps, and how it is put back whole or not at all.

pub mod archive;
pub mod manifest;
pub mod swap;

use std::path::Path;

use crate::{audit_files, first_start, master_key, witness};

/// The members of a backup: the names that they have in a data directory. Nothing else is ever taken out of one.
pub const MEMBERS: [&str; 4] = [keyward_store::FILE_NAME, audit_files::KEY, audit_files::HEAD, master_key::NAME];

/// Without these a backup is none.
pub const REQUIRED: [&str; 2] = [keyward_store::FILE_NAME, audit_files::KEY];

/// All that is the data of one store, and so is kept aside with it: what SQLite keeps beside its database, too.
pub const DATA: [&str; 8] = [
    keyward_store::FILE_NAME,
    "keyward.db-wal",
    "keyward.db-shm",
    audit_files::KEY,
    audit_files::HEAD,
    master_key::NAME,
    witness::NAME,
    first_start::FILE,
];

/// Removes copies of the store that nobody fetched. Only a server that starts does: then nobody waits for one.
pub fn remove_copies(dir: &Path) {
    let is_copy = |name: &str| name.strip_prefix(keyward_api::backup::COPY).is_some_and(|rest| rest.starts_with('_'));
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_copy)) {
        // What cannot be removed takes room, and nothing else.
        let _ = std::fs::remove_dir_all(entry.path());
    }
}
