//! The witness: a note beside the database of how far its feed has come, which tells an older copy put in its place.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::ports::{Clock as _, FeedHead, Random, Store, StoreError};
use keyward_engine::refresher::Refresher;
use serde::{Deserialize, Serialize};

use crate::system::{SystemClock, SystemRandom};
use crate::{private_file, terminal};

/// The file's name in a data directory.
pub const NAME: &str = "feed.witness";

/// What stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// 16 hexadecimal digits.
    epoch: String,
    position: u64,
}

/// An epoch as text: a number of 64 bits that every reader of JSON takes whole.
pub fn epoch(epoch: u64) -> String {
    format!("{epoch:016x}")
}

/// The witness of one data directory.
#[derive(Debug)]
pub struct Witness {
    path: PathBuf,
    /// What was written last, so that nothing is written twice.
    last: Mutex<Option<FeedHead>>,
}

impl Witness {
    /// In a data directory.
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join(NAME), last: Mutex::new(None) }
    }

    /// Notes how far the feed has come. What is noted was committed before.
    pub fn note(&self, head: FeedHead) -> std::io::Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != Some(head) {
            let note = Note { epoch: epoch(head.epoch), position: head.position };
            private_file::replace(&self.path, &serde_json::to_vec(&note)?)?;
            *last = Some(head);
        }
        Ok(())
    }

    /// What was noted; nothing where there is no note, or none that can be read: then nobody can tell.
    fn noted(&self) -> Option<FeedHead> {
        let note: Note = serde_json::from_slice(&std::fs::read(&self.path).ok()?).ok()?;
        Some(FeedHead { epoch: u64::from_str_radix(&note.epoch, 16).ok()?, position: note.position })
    }
}

/// Compares a store that was just opened with the witness. One that lost changes, or is another than was here, begins
/// another epoch, which is recorded and said on stderr.
///
/// # Errors
/// The store cannot be read or written.
pub async fn confront(dir: &Path, store: &dyn Store) -> Result<(), StoreError> {
    let witness = Witness::new(dir);
    let (noted, mut head) = (witness.noted(), store.identity().await?.head);
    if noted == Some(head) {
        return Ok(());
    }
    if let Some(noted) = noted.filter(|noted| noted.epoch != head.epoch || head.position < noted.position) {
        let found = head;
        head = begin_epoch(store, rewound(noted, found)).await?;
        terminal::warn_line(&warning(noted, found, dir));
    }
    // A note that cannot be written leaves the store as safe as it was without; the next seal tries again.
    let _ = witness.note(head);
    Ok(())
}

/// Watches the feed of a store that is served: should it go back, or come to be another, it is recorded and said. What cores
/// remember they have dropped by then.
pub async fn watch(store: Arc<dyn Store>, refresher: Arc<Refresher>) {
    let mut heads = refresher.heads();
    let mut stands = *heads.borrow_and_update();
    while heads.changed().await.is_ok() {
        let (before, head) = (stands, *heads.borrow_and_update());
        stands = head;
        let written = if head.epoch != before.epoch {
            store.record_event(&rewound(before, head)).await
        } else if head.position < before.position {
            let begun = begin_epoch(&*store, rewound(before, head)).await;
            // At once: until the cores hear of the epoch, they can use nothing that they read in it.
            refresher.refresh().await;
            begun.map(|head| stands = head)
        } else {
            continue;
        };
        let unwritten =
            written.err().map_or(String::new(), |error| format!(" (and this could not be recorded: {error})"));
        terminal::warn_line(&format!(
            "keyward: the database was changed from outside while it was served: it was at change {}, and is at change {} of \
             another history. Everything remembered of it was dropped{unwritten}",
            before.position, head.position
        ));
    }
}

/// Begins an epoch that nobody can have seen.
pub async fn begin_epoch(store: &dyn Store, event: AuditEvent) -> Result<FeedHead, StoreError> {
    let mut epoch = [0; 8];
    SystemRandom.fill(&mut epoch);
    store.begin_epoch(u64::from_le_bytes(epoch), &event).await
}

fn rewound(noted: FeedHead, found: FeedHead) -> AuditEvent {
    AuditEvent {
        at: SystemClock::new().now().wall,
        actor: "system".into(),
        action: Action::StoreRewound,
        subject: "store".into(),
        client: None,
        decision: None,
        detail: vec![
            ("notedEpoch", epoch(noted.epoch).into()),
            ("notedPosition", noted.position.to_string().into()),
            ("foundEpoch", epoch(found.epoch).into()),
            ("foundPosition", found.position.to_string().into()),
        ],
    }
}

fn warning(noted: FeedHead, found: FeedHead, dir: &Path) -> String {
    let what = if noted.epoch == found.epoch {
        format!("it ends at change {}, and change {} was made already", found.position, noted.position)
    } else {
        "it is of another history".to_owned()
    };
    format!(
        "keyward: the database in {} is not the one that was here last: {what}. An older copy, or another one, was put in its \
         place, so what was revoked, disabled or made since counts no more: keys revoked after the copy are accepted again. \
         Whatever remembered the other one is told to forget it, and `keyward audit list --action store.rewound` shows \
         this. If you did not do it, look for who did; to put a backup in place, use `keyward restore`",
        dir.display()
    )
}
