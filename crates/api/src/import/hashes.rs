//! Hashes of keys that other programs made: which are taken, what is computed of a shown key to find them, and their peppers.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use keyward_core::digest::ApiKeyDigest;
use keyward_engine::audit::Action;
use keyward_engine::ports::ForeignHash;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::import::foreign;
use crate::origin::Origin;
use crate::service::Service;
use crate::sign_in::passwords::Password;

/// HMAC-SHA-256 with a pepper.
pub(crate) const HMAC: &str = "hmac-sha256";
const SHA256: &str = "sha256";
/// What peppers are sealed for.
const PURPOSE: &str = "pepper of imported keys";
/// Each is tried on whatever has no tag.
const MOST_PEPPERS: usize = 4;

/// Reads a hash: its kind, and what is kept.
///
/// # Errors
/// Why it is not taken, in words.
pub(crate) fn read(text: &str) -> Result<(&'static str, ForeignHash), &'static str> {
    let quick = |kind, rest: &str| {
        let bytes = bytes(rest).ok_or("its hash is not 32 bytes in hex or base64")?;
        Ok((kind, ForeignHash::Lookup(bytes)))
    };
    match text.split_once(':') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case(SHA256) => return quick(SHA256, rest),
        Some((kind, rest)) if kind.eq_ignore_ascii_case(HMAC) => return quick(HMAC, rest),
        _ => {}
    }
    let hash = foreign::take(text).map_err(|why| match why {
        why if text.starts_with('$') => why,
        _ => "it is no hash of bcrypt or argon2, nor begins with sha256: or hmac-sha256:",
    })?;
    Ok((if text.starts_with("$2") { "bcrypt" } else { "argon2" }, ForeignHash::Slow(hash)))
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    if text.len() == 64 && text.is_ascii() {
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(text.get(at..at + 2).filter(|pair| !pair.contains('+'))?, 16).ok()?;
        }
        return Some(bytes);
    }
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('='))).ok()?;
    decoded.try_into().ok()
}

/// What others mixed into their hashes.
pub(crate) struct Peppers(Vec<Zeroizing<Vec<u8>>>);

impl Peppers {
    /// Those that can be opened.
    pub(crate) async fn load(service: &Service) -> Result<Self, Failure> {
        let sealed = service.store.peppers().await?;
        Ok(Self(sealed.iter().filter_map(|sealed| service.opener.unseal(PURPOSE, sealed)).collect()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that a shown key may have been kept by.
    pub(crate) fn lookups(&self, key: &[u8]) -> Vec<[u8; 32]> {
        let plain = *ApiKeyDigest::of(key).as_bytes();
        let peppered = self.0.iter().filter_map(|pepper| {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pepper), key);
            <[u8; 32]>::try_from(tag.as_ref()).ok()
        });
        std::iter::once(plain).chain(peppered).collect()
    }
}

/// Keeps a pepper, unless it is here already.
///
/// # Errors
/// Too many, or there is no master key to seal it with.
pub(crate) async fn keep_pepper(service: &Service, pepper: &Password, origin: &Origin) -> Result<(), Failure> {
    let Peppers(kept) = Peppers::load(service).await?;
    let bytes = pepper.expose().as_bytes();
    if kept.iter().any(|one| one.as_slice() == bytes) {
        return Ok(());
    }
    if kept.len() >= MOST_PEPPERS {
        return Err(Failure::invalid(format!(
            "{MOST_PEPPERS} peppers are here already, which is as many as are tried"
        )));
    }
    let sealed = service.opener.seal(PURPOSE, bytes, &*service.random);
    let sealed = sealed.ok_or_else(|| Failure::invalid("there is no master key that a pepper could be sealed with"))?;
    service.store.keep_pepper(&sealed, &origin.event(Action::PepperKept, "imported keys")).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        let hex = "00".repeat(31) + "fF";
        let base64 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8";
        let mut expected = [0; 32];
        expected[31] = 255;
        for (text, kind) in [
            (format!("sha256:{hex}"), SHA256),
            (format!("SHA256:{base64}="), SHA256),
            (format!("sha256:{base64}"), SHA256),
            (format!("hmac-sha256:{hex}"), HMAC),
        ] {
            assert_eq!(read(&text), Ok((kind, ForeignHash::Lookup(expected))), "{text}");
        }
        let bcrypt = "$2a$04$UuTkLRZZ6QofpDOlMz32MuuxEHA43WOemOYHPz6.SjsVsyO1tDU96";
        assert!(matches!(read(bcrypt), Ok(("bcrypt", ForeignHash::Slow(_)))));
        for (text, why) in [
            (format!("sha256:{}", &hex[2..]), "32 bytes"),
            (format!("sha256:{}+f", &hex[2..]), "32 bytes"),
            (format!("sha256:{}", "é".repeat(32)), "32 bytes"),
            ("sha256:".to_owned(), "32 bytes"),
            (hex.clone(), "nor begins with sha256"),
            ("plain".to_owned(), "nor begins with sha256"),
            ("$1$x".to_owned(), "MD5"),
        ] {
            let said = read(&text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn what_a_key_was_kept_by() {
        let peppers = Peppers(vec![Zeroizing::new(b"Jefe".to_vec())]);
        let [plain, peppered] = peppers.lookups(b"what do ya want for nothing?").try_into().unwrap();
        // RFC 4231 §4.3.
        assert_eq!(crate::hex::hex(&peppered), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(plain, *ApiKeyDigest::of(b"what do ya want for nothing?").as_bytes());
    }
}
