//! Secrets that a person or program gives to a command: from stdin or a file, never as an argument.

use std::io::Read as _;

use keyward_api::passwords::Password;
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
    let mut text = Zeroizing::new(String::new());
    let read = match source.as_str() {
        "-" => std::io::stdin().take(MOST).read_to_string(&mut text),
        path => std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text)),
    };
    read.map_err(|error| Failed::Refused(format!("cannot read the password from {source}: {error}")))?;
    // An editor ends a file with a line end, and so does `echo`; blanks belong to the password.
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    Ok((Some(Password::from(password.to_owned())), None))
}
