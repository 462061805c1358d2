//! The operation behind a backup: a copy of the store for whoever puts the backup together, and the record of it.

use std::path::Path;
use std::time::Duration;

use keyward_engine::audit::Action;

use crate::failure::Failure;
use crate::origin::Origin;
use crate::service::Service;

/// How the folders of copies begin. What lies in a data directory that nobody serves is left over.
pub const COPY: &str = "copy";
/// How long a copy waits for whoever asked. It is fetched at once, unless whoever asked is gone.
const FETCHED_WITHIN: Duration = Duration::from_secs(600);

/// Copies the store and answers with the folder's name. The record is kept before the copy is given away.
///
/// # Errors
/// The store's; then no copy is left.
pub async fn copy(service: &Service, target: &str) -> Result<String, Failure> {
    // So that the copy's audit log has no more of an unsealed end than it must; it is sealed after a restore anyway.
    let _ = service.sealer.seal(&*service.store).await;
    let name = service.new_id(COPY);
    let folder = service.store.copy(&name).await?;
    let mut event = Origin::operator(service).event(Action::BackupMade, "store");
    event.detail.push(("file", target.into()));
    if let Err(error) = service.store.record_event(&event).await {
        remove(&folder);
        return Err(error.into());
    }
    if service.refresher.is_some() {
        tokio::spawn(async move {
            tokio::time::sleep(FETCHED_WITHIN).await;
            remove(&folder);
        });
    }
    Ok(name.into())
}

fn remove(folder: &Path) {
    // Gone already, most of the time; and what stays is removed at the next start.
    let _ = std::fs::remove_dir_all(folder);
}
