//! The master key: from the environment, else from a file in the data directory, made with the first start.

use std::io;
use std::path::Path;

use keyward_api::hex::{hex, unhex};
use keyward_api::signing_keys::sealing::MasterKey;
use keyward_engine::ports::Random as _;
use zeroize::Zeroizing;

use crate::data_dir::DataDir;
use crate::exit::{Failed, Result};
use crate::private_file;
use crate::settings::variable;
use crate::system::SystemRandom;

/// The file's name in a data directory.
pub const NAME: &str = "master.key";
/// What takes the file's place.
pub const VARIABLE: &str = "KEYWARD_MASTER_KEY";
/// How the 32 bytes are written.
const FORM: &str = "64 hexadecimal digits, as `openssl rand -hex 32` makes them";

/// The master key of a data directory. A file is made where there is none.
///
/// # Errors
/// A variable or file that holds no key, or a file that cannot be read or made.
pub fn of(data_dir: &DataDir) -> Result<MasterKey> {
    match existing(data_dir.path())? {
        Some(key) => Ok(key),
        None => make(&data_dir.path().join(NAME)),
    }
}

/// The master key that counts in a directory, if there is one.
///
/// # Errors
/// A variable or file that holds no key, or a file that cannot be read.
pub fn existing(dir: &Path) -> Result<Option<MasterKey>> {
    let Some(value) = variable(VARIABLE) else { return in_file(dir) };
    let text = Zeroizing::new(value.to_string_lossy().into_owned());
    parse(&text).map(Some).ok_or_else(|| Failed::Refused(format!("{VARIABLE} is not {FORM}")))
}

/// The master key in the file of a directory, if there is one.
///
/// # Errors
/// A file that holds no key, or that cannot be read.
pub fn in_file(dir: &Path) -> Result<Option<MasterKey>> {
    let path = dir.join(NAME);
    match std::fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => parse(&text).map(Some).ok_or_else(|| {
            Failed::Refused(format!("{} is not {FORM}; put the right one back, or remove it", path.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(&path, &error)),
    }
}

fn make(path: &Path) -> Result<MasterKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    SystemRandom.fill(bytes.as_mut_slice());
    let text = Zeroizing::new(format!("{}\n", hex(&bytes)));
    private_file::replace(path, text.as_bytes()).map_err(|error| unusable(path, &error))?;
    Ok(MasterKey::from_bytes(bytes))
}

fn parse(text: &str) -> Option<MasterKey> {
    Some(MasterKey::from_bytes(Zeroizing::new(unhex(text.trim())?)))
}

fn unusable(path: &Path, error: &io::Error) -> Failed {
    Failed::Refused(format!("cannot keep the master key in {}: {error}", path.display()))
}
