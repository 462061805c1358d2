//! The master key: from the environment, else from a file in the data directory, made with the first start.

use std::io;
use std::path::Path;

use keyward_api::sealing::MasterKey;
use keyward_engine::ports::Random as _;
use zeroize::Zeroizing;

use crate::data_dir::DataDir;
use crate::exit::{Failed, Result};
use crate::private_file;
use crate::settings::variable;
use crate::system::SystemRandom;

/// The file's name in a data directory.
const NAME: &str = "master.key";
const VARIABLE: &str = "KEYWARD_MASTER_KEY";
/// How the 32 bytes are written.
const FORM: &str = "64 hexadecimal digits, as `openssl rand -hex 32` makes them";

/// The master key of a data directory. A file is made where there is none.
///
/// # Errors
/// A variable or file that holds no key, or a file that cannot be read or made.
pub fn of(data_dir: &DataDir) -> Result<MasterKey> {
    if let Some(value) = variable(VARIABLE) {
        let text = Zeroizing::new(value.to_string_lossy().into_owned());
        return parse(&text).ok_or_else(|| Failed::Refused(format!("{VARIABLE} is not {FORM}")));
    }
    let path = data_dir.path().join(NAME);
    match std::fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => parse(&text).ok_or_else(|| {
            Failed::Refused(format!("{} is not {FORM}; put the right one back, or remove it", path.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path),
        Err(error) => Err(unusable(&path, &error)),
    }
}

fn make(path: &Path) -> Result<MasterKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    SystemRandom.fill(bytes.as_mut_slice());
    let mut text = Zeroizing::new(String::with_capacity(65));
    for byte in bytes.iter() {
        text.push_str(&format!("{byte:02x}"));
    }
    text.push('\n');
    private_file::replace(path, text.as_bytes()).map_err(|error| unusable(path, &error))?;
    Ok(MasterKey::from_bytes(bytes))
}

fn parse(text: &str) -> Option<MasterKey> {
    let text = text.trim();
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(MasterKey::from_bytes(bytes))
}

fn unusable(path: &Path, error: &io::Error) -> Failed {
    Failed::Refused(format!("cannot keep the master key in {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_is_a_key() {
        let good = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        assert!(parse(good).is_some() && parse(&format!("{good}\n")).is_some());
        for bad in
            ["", &good[1..], &format!("{good}0"), &good.replace('0', "g"), &good.replace("00", "+0"), &"é".repeat(32)]
        {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
