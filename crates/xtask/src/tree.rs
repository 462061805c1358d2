//! The files that the rules speak of, read into memory once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

/// Files that are read, by the end of their names: code, and what pages name as evidence.
const READ: [&str; 10] = [".rs", ".toml", ".md", ".txt", ".yaml", ".patch", ".sh", ".mjs", ".cjs", ".py"];
/// Folders that hold nothing of ours.
const FOREIGN: [&str; 3] = ["target", "node_modules", "keyward-data"];

/// Paths from the root, with `/`, and the text of each file.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the files below a folder.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.walk(root, "")?;
        Ok(tree)
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_dir() && !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) {
                self.walk(&entry.path(), &format!("{prefix}{name}/"))?;
            } else if kind.is_file() && READ.iter().any(|end| name.ends_with(end)) {
                self.files.insert(format!("{prefix}{name}"), fs::read_to_string(entry.path())?);
            }
        }
        Ok(())
    }

    /// One file's text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// A file, or all files below a folder: path and text.
    pub(crate) fn at(&self, path: &str) -> impl Iterator<Item = (&str, &str)> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let here = self.files.iter().filter(move |(file, _)| *file == path || file.starts_with(&folder));
        here.map(|(file, text)| (file.as_str(), text.as_str()))
    }

    /// Every Rust file: path and text.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter(|(path, _)| path.ends_with(".rs")).map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The folders of `crates/` that hold a package.
    pub(crate) fn crates(&self) -> BTreeSet<&str> {
        self.files
            .keys()
            .filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
            .filter(|name| !name.contains('/'))
            .collect()
    }

    /// A tree that was never on a disk.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_ours_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        for path in ["Cargo.toml", "crates/a/Cargo.toml", "crates/a/src/lib.rs", "target/x.rs", ".git/y.rs", "z.png"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let tree = Tree::read(root.path()).unwrap();
        assert_eq!(tree.files.keys().collect::<Vec<_>>(), ["Cargo.toml", "crates/a/Cargo.toml", "crates/a/src/lib.rs"]);
        assert_eq!(tree.crates().into_iter().collect::<Vec<_>>(), ["a"]);
    }
}
