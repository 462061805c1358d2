//! The master key: what the private halves of signing keys are encrypted with before a store keeps them.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use keyward_engine::ports::Random;
use zeroize::Zeroizing;

/// The form of what is sealed; the first byte of it.
const VERSION: u8 = 1;

/// The key that everything secret in a store is sealed with (AES-256-GCM, NIST SP 800-38D).
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// From 32 random bytes.
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Seals a secret for one purpose: opened for another it is refused.
    pub fn seal(&self, purpose: &str, secret: &[u8], random: &dyn Random) -> Option<Box<[u8]>> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut text = secret.to_vec();
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        self.cipher()?.seal_in_place_append_tag(nonce_used, Aad::from(purpose.as_bytes()), &mut text).ok()?;
        Some([&[VERSION][..], &nonce, &text].concat().into())
    }

    /// Opens what was sealed for a purpose; `None` where it was not, or with another key.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
        if *version != VERSION {
            return None;
        }
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.cipher()?.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice()).ok().map(LessSafeKey::new)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn only_the_same_key_opens_for_the_same_purpose() {
        let key = |byte| MasterKey::from_bytes(Zeroizing::new([byte; 32]));
        let sealed = key(1).seal("signing key sig_1", b"secret", &Sevens).unwrap();
        assert_eq!(key(1).open("signing key sig_1", &sealed).unwrap().as_slice(), b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert!(key(2).open("signing key sig_1", &sealed).is_none());
        assert!(key(1).open("signing key sig_2", &sealed).is_none());
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 1;
            assert!(key(1).open("signing key sig_1", &altered).is_none(), "byte {index}");
            assert!(key(1).open("signing key sig_1", &sealed[..index]).is_none(), "cut at {index}");
        }
    }
}
