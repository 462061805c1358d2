//! The files of `server.tls`: read and checked at the start, and again when they become other ones. What cannot be used then is
//! told and counted, and the old ones go on.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_api::metrics::CertificateReads;
use keyward_config::Settings;
use keyward_edge::{Identity, Part, Prepared, TlsDoor};
use zeroize::Zeroizing;

use crate::exit::{Failed, Result};
use crate::file_watch::{FileWatch, stamp};
use crate::terminal::{quoted, warn_line};

/// Which files.
#[derive(Clone, Debug)]
pub struct Files {
    /// Certificates with their keys.
    pub pairs: Vec<(PathBuf, PathBuf)>,
    client_ca: Option<PathBuf>,
}

impl Files {
    /// Those of a configuration; `None` where TLS is off.
    pub fn of(settings: &Settings) -> Option<Self> {
        let tls = &settings.server.tls;
        let paths = |files: &Option<keyward_config::Files>| {
            files.iter().flat_map(|files| files.paths().to_vec()).collect::<Vec<_>>()
        };
        let pairs = paths(&tls.cert_file).into_iter().zip(paths(&tls.key_file)).collect();
        tls.enabled.then(|| Self { pairs, client_ca: tls.client_ca_file.clone() })
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// The first that cannot be used, by its name, and why.
    pub fn read(&self) -> std::result::Result<Prepared, String> {
        let mut texts = Vec::with_capacity(self.pairs.len());
        for (chain, key) in &self.pairs {
            refuse_writable(key)?;
            texts.push((content(chain)?, content(key)?));
        }
        let client_ca = self.client_ca.as_deref().map(content).transpose()?;
        let identities: Vec<_> = texts.iter().map(|(chain, key)| Identity { chain, key }).collect();
        Prepared::new(&identities, client_ca.as_ref().map(|text| text.as_slice()))
            .map_err(|error| format!("{} {error}", self.name(error.part)))
    }

    fn name(&self, part: Part) -> String {
        let path = match part {
            Part::Chain(place) => self.pairs.get(place).map(|(chain, _)| chain),
            Part::Key(place) => self.pairs.get(place).map(|(_, key)| key),
            Part::ClientCa => self.client_ca.as_ref(),
        };
        path.map_or_else(|| "server.tls".to_owned(), |path| path.display().to_string())
    }

    /// Keys that others on this machine can read, with the modes of their files.
    pub fn readable_keys(&self) -> Vec<(String, u32)> {
        let keys = self.pairs.iter().map(|(_, key)| key);
        keys.filter_map(|key| Some((key.display().to_string(), mode(key)?)).filter(|(_, mode)| mode & 0o004 != 0))
            .collect()
    }

    fn warn_of_readable_keys(&self) {
        for (key, mode) in self.readable_keys() {
            let name = quoted(&key);
            warn_line(&format!(
                "keyward: everybody on this machine can read {key} (mode {mode:04o}); `chmod o-rwx {name}`"
            ));
        }
    }

    fn watch(&self) -> FileWatch {
        let pairs = self.pairs.iter().flat_map(|(chain, key)| [chain, key]);
        FileWatch::new(pairs.chain(&self.client_ca).map(|path| (path.clone(), stamp(path))))
    }
}

fn mode(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|metadata| metadata.mode() & 0o777)
}

/// A key that others can put another one in the place of is nobody's secret.
fn refuse_writable(key: &Path) -> std::result::Result<(), String> {
    match mode(key).filter(|mode| mode & 0o022 != 0) {
        Some(mode) => Err(format!(
            "{} can be written by other users (mode {mode:04o}); `chmod go-w {}`",
            key.display(),
            quoted(&key.display().to_string())
        )),
        None => Ok(()),
    }
}

fn content(path: &Path) -> std::result::Result<Zeroizing<Vec<u8>>, String> {
    std::fs::read(path).map(Zeroizing::new).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// The files of a running server, and the door that goes by them.
pub struct Certificates {
    files: Files,
    watch: FileWatch,
    door: Arc<TlsDoor>,
}

impl Certificates {
    /// Reads the files of a configuration; `None` where TLS is off.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn open(settings: &Settings) -> Result<Option<Self>> {
        let Some(files) = Files::of(settings) else { return Ok(None) };
        // Before they are read: a change in between is seen later, and not missed.
        let watch = files.watch();
        let prepared = files.read().map_err(|why| Failed::Refused(format!("server.tls: {why}")))?;
        files.warn_of_readable_keys();
        let door = Arc::new(TlsDoor::new(prepared, settings.server.tls.require));
        Ok(Some(Self { files, watch, door }))
    }

    /// The door.
    pub fn door(&self) -> Arc<TlsDoor> {
        Arc::clone(&self.door)
    }

    /// Takes over what the files become, for as long as the server runs.
    pub async fn follow(mut self, reads: Arc<CertificateReads>) {
        loop {
            self.watch.changed().await;
            match self.files.read() {
                Ok(prepared) => {
                    self.door.replace(prepared);
                    reads.taken();
                    warn_line("keyward: server.tls: other certificates are in force for new connections");
                    self.files.warn_of_readable_keys();
                }
                Err(why) => {
                    reads.refused();
                    warn_line(&format!("keyward: server.tls: {why}; the certificates that were read before go on"));
                }
            }
        }
    }
}
