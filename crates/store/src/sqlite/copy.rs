//! A consistent copy of the database in a folder of its own, written while work goes on.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use keyward_engine::ports::StoreError;
use sqlx::{ConnectOptions as _, Connection as _, query};

use super::error::store_error;
use super::file::{DatabaseFile, FILE_NAME};
use super::open::options;

/// Copies the database into a new folder beside it; the folder. `VACUUM INTO` reads one snapshot, and in the
/// write-ahead mode a reader holds up nobody who writes.
pub(super) async fn write(file: &DatabaseFile, folder: &str) -> Result<PathBuf, StoreError> {
    let folder = file.dir().join(folder);
    let copy = make(&folder).map_err(unwritten)?;
    let written = vacuum(file, &copy).await;
    if written.is_err() {
        // What is half written is nobody's; whatever cannot be removed now is removed at the next start.
        let _ = std::fs::remove_dir_all(&folder);
    }
    written.map(|()| folder)
}

/// An empty file for the owner's eyes only. SQLite writes into it as it is, and would make one for all eyes.
fn make(folder: &Path) -> io::Result<PathBuf> {
    DirBuilder::new().mode(0o700).create(folder)?;
    let copy = folder.join(FILE_NAME);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy).map(|_| copy)
}

async fn vacuum(file: &DatabaseFile, copy: &Path) -> Result<(), StoreError> {
    // An own connection: those that read for others are not held up by a long copy, and may write nowhere.
    let options = options(file).read_only(true).pragma("temp_store", "memory");
    let mut connection = options.connect().await.map_err(store_error)?;
    let copied = query("VACUUM INTO ?1").bind(copy.to_string_lossy().into_owned()).execute(&mut connection).await;
    let closed = connection.close().await;
    copied.map(drop).and(closed).map_err(store_error)
}

fn unwritten(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
        _ => StoreError::Other(error.to_string()),
    }
}
