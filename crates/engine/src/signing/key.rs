//! The private half of a signing key: made, read back, and what signs.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use keyward_core::algorithm::Algorithm;
use keyward_core::token::{Header, assemble, message};
use serde::Serialize;
use zeroize::Zeroizing;

use super::SHORTEST_SECRET;
use crate::ports::Random;

/// Bytes of an Ed25519 seed (RFC 8032 §5.1.5), and of a secret that is made here.
const SEED: usize = 32;

/// The private half. Zeroed when dropped by the library that holds it.
pub struct SigningKey {
    id: Box<str>,
    pair: Pair,
}

enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    Hs256(Box<hmac::Key>),
}

/// A new private half as it is kept: 32 random bytes where any will do, else PKCS #8. Primes and scalars are drawn by the
/// library itself, which takes no randomness from elsewhere.
pub fn new_secret(algorithm: Algorithm, random: &dyn Random) -> Option<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(Vec::new());
    match algorithm {
        Algorithm::EdDsa | Algorithm::Hs256 => {
            secret.resize(SEED, 0);
            random.fill(&mut secret);
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
            secret.extend_from_slice(pair.to_pkcs8v1().ok()?.as_ref());
        }
        // The shortest that may sign (RFC 7518 §3.3).
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            secret.extend_from_slice(pair.as_der().ok()?.as_ref());
        }
    }
    Some(secret)
}

impl SigningKey {
    /// From a private half of an algorithm, as [`new_secret`] makes them. `None`: it is none, or too short.
    pub fn read(id: &str, algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let pair = match algorithm {
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_seed_unchecked(secret).ok()?),
            Algorithm::Es256 => Pair::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret).ok()?),
            Algorithm::Rs256 => Pair::Rs256(RsaKeyPair::from_pkcs8(secret).ok()?),
            Algorithm::Hs256 if secret.len() < SHORTEST_SECRET => return None,
            Algorithm::Hs256 => Pair::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))),
        };
        Some(Self { id: id.into(), pair })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::EdDsa(_) => Algorithm::EdDsa,
            Pair::Es256(_) => Algorithm::Es256,
            Pair::Rs256(_) => Algorithm::Rs256,
            Pair::Hs256(_) => Algorithm::Hs256,
        }
    }

    /// The public half as it is kept; a symmetric key has none.
    pub fn public(&self) -> Option<Box<[u8]>> {
        match &self.pair {
            Pair::EdDsa(pair) => Some(pair.public_key().as_ref().into()),
            Pair::Es256(pair) => Some(pair.public_key().as_ref().into()),
            Pair::Rs256(pair) => Some(pair.public_key().as_ref().into()),
            Pair::Hs256(_) => None,
        }
    }

    /// A token of a type with these claims; `None` where the library fails, such as for want of randomness.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Option<String> {
        let header = Header { alg: self.algorithm().name().to_owned(), typ: typ.to_owned(), kid: self.id.to_string() };
        let message = message(&header, claims);
        let signature = self.signature(message.as_bytes())?;
        Some(assemble(&message, &signature))
    }

    /// The signature of a message, in the form of RFC 7518 §3.
    pub(super) fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        Some(match &self.pair {
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Es256(pair) => pair.sign(&random, message).ok()?.as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                signature
            }
            Pair::Hs256(key) => hmac::sign(key, message).as_ref().to_vec(),
        })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({}, {}, …)", self.id, self.algorithm().name())
    }
}
