//! Puts the files under `presets` into the binary, each by its name, so that a preset is a file and nothing else.

use std::io;
use std::path::PathBuf;

fn main() -> io::Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/presets");
    println!("cargo::rerun-if-changed={folder}");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let mut table = String::from("&[\n");
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        table.push_str(&format!("    ({name:?}, include_str!({path:?})),\n"));
    }
    table.push_str("]\n");
    std::fs::write(PathBuf::from(variable("OUT_DIR")?).join("presets.rs"), table)
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script where to write by its environment")]
fn variable(name: &str) -> io::Result<std::ffi::OsString> {
    std::env::var_os(name).ok_or_else(|| io::Error::other(format!("{name} is not set")))
}
