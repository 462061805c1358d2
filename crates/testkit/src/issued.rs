//! The secrets that a world gave out, and the search for them wherever none may be: at the end of every world.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Files that hold secrets on purpose, by the end of their name: what is in them is what the others must not hold.
const MEANT: &[&str] = &["master.key", "audit.key", "initial-admin-password"];

/// What a world gave out, and what its servers wrote.
#[derive(Default)]
pub struct Issued {
    secrets: Mutex<Vec<String>>,
    written: Mutex<Vec<Arc<Mutex<String>>>>,
}

impl Issued {
    /// Notes a secret; short texts are words that may stand anywhere.
    pub fn note(&self, secret: &str) {
        const SHORTEST: usize = 12;
        if secret.len() >= SHORTEST {
            self.secrets.lock().expect("not poisoned").push(secret.to_owned());
        }
    }

    /// Notes where a server writes to.
    pub fn hear(&self, written: &Arc<Mutex<String>>) {
        self.written.lock().expect("not poisoned").push(Arc::clone(written));
    }

    /// Whether a text holds none of them; `what` it is, where it does.
    pub fn absent_from(&self, what: &str, text: &[u8]) {
        for secret in self.secrets.lock().expect("not poisoned").iter() {
            let found = text.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{what} holds a secret that this world gave out: {}…", &secret[..8]);
        }
    }

    /// Searches what servers wrote, their arguments, and every file of a folder.
    pub fn search(&self, folder: &Path, processes: &[u32]) {
        for written in self.written.lock().expect("not poisoned").iter() {
            self.absent_from("what a server wrote", written.lock().expect("not poisoned").as_bytes());
        }
        for process in processes {
            let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            self.absent_from("the arguments of a server", &arguments);
        }
        for file in files(folder) {
            self.absent_from(&file.display().to_string(), &std::fs::read(&file).unwrap_or_default());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&path)),
            Ok(kind) if kind.is_file() && !MEANT.iter().any(|end| path.ends_with(end)) => found.push(path),
            _ => {}
        }
    }
    found
}
