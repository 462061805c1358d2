//! `keyward restore`: puts back what a backup holds, all of it or nothing, and says what counts again by it.

use std::path::{Path, PathBuf};

use keyward_api::fields::rfc3339;
use keyward_api::service::ADMIN;
use keyward_api::signing_keys::opener::Opener;
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::ports::{Clock as _, Store as _};
use keyward_store::{Comeback, Inspection, OpenError, SqliteStore};
use serde_json::json;

use crate::backup::manifest::Manifest;
use crate::backup::{archive, swap};
use crate::cli::Cli;
use crate::data_dir::{DataDir, Held};
use crate::exit::{Failed, Result};
use crate::settings::Loaded;
use crate::system::SystemClock;
use crate::{backend, first_start, master_key, pages, terminal, wire, witness};

/// How many ids the warning names; `--json` has all of them.
const NAMED: usize = 10;

/// Restores a backup.
///
/// # Errors
/// The file is no whole backup of a version known here, or somebody holds the data directory. Then nothing was changed.
pub fn run(cli: &Cli, file: &Path) -> Result<()> {
    let refused = |error: &dyn std::fmt::Display| {
        Failed::Refused(format!("cannot restore {}: {error}; nothing was changed", file.display()))
    };
    let loaded = Loaded::for_command(cli)?;
    let dir = loaded.data_dir();
    // Every byte of it is verified before the data directory is so much as looked at.
    let (mut archive, manifest) = archive::open(file).map_err(|error| refused(&error))?;
    let data_dir = match DataDir::create(dir)? {
        Held::Ours(data_dir) => data_dir,
        Held::Other(holder) => {
            let dir = dir.display();
            return Err(refused(&format!("the data directory {dir} is held by {holder}; stop it first")));
        }
    };
    let staged = Staged(dir);
    let staging = swap::stage(dir).map_err(|error| refused(&error))?;
    archive::extract(&mut archive, &manifest, &staging).map_err(|error| refused(&error))?;
    let now = rfc3339(SystemClock::new().now().wall);
    let (seen, comeback) = backend::runtime()?
        .block_on(async {
            let seen = whole(&staging).await?;
            let comeback = if dir.join(keyward_store::FILE_NAME).exists() {
                Some(keyward_store::comeback(dir, &staging).await.map_err(|error| error.to_string()))
            } else {
                None
            };
            make_ready(&staging, &manifest).await?;
            Ok::<_, String>((seen, comeback))
        })
        .map_err(|error| refused(&error))?;
    let opener = Opener::new(master_key::existing(&staging)?);
    let signs = seen.signing_keys.is_empty() || opener.opens_newest(&seen.signing_keys);
    let kept = swap::commit(dir, &format!("replaced-{}", compact(&now))).map_err(|error| {
        Failed::Refused(format!("the restore was begun and could not be finished: {error}; the next command goes on"))
    })?;
    keep_first_password(dir, kept.as_deref(), comeback.as_ref());
    std::mem::drop(staged);
    drop(data_dir);
    let told = Told { dir, manifest: &manifest, kept, comeback, signs };
    if cli.json {
        terminal::json(&told.json())
    } else {
        told.print()
    }
    Ok(())
}

/// The first password that lies in a file is not in a backup. It stays where it is as long as it is the restored user's, too.
fn keep_first_password(dir: &Path, kept: Option<&Path>, comeback: Option<&std::result::Result<Comeback, String>>) {
    let same = comeback.and_then(|found| found.as_ref().ok());
    if let Some(kept) = kept
        && same.is_some_and(|found| found.same_password.iter().any(|name| **name == *ADMIN))
    {
        // Where it cannot be moved it lies aside, as all the rest does; most often there is none.
        let _ = std::fs::rename(first_start::file(kept), first_start::file(dir));
    }
}

/// What is staged and was not put in place is removed with the value.
struct Staged<'a>(&'a Path);

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.0.join(swap::JOURNAL).exists() {
            // What stays is removed by whoever holds the directory next.
            let _ = swap::unstage(self.0);
        }
    }
}

/// The database that was staged, if all of it is there and this version can read it.
async fn whole(staging: &Path) -> std::result::Result<Inspection, String> {
    keyward_store::inspect(staging, true).await.map_err(|error| match error {
        OpenError::Newer { found, known, .. } => format!(
            "its database is of version {found}, and this Keyward knows versions up to {known}; use the Keyward that made it"
        ),
        OpenError::Foreign(_) | OpenError::Missing(_) => "its database is none of Keyward's".to_owned(),
        OpenError::Store { error, .. } => format!("its database cannot be used: {error}"),
        other => other.to_string(),
    })
}

/// Begins another epoch, records the restore in the log that is restored, and seals it.
async fn make_ready(staging: &Path, manifest: &Manifest) -> std::result::Result<(), String> {
    let store = SqliteStore::open(staging).await.map_err(|error| error.to_string())?;
    let event = AuditEvent {
        at: SystemClock::new().now().wall,
        actor: "operator".into(),
        action: Action::StoreRestored,
        subject: "store".into(),
        client: None,
        decision: None,
        detail: vec![
            ("backupOf", manifest.created_at.as_str().into()),
            ("position", manifest.position.to_string().into()),
        ],
    };
    let made = async {
        witness::begin_epoch(&store, event).await.map_err(|error| error.to_string())?;
        let sealer = wire::sealer(staging, &store).await.map_err(|error| error.to_string())?;
        sealer.seal(&store).await.map_err(|error| error.to_string())
    };
    let made = made.await;
    store.close().await.map_err(|error| error.to_string()).and(made)
}

/// A time without anything that a file's name should not have.
fn compact(time: &str) -> String {
    let seconds = time.split('.').next().unwrap_or_default();
    let digits: String = seconds.chars().filter(|c| c.is_ascii_alphanumeric() && *c != 'Z').collect();
    format!("{digits}Z")
}

/// What is said of a restore.
struct Told<'a> {
    dir: &'a Path,
    manifest: &'a Manifest,
    kept: Option<PathBuf>,
    /// What counts again; why nobody knows; nothing where nothing was there before.
    comeback: Option<std::result::Result<Comeback, String>>,
    signs: bool,
}

impl Told<'_> {
    fn json(&self) -> serde_json::Value {
        let (comeback, unknown) = match &self.comeback {
            Some(Ok(comeback)) => (comeback.clone(), None),
            Some(Err(why)) => (Comeback::default(), Some(why)),
            None => (Comeback::default(), None),
        };
        json!({
            "dataDir": self.dir, "backupOf": self.manifest.created_at, "users": self.manifest.users,
            "keys": self.manifest.keys, "position": self.manifest.position, "keptAside": self.kept,
            "keysValidAgain": comeback.keys, "usersEnabledAgain": comeback.users, "notCompared": unknown,
            "signingKeyOpens": self.signs,
        })
    }

    fn print(&self) {
        let manifest = self.manifest;
        let kept =
            self.kept.as_ref().map_or("nothing: nothing was there".to_owned(), |kept| kept.display().to_string());
        let rows = [
            ("as of", manifest.created_at.clone()),
            ("holds", format!("{} users, {} keys, up to change {}", manifest.users, manifest.keys, manifest.position)),
            ("kept aside", kept),
        ];
        terminal::line(&format!("restored {}\n{}", self.dir.display(), pages::card(&rows)));
        for warning in self.warnings() {
            terminal::warn_line(&warning);
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = vec![
            "keyward: all is as it was then: keys revoked and sessions ended after the backup count again, passwords and \
             roles are the old ones, and keys made since are unknown"
                .to_owned(),
        ];
        match &self.comeback {
            Some(Ok(comeback)) => {
                if !comeback.keys.is_empty() {
                    warnings.push(format!(
                        "keyward: {} keys that were revoked, disabled or replaced since are VALID AGAIN: {}. End them with \
                         `keyward key revoke ID`",
                        comeback.keys.len(),
                        first(&comeback.keys)
                    ));
                }
                if !comeback.users.is_empty() {
                    warnings.push(format!(
                        "keyward: {} users that were disabled since are enabled again: {}. Pause them with \
                         `keyward user disable USER`",
                        comeback.users.len(),
                        first(&comeback.users)
                    ));
                }
            }
            Some(Err(why)) => warnings.push(format!(
                "keyward: what was revoked since cannot be told, because the replaced database cannot be read: {why}"
            )),
            None => {}
        }
        if !self.signs {
            warnings.push(
                "keyward: the backup does not carry the master key that opens its signing keys, and KEYWARD_MASTER_KEY is \
                 not set to it here. Set it before the next `keyward serve`; otherwise a new signing key is made, and \
                 tokens that the old ones signed go on until they end"
                    .to_owned(),
            );
        }
        warnings
    }
}

/// The first few, and that there are more.
fn first(names: &[Box<str>]) -> String {
    let more = if names.len() > NAMED { ", … (--json has all of them)" } else { "" };
    format!("{}{more}", names.iter().take(NAMED).map(|name| &**name).collect::<Vec<_>>().join(", "))
}
