//! The file of a backup: a tar archive of a manifest, the members, and last a digest of everything before it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use keyward_api::hex::hex;
use sha2::{Digest as _, Sha256};

use super::manifest::{FORMAT, Manifest, Member};
use super::{MEMBERS, REQUIRED};

const MANIFEST: &str = "manifest.json";
/// No manifest is longer; whatever says so is none of ours.
const MANIFEST_BYTES: u64 = 1 << 20;
/// The member that closes a backup.
const DIGEST: &str = "sha256";
/// The last bytes of a backup: the digest's header and block, and the two empty blocks that end every tar archive.
const TAIL: u64 = 4 * 512;

/// Why a file cannot be restored. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read, or what it holds cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is no backup that `keyward backup` made")]
    Foreign,
    /// A newer Keyward made it.
    #[error("it is a backup of form {0}, and this Keyward knows forms up to {FORMAT}; use the Keyward that made it")]
    Newer(u64),
    /// Its digest is not that of what it holds.
    #[error("it is damaged: cut off, or not as it was written")]
    Damaged,
}

/// Counts nothing and changes nothing: it only digests what goes through it.
struct Digesting<W> {
    inner: W,
    digest: Sha256,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.digest.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A member as it will stand in the manifest; its source is read from the beginning, and stands there again.
pub fn member(name: &str, source: &mut (impl Read + io::Seek)) -> io::Result<Member> {
    let mut digesting = Digesting { inner: io::sink(), digest: Sha256::new() };
    source.seek(SeekFrom::Start(0))?;
    let size = io::copy(source, &mut digesting)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(Member { name: name.to_owned(), size, sha256: hex(&digesting.digest.finalize().into()) })
}

/// Writes a backup: the manifest, then each member that it names from its source, in order.
pub fn write(out: impl Write, manifest: &Manifest, sources: &mut [&mut dyn Read]) -> io::Result<()> {
    let mut builder = tar::Builder::new(Digesting { inner: out, digest: Sha256::new() });
    let text = serde_json::to_vec_pretty(manifest)?;
    append(&mut builder, MANIFEST, u64::try_from(text.len()).unwrap_or(u64::MAX), &mut text.as_slice())?;
    for (member, source) in manifest.members.iter().zip(sources) {
        append(&mut builder, &member.name, member.size, *source)?;
    }
    let digest = builder.get_ref().digest.clone().finalize();
    close(builder, &digest.into())?.inner.flush()
}

fn append<W: Write>(builder: &mut tar::Builder<W>, name: &str, size: u64, source: &mut dyn Read) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o600);
    header.set_cksum();
    // A source that grew meanwhile would put every later member out of its place.
    builder.append(&header, source.take(size))
}

/// Ends an archive with the digest of all that stands before.
fn close<W: Write>(mut builder: tar::Builder<W>, digest: &[u8; 32]) -> io::Result<W> {
    let text = format!("{}\n", hex(digest));
    append(&mut builder, DIGEST, u64::try_from(text.len()).unwrap_or(u64::MAX), &mut text.as_bytes())?;
    builder.into_inner()
}

/// Opens a backup and verifies every byte of it before anything is believed.
///
/// # Errors
/// [`Unusable`].
pub fn open(path: &Path) -> Result<(File, Manifest), Unusable> {
    let mut file = File::open(path)?;
    let manifest = read_manifest(&mut file)?;
    is_as_written(&mut file)?;
    let names: Vec<&str> = manifest.members.iter().map(|member| member.name.as_str()).collect();
    let known = names
        .iter()
        .enumerate()
        .all(|(at, name)| MEMBERS.contains(name) && !names.iter().skip(at + 1).any(|other| other == name));
    if !known || !REQUIRED.iter().all(|name| manifest.carries(name)) {
        return Err(Unusable::Foreign);
    }
    Ok((file, manifest))
}

fn read_manifest(file: &mut File) -> Result<Manifest, Unusable> {
    let mut archive = tar::Archive::new(file);
    // As they stand: no long names, links or sparse files are looked for, because none was written.
    let Some(Ok(mut first)) = archive.entries()?.raw(true).next() else { return Err(Unusable::Foreign) };
    if !is_plain(&first, MANIFEST) || first.size() > MANIFEST_BYTES {
        return Err(Unusable::Foreign);
    }
    let mut text = Vec::new();
    first.read_to_end(&mut text).map_err(|_| Unusable::Damaged)?;
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|_| Unusable::Damaged)?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format > u64::from(FORMAT) => Err(Unusable::Newer(format)),
        _ => serde_json::from_value(value).map_err(|_| Unusable::Damaged),
    }
}

fn is_plain<R: Read>(entry: &tar::Entry<'_, R>, name: &str) -> bool {
    entry.header().entry_type().is_file() && *entry.path_bytes() == *name.as_bytes()
}

/// Compares the end of the file with the end that all before it must have: one flipped bit anywhere is seen.
fn is_as_written(file: &mut File) -> Result<(), Unusable> {
    let length = file.seek(SeekFrom::End(0))?;
    let covered = length.checked_sub(TAIL).ok_or(Unusable::Damaged)?;
    file.seek(SeekFrom::Start(0))?;
    let mut digesting = Digesting { inner: io::sink(), digest: Sha256::new() };
    io::copy(&mut (&*file).take(covered), &mut digesting)?;
    let expected = close(tar::Builder::new(Vec::new()), &digesting.digest.finalize().into())?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    if end == expected { Ok(()) } else { Err(Unusable::Damaged) }
}

/// Takes the members out into a folder (each 0600, on the disk when this returns), and compares each with its digest.
///
/// # Errors
/// [`Unusable`]: the archive is not what its manifest says, or a file cannot be written.
pub fn extract(file: &mut File, manifest: &Manifest, folder: &Path) -> Result<(), Unusable> {
    file.seek(SeekFrom::Start(0))?;
    let mut archive = tar::Archive::new(file);
    let mut entries = archive.entries()?.raw(true).skip(1);
    for member in &manifest.members {
        let Some(Ok(mut entry)) = entries.next() else { return Err(Unusable::Damaged) };
        if !is_plain(&entry, &member.name) || entry.size() != member.size {
            return Err(Unusable::Damaged);
        }
        let mut options = OpenOptions::new();
        let out = options.write(true).create_new(true).mode(0o600).open(folder.join(&member.name))?;
        let mut digesting = Digesting { inner: out, digest: Sha256::new() };
        io::copy(&mut entry, &mut digesting)?;
        digesting.inner.sync_all()?;
        if hex(&digesting.digest.finalize().into()) != member.sha256 {
            return Err(Unusable::Damaged);
        }
    }
    File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests;
