//! Signing keys: one half makes tokens, the other half checks them. The algorithm is the key's, never the token's.

mod key;
mod roca;
pub mod turnover;
mod verify;

use std::sync::Arc;

use keyward_core::algorithm::Algorithm;
use keyward_core::time::Timestamp;

pub use key::{SigningKey, new_secret};
pub use verify::{PublicHalf, VerifyingKey, VerifyingKeys};

/// Bytes of a secret that signs with HS256: as many as of its hash, no fewer (RFC 7518 §3.2).
pub const SHORTEST_SECRET: usize = 32;

/// A signing key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// `sig_…`, random; `kid` of tokens.
    pub id: Box<str>,
    /// How it signs.
    pub algorithm: Algorithm,
    /// The public half: 32 bytes of Ed25519 (RFC 8032 §5.1.5), an uncompressed point of P-256 (SEC 1 §2.3.3), an
    /// `RSAPublicKey` in DER (RFC 8017 §A.1.1). A symmetric key has none.
    pub public: Option<Box<[u8]>>,
    /// The private half, sealed with the master key.
    pub sealed: Box<[u8]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub active_at: Timestamp,
    /// Since when nothing signed by it counts any more.
    pub retired_at: Option<Timestamp>,
}

/// What checks tokens, made of what a store keeps. A symmetric key is checked by what is sealed, so that this needs whoever
/// can open it.
pub trait VerifyingSource: Send + Sync {
    /// The keys whose signatures count.
    fn verifying(&self, kept: &[SigningKeyRecord]) -> VerifyingKeys;
}

/// Who knows which key signs at this moment, and waits for nothing to say so.
pub trait SignsNow: Send + Sync {
    /// The key; `None` where there is none for a moment.
    fn signs_now(&self) -> Option<Arc<SigningKey>>;
}

/// Public halves alone: symmetric keys check nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublicHalves;

impl VerifyingSource for PublicHalves {
    fn verifying(&self, kept: &[SigningKeyRecord]) -> VerifyingKeys {
        VerifyingKeys::of(kept, |_| None::<[u8; 0]>)
    }
}

#[cfg(test)]
mod tests;
