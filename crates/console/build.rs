//! Puts what npm built of the console into the binary. Where nothing was built the tables are empty, so that cargo needs no Node.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../console/dist");

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={BUILT}");
    let mut text = String::new();
    for (table, folder) in [("CONSOLE", "console"), ("PORTAL", "portal")] {
        let root = Path::new(BUILT).join(folder);
        let mut paths = Vec::new();
        if root.is_dir() {
            walk(&root, &mut paths)?;
        }
        paths.sort();
        text.push_str(&written(table, &root, &paths)?);
    }
    std::fs::write(PathBuf::from(variable("OUT_DIR")?).join("files.rs"), text)
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, paths)?;
        } else if path.extension().is_none_or(|extension| extension != "gz") {
            paths.push(path);
        }
    }
    Ok(())
}

/// A table of files, in the order of their paths.
fn written(table: &str, root: &Path, paths: &[PathBuf]) -> io::Result<String> {
    let mut text = format!("/// What npm built.\npub static {table}: &[File] = &[\n");
    for path in paths {
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let tag = tag_of(&std::fs::read(path)?);
        let packed = PathBuf::from(format!("{}.gz", path.display()));
        let gzip = if packed.is_file() { format!("Some(include_bytes!({packed:?}))") } else { "None".to_owned() };
        let line = format!(
            "    File {{ path: {name:?}, tag: \"\\\"{tag:016x}\\\"\", body: include_bytes!({path:?}), gzip: {gzip} }},\n"
        );
        text.push_str(&line);
    }
    let _ = writeln!(text, "];");
    Ok(text)
}

/// FNV-1a: tells one build of a file from another, and nothing else.
fn tag_of(body: &[u8]) -> u64 {
    body.iter().fold(0xcbf2_9ce4_8422_2325, |tag, byte| (tag ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script where to write by its environment")]
fn variable(name: &str) -> io::Result<std::ffi::OsString> {
    std::env::var_os(name).ok_or_else(|| io::Error::other(format!("{name} is not set")))
}
