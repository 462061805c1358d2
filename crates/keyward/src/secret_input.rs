//! Secrets that a person or program gives to a command: from stdin or a file, never as an argument.

use std::io::Read as _;

use keyward_api::sign_in::passwords::Password;
use zeroize::Zeroizing;

use crate::exit::{Failed, Result};
use crate::system::SystemRandom;

/// The most that is read: a password has at most 1024 bytes.
const MOST: u64 = 4096;

/// A password from a file, from stdin (`-`), or made here; what is made here comes twice, to be shown once.
///
/// # Errors
/// It cannot be read.
pub fn password(source: &Option<String>) -> Result<(Option<Password>, Option<String>)> {
    let Some(source) = source else {
        let text = keyward_api::service::new_secret_text(&SystemRandom);
        return Ok((Some(Password::from(text.clone())), Some(text)));
    };
    Ok((Some(line(source)?), None))
}

/// A secret from a file or from stdin (`-`).
///
/// # Errors
/// It cannot be read.
pub fn line(source: &str) -> Result<Password> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = match source {
        "-" => std::io::stdin().take(MOST).read_to_end(&mut bytes),
        path => std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes)),
    };
    let refused = |why: &dyn std::fmt::Display| Failed::Refused(format!("cannot read the secret from {source}: {why}"));
    let length = read.map_err(|error| refused(&error))?;
    if length as u64 == MOST {
        // Cut off somewhere, perhaps within a character.
        return Err(refused(&"it has at most 1024 bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| refused(&"it is not UTF-8"))?;
    // An editor ends a file with a line end, and so does `echo`; blanks belong to the password.
    let password = text.strip_suffix('\n').unwrap_or(text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    Ok(Password::from(password.to_owned()))
}

/// The longest file of another program that is read.
const MOST_IMPORTED: u64 = 1024 * 1024;

/// A whole file that holds secrets, or stdin (`-`).
///
/// # Errors
/// It cannot be read, or is too long.
pub fn whole(source: &str) -> Result<Password> {
    let mut text = Zeroizing::new(String::new());
    let read = match source {
        "-" => std::io::stdin().take(MOST_IMPORTED).read_to_string(&mut text),
        path => std::fs::File::open(path).and_then(|file| file.take(MOST_IMPORTED).read_to_string(&mut text)),
    };
    let refused = |why: &dyn std::fmt::Display| Failed::Refused(format!("cannot read {source}: {why}"));
    let length = read.map_err(|error| refused(&error))?;
    if length as u64 == MOST_IMPORTED {
        return Err(refused(&"it has a MiB or more; split it"));
    }
    Ok(Password::from(std::mem::take(&mut *text)))
}
