//! Hashes of passwords that other programs made: which are taken, and how a bcrypt one is checked until it is replaced.

use argon2::Params;
use keyward_engine::people::PasswordHash;

/// How our own begin (`passwords`): whatever else is replaced at the next sign-in.
const OURS: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// The dearest bcrypt that is checked: about a second.
const DEAREST: u32 = 14;
/// The most passes of argon2 that are made.
const PASSES: u32 = 10;
/// What bcrypt sees of a password; it ignores the rest, so that a longer one would be right by its beginning alone.
const SEEN: usize = 72;

/// Whether a hash is of our own kind.
pub(crate) fn is_ours(hash: &PasswordHash) -> bool {
    hash.0.starts_with(OURS)
}

/// Takes a hash of another program, if sign-in can check it.
///
/// # Errors
/// Why not, in words.
pub(crate) fn take(text: &str) -> Result<PasswordHash, &'static str> {
    if !text.is_ascii() {
        return Err("the hash holds a character that is not ASCII");
    }
    match text.split('$').nth(1) {
        Some("2a" | "2b" | "2y") => take_bcrypt(text),
        Some("argon2id" | "argon2i" | "argon2d") => take_argon2(text),
        Some("apr1" | "1") => Err("a hash of MD5 is too weak to be kept"),
        Some("5" | "6") => Err("hashes of crypt's SHA-2 are not read"),
        _ if text.starts_with("{SHA}") => Err("a hash of SHA-1 without a salt is too weak to be kept"),
        _ => Err("it is no hash of bcrypt or argon2; a plain password is not taken from a file"),
    }
}

/// The cost of a bcrypt hash.
pub(crate) fn bcrypt_cost(text: &str) -> Option<u32> {
    text.parse::<bcrypt::HashParts>().ok().map(|parts| parts.get_cost())
}

fn take_bcrypt(text: &str) -> Result<PasswordHash, &'static str> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| "the bcrypt hash cannot be read")?;
    if !(4..=DEAREST).contains(&parts.get_cost()) {
        return Err("the cost of the bcrypt hash is not between 4 and 14");
    }
    Ok(PasswordHash(text.into()))
}

fn take_argon2(text: &str) -> Result<PasswordHash, &'static str> {
    let unreadable = "the argon2 hash cannot be read";
    let hash = argon2::PasswordHash::new(text).map_err(|_| unreadable)?;
    let params = Params::try_from(&hash).map_err(|_| unreadable)?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(unreadable);
    }
    if params.block_count() > Params::default().block_count() {
        return Err("the argon2 hash wants more memory than 19 MiB");
    }
    if params.t_cost() > PASSES {
        return Err("the argon2 hash wants more than 10 passes");
    }
    Ok(PasswordHash(text.into()))
}

/// Whether a password is the one of a bcrypt hash; `None`: it is no bcrypt hash.
pub(crate) fn verify_bcrypt(password: &[u8], hash: &PasswordHash) -> Option<bool> {
    if !hash.0.starts_with("$2") {
        return None;
    }
    // Beyond 72 bytes, and from a NUL on, bcrypt looks at nothing: what it would not see must not be there.
    let is_seen = password.len() <= SEEN && !password.contains(&0);
    // Outputs are compared in constant time. What is not ASCII was not taken; it would be an error here.
    Some(hash.0.is_ascii() && bcrypt::verify(password, &hash.0).unwrap_or(false) && is_seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "password", by another program.
    const BCRYPT: &str = "$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96";

    #[test]
    fn what_is_taken() {
        let argon2 = |parameters: &str| {
            format!("$argon2id$v=19${parameters}$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        };
        for (text, why) in [
            ("$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96", None),
            ("$2y$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u", None),
            ("$2y$15$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u", Some("between 4 and 14")),
            ("$2y$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3", Some("cannot be read")),
            ("$2y$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU\u{e9}", Some("not ASCII")),
            (&argon2("m=19456,t=2,p=1"), None),
            (&argon2("m=4096,t=3,p=1"), None),
            (&argon2("m=65536,t=2,p=1"), Some("19 MiB")),
            (&argon2("m=4096,t=11,p=1"), Some("10 passes")),
            ("$argon2id$v=19$m=4096,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA", Some("cannot be read")),
            ("$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", Some("MD5")),
            ("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", Some("SHA-1")),
            ("$6$salt$hash", Some("SHA-2")),
            ("swordfish", Some("plain password")),
            ("", Some("no hash")),
        ] {
            match (take(text), why) {
                (Ok(taken), None) => assert_eq!(*taken.0, *text),
                (Err(said), Some(why)) => assert!(said.contains(why), "{text:?}: {said}"),
                (got, _) => panic!("{text:?}: {got:?}"),
            }
        }
    }

    #[test]
    fn every_byte_of_a_password_counts() {
        let long = "x".repeat(72);
        let of_long = PasswordHash(bcrypt::hash(&long, 4).unwrap().into());
        let nul = PasswordHash(bcrypt::hash("password", 4).unwrap().into());
        for (password, hash, right) in [
            ("password", &PasswordHash(BCRYPT.into()), true),
            ("passwore", &PasswordHash(BCRYPT.into()), false),
            ("", &PasswordHash(BCRYPT.into()), false),
            (&*long, &of_long, true),
            (&*format!("{long}junk"), &of_long, false),
            ("password", &nul, true),
            ("password\0junk", &nul, false),
            ("password", &PasswordHash("$2y$12$\u{e9}".into()), false),
            ("password", &PasswordHash("$2".into()), false),
        ] {
            assert_eq!(verify_bcrypt(password.as_bytes(), hash), Some(right), "{password:?}");
        }
        assert_eq!(verify_bcrypt(b"password", &PasswordHash("$argon2id$v=19$".into())), None);
    }
}
