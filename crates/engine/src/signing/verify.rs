//! The halves that check: whether a token was signed by the key that it names, in the way of that key.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use keyward_core::algorithm::Algorithm;
use keyward_core::token::Unverified;

use super::roca::is_weak;
use super::{SHORTEST_SECRET, SigningKeyRecord};

/// One key whose signatures count.
#[derive(Clone)]
pub struct VerifyingKey {
    id: Box<str>,
    algorithm: Algorithm,
    check: Check,
}

#[derive(Clone)]
enum Check {
    Public(PublicHalf, ParsedPublicKey),
    Secret(Box<hmac::Key>),
}

/// A public half in the members of a JWK, each big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicHalf {
    /// `x` (RFC 8037 §2).
    Ed25519([u8; 32]),
    /// `x` and `y`, both of the curve's full length (RFC 7518 §6.2.1).
    P256([u8; 32], [u8; 32]),
    /// `n` and `e`, without leading zeros (RFC 7518 §6.3.1).
    Rsa(Box<[u8]>, Box<[u8]>),
}

impl PublicHalf {
    fn read(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::EdDsa => Some(Self::Ed25519(bytes.try_into().ok()?)),
            Algorithm::Es256 => {
                // Uncompressed, and nothing else (SEC 1 §2.3.3).
                let (x, y) = bytes.strip_prefix(&[4])?.split_first_chunk()?;
                Some(Self::P256(*x, y.try_into().ok()?))
            }
            Algorithm::Rs256 => {
                let (inside, []) = element(SEQUENCE, bytes)? else { return None };
                let (n, rest) = element(INTEGER, inside)?;
                let (e, []) = element(INTEGER, rest)? else { return None };
                let positive = |number: &'_ [u8]| number.strip_prefix(&[0]).unwrap_or(number).into();
                Some(Self::Rsa(positive(n), positive(e)))
            }
            Algorithm::Hs256 => None,
        }
    }
}

impl PublicHalf {
    /// As it is kept, and as libraries take it.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(x) => x.to_vec(),
            Self::P256(x, y) => [&[4], &x[..], &y[..]].concat(),
            Self::Rsa(n, e) => written(SEQUENCE, &[positive(n), positive(e)].concat()),
        }
    }
}

/// A number without a sign in DER (X.690 §8.3): of as few bytes as it has, with a zero before a high bit.
fn positive(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let digits = number.get(start..).unwrap_or_default();
    let sign = digits.first().is_none_or(|byte| *byte > 0x7f);
    written(INTEGER, &[if sign { &[0][..] } else { &[] }, digits].concat())
}

/// An element in DER; of up to 65,535 bytes, which no key that is taken comes near.
fn written(tag: u8, inside: &[u8]) -> Vec<u8> {
    let length = inside.len();
    let head = match (u8::try_from(length), u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()) {
        (Ok(short), _) if short < 0x80 => vec![tag, short],
        (Ok(byte), _) => vec![tag, 0x81, byte],
        (Err(_), [high, low]) => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), inside].concat()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// The first element in DER (X.690 §8.1) and what follows it; lengths up to two bytes, as keys have them.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (length, rest) = match rest.split_first()? {
        (0x81, rest) => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        (0x82, rest) => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        (length, rest) => (usize::from(*length), rest),
    };
    rest.split_at_checked(length)
}

impl VerifyingKey {
    /// By a public half as it is kept. `None`: it is none of this algorithm, which may be symmetric.
    pub fn public(id: &str, algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let way: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::EdDsa => &ED25519,
            // r and s, 32 bytes each (RFC 7518 §3.4); neither 0 nor beyond the order (FIPS 186-5 §6.4.2).
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            // No modulus under 2048 bits (RFC 7518 §3.3).
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            // A public half must never come to be a secret.
            Algorithm::Hs256 => return None,
        };
        let half = PublicHalf::read(algorithm, bytes)?;
        // Whoever has this public half can compute the private one.
        if matches!(&half, PublicHalf::Rsa(n, _) if is_weak(n)) {
            return None;
        }
        let check = Check::Public(half, ParsedPublicKey::new(way, bytes).ok()?);
        Some(Self { id: id.into(), algorithm, check })
    }

    /// By a secret, for HS256. `None`: it is too short.
    pub fn secret(id: &str, secret: &[u8]) -> Option<Self> {
        let check = Check::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)));
        (secret.len() >= SHORTEST_SECRET).then(|| Self { id: id.into(), algorithm: Algorithm::Hs256, check })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What anybody may see of it: nothing of a symmetric key.
    pub fn public_half(&self) -> Option<&PublicHalf> {
        match &self.check {
            Check::Public(half, _) => Some(half),
            Check::Secret(_) => None,
        }
    }

    /// Whether the key made this signature of a message. Lengths are exact; a symmetric one is compared in constant time.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.check {
            Check::Public(_, key) => key.verify_sig(message, signature).is_ok(),
            Check::Secret(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({}, {})", self.id, self.algorithm.name())
    }
}

/// What checks tokens: all keys whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct VerifyingKeys(Vec<VerifyingKey>);

impl VerifyingKeys {
    /// Whether what a key signs counts.
    pub fn has(&self, id: &str) -> bool {
        self.iter().any(|key| key.id() == id)
    }

    /// Of the kept keys that are not retired; `open` opens what is sealed, for symmetric ones. What cannot be read checks
    /// nothing.
    pub fn of<S: AsRef<[u8]>>(kept: &[SigningKeyRecord], open: impl Fn(&SigningKeyRecord) -> Option<S>) -> Self {
        let active = kept.iter().filter(|record| record.retired_at.is_none());
        let key = |record: &SigningKeyRecord| match (&record.public, record.algorithm) {
            (None, Algorithm::Hs256) => VerifyingKey::secret(&record.id, open(record)?.as_ref()),
            (Some(public), algorithm) => VerifyingKey::public(&record.id, algorithm, public),
            (None, _) => None,
        };
        Self(active.filter_map(key).collect())
    }

    /// One more.
    pub fn push(&mut self, key: VerifyingKey) {
        self.0.push(key);
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.0.iter()
    }

    /// Whether a token was signed by the key that it names. One lookup by name, no second try with another key; and the
    /// algorithm that it names is that of the key (RFC 8725 §3.1).
    pub fn verify(&self, token: &Unverified<'_>) -> bool {
        let named = self.iter().find(|key| *key.id == *token.header.kid);
        named.is_some_and(|key| {
            token.header.alg == key.algorithm.name() && key.has_signed(token.message, &token.signature)
        })
    }
}
