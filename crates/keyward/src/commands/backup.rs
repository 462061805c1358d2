//! `keyward backup`: one file that holds all that the data directory keeps, made while a server runs or without one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use keyward_api::audit::HeadView;
use keyward_api::command::{Command, Reply};
use keyward_api::fields::rfc3339;
use keyward_api::signing_keys::opener::Opener;
use keyward_engine::ports::{Clock as _, Random as _};
use keyward_store::Inspection;
use serde_json::json;

use crate::backup::archive;
use crate::backup::manifest::{FORMAT, Manifest, Member};
use crate::cli::Cli;
use crate::exit::{Failed, Result};
use crate::settings::Loaded;
use crate::system::{SystemClock, SystemRandom};
use crate::{audit_files, backend, master_key, pages, terminal, witness};

/// Makes a backup.
///
/// # Errors
/// There is a file already, it cannot be written, or the store cannot be copied.
pub fn run(cli: &Cli, file: &Path) -> Result<()> {
    let clock = SystemClock::new();
    let begun = clock.now();
    let target = target(file)?;
    let loaded = Loaded::for_command(cli)?;
    let dir = loaded.data_dir();
    let asked = Command::CopyStore { target: target.display().to_string() };
    let copy = match backend::run(&loaded, asked)? {
        Reply::StoreCopied { folder } => Copy::new(dir, &folder)?,
        _ => return Err(backend::unexpected()),
    };
    let seen = backend::runtime()?.block_on(keyward_store::inspect(&copy.0, false));
    let seen = seen.map_err(|error| Failed::Refused(error.to_string()))?;
    let failed = |error: &dyn std::fmt::Display| {
        Failed::Refused(format!("cannot make the backup {}: {error}; nothing was left there", target.display()))
    };
    let manifest = write(dir, &copy, &seen, rfc3339(begun.wall), &target).map_err(|error| failed(&error))?;
    drop(copy);
    let bytes = target.metadata().map_err(|error| failed(&error))?.len();
    let master = master_key_of(dir, &seen, &manifest);
    let millis = u64::try_from(clock.now().monotonic.since(begun.monotonic).as_millis()).unwrap_or(u64::MAX);
    if cli.json {
        terminal::json(&json!({
            "file": target, "bytes": bytes, "createdAt": manifest.created_at, "users": manifest.users,
            "keys": manifest.keys, "epoch": manifest.epoch, "position": manifest.position,
            "masterKey": master.word(), "millis": millis,
        }));
    } else {
        terminal::line(&card(&target, bytes, &manifest, &master, millis));
    }
    Ok(())
}

/// Where the backup goes, in full: the record of it must say so in every folder.
fn target(file: &Path) -> Result<PathBuf> {
    if file == Path::new("-") {
        return Err(Failed::Refused(
            "a backup goes to a file, not to stdout: it is made whole or not at all".to_owned(),
        ));
    }
    let unusable = |error: io::Error| Failed::Refused(format!("cannot write {}: {error}", file.display()));
    let target = std::path::absolute(file).map_err(unusable)?;
    match target.symlink_metadata() {
        Ok(_) => Err(Failed::Refused(format!(
            "there is {} already; nothing is overwritten: name another file, or move it away",
            target.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match target.parent() {
            Some(folder) if folder.is_dir() && target.file_name().is_some() => Ok(target),
            _ => Err(Failed::Refused(format!("cannot write {}: there is no such folder", target.display()))),
        },
        Err(error) => Err(unusable(error)),
    }
}

/// The copy of the store, removed with the value.
struct Copy(PathBuf);

impl Copy {
    /// The folder of that name. A name with anything else in it would lead elsewhere.
    fn new(dir: &Path, folder: &str) -> Result<Self> {
        let plain = folder
            .strip_prefix(keyward_api::backup::COPY)
            .is_some_and(|rest| rest.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()));
        if !plain {
            return Err(Failed::Refused("the server answered with no name of a copy".to_owned()));
        }
        Ok(Self(dir.join(folder)))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What stays is removed when the next server starts.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file under way, removed with the value unless it came to its end.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes the backup under another name, reads it again, and gives it its name once all of it is on the disk.
fn write(
    dir: &Path,
    copy: &Copy,
    seen: &Inspection,
    created_at: String,
    target: &Path,
) -> std::result::Result<Manifest, archive::Unusable> {
    let (members, mut sources) = members(dir, copy, seen)?;
    let manifest = Manifest {
        format: FORMAT,
        keyward: env!("CARGO_PKG_VERSION").to_owned(),
        created_at,
        schema: seen.version,
        epoch: witness::epoch(seen.head.epoch),
        position: seen.head.position,
        users: seen.users,
        keys: seen.keys,
        members,
    };
    let mut random = [0; 4];
    SystemRandom.fill(&mut random);
    let part = target.with_added_extension(format!("{:08x}.part", u32::from_le_bytes(random)));
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let unfinished = Unfinished(part);
    let mut readers: Vec<&mut dyn Read> = sources.iter_mut().map(|source| &mut **source as &mut dyn Read).collect();
    archive::write(&mut out, &manifest, &mut readers)?;
    out.sync_all()?;
    // A backup that cannot be read is found out now rather than when it is needed.
    archive::open(&unfinished.0)?;
    name(&unfinished.0, target)?;
    target.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
    Ok(manifest)
}

/// Renames, unless something has that name by now.
fn name(part: &Path, target: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, part, CWD, target, RenameFlags::NOREPLACE) {
        // A file system that cannot promise it: then looking first is all that can be done.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if target.symlink_metadata().is_err() => {
            std::fs::rename(part, target)
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok(()),
    }
}

/// Something that can be read twice.
trait Source: Read + io::Seek {}
impl<T: Read + io::Seek> Source for T {}

type Sources = Vec<Box<dyn Source>>;

fn members(dir: &Path, copy: &Copy, seen: &Inspection) -> io::Result<(Vec<Member>, Sources)> {
    let mut found: Vec<(&str, Box<dyn Source>)> = vec![
        (keyward_store::FILE_NAME, Box::new(File::open(copy.0.join(keyward_store::FILE_NAME))?)),
        (audit_files::KEY, Box::new(File::open(audit_files::key_path(dir))?)),
    ];
    if let Some(head) = &seen.audit {
        // That of the copy; the one in the directory may be ahead by now.
        let head = serde_json::to_vec(&HeadView::of(head))?;
        found.push((audit_files::HEAD, Box::new(io::Cursor::new(head))));
    }
    match File::open(dir.join(master_key::NAME)) {
        Ok(file) => found.push((master_key::NAME, Box::new(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut members = Vec::with_capacity(found.len());
    for (name, source) in &mut found {
        members.push(archive::member(name, source)?);
    }
    Ok((members, found.into_iter().map(|(_, source)| source).collect()))
}

/// What a backup holds of the master key.
enum MasterKeyKept {
    /// The one in use.
    Carried,
    /// There was nothing that it opens yet.
    NotNeeded,
    /// It comes from elsewhere.
    Elsewhere,
}

impl MasterKeyKept {
    fn word(&self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::NotNeeded => "notNeeded",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// Whether the key that is carried is the one in use is not said by the environment of this process, but by what it opens.
fn master_key_of(dir: &Path, seen: &Inspection, manifest: &Manifest) -> MasterKeyKept {
    if seen.signing_keys.is_empty() {
        return MasterKeyKept::NotNeeded;
    }
    let carried = manifest.carries(master_key::NAME);
    match master_key::in_file(dir).map(Opener::new) {
        Ok(opener) if carried && opener.opens_newest(&seen.signing_keys) => MasterKeyKept::Carried,
        _ => MasterKeyKept::Elsewhere,
    }
}

fn card(target: &Path, bytes: u64, manifest: &Manifest, master: &MasterKeyKept, millis: u64) -> String {
    let master = match master {
        MasterKeyKept::Carried => "in it",
        MasterKeyKept::NotNeeded => "none yet",
        MasterKeyKept::Elsewhere => "NOT in it: keep KEYWARD_MASTER_KEY yourself",
    };
    let rows = [
        ("of", manifest.created_at.clone()),
        ("holds", format!("{} users, {} keys, up to change {}", manifest.users, manifest.keys, manifest.position)),
        ("master key", master.to_owned()),
        ("size", format!("{bytes} bytes, in {millis} ms")),
        ("put back", format!("keyward restore {}", terminal::quoted(&target.display().to_string()))),
    ];
    format!(
        "{}\n  it carries secrets (password hashes, the key of the audit log's seals): keep it as you keep those\n{}",
        target.display(),
        pages::card(&rows)
    )
}
