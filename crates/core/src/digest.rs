//! Digests of secrets: the only shape in which a presented credential leaves the step that read it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// SHA-256 of a whole API key, as stored and looked up. Right for keys of ≥ 192 random bits; not for chosen ones.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKeyDigest([u8; 32]);

impl ApiKeyDigest {
    /// The digest of a key's text.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// From stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight bytes as a number.
    pub fn short(&self) -> u64 {
        self.0.first_chunk().copied().map_or(0, u64::from_be_bytes)
    }

    /// The first sixteen bytes as two numbers.
    pub fn half(&self) -> [u64; 2] {
        let [first, second, ..] = self.0.as_chunks().0 else { return [0; 2] };
        [*first, *second].map(u64::from_be_bytes)
    }

    /// The first byte: which of 256 shards the key belongs to.
    pub const fn shard(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }
}

impl std::fmt::Debug for ApiKeyDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeyDigest(…)")
    }
}

/// A secret of the server for keyed digests (HMAC-SHA-256, RFC 2104). Zeroed when dropped; never printed.
#[derive(Clone)]
pub struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// From 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the store that keeps them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA-256 over the parts, each preceded by its length, so that no two lists of parts read alike.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            // HMAC takes keys of any length (RFC 2104 §2); no input reaches this arm.
            return [0; 32];
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey(…)")
    }
}

/// Whether two byte strings of one length are equal, in a time that does not depend on where they differ.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::same;

    /// What a comparison takes at best, in which nothing else on the machine took part.
    #[expect(clippy::disallowed_methods, reason = "what is compared is real time")]
    fn span(left: &[u8], right: &[u8]) -> Duration {
        let once = |_| {
            let begun = Instant::now();
            std::hint::black_box(same(std::hint::black_box(left), right));
            begun.elapsed()
        };
        (0..20).map(once).min().unwrap()
    }

    /// Whoever guesses must not learn how much of a guess was right: long texts show in one look what short ones show in many.
    #[test]
    fn the_time_does_not_tell_where_they_differ() {
        let known = vec![7; 100_000];
        let (mut first, mut last) = (known.clone(), known.clone());
        (first[0], last[99_999]) = (0, 0);
        assert!(same(&known, &known.clone()) && !same(&known, &first) && !same(&known, &last) && !same(&known, b""));
        let (early, late) = (span(&known, &first).as_secs_f64(), span(&known, &last).as_secs_f64());
        assert!((0.2..5.0).contains(&(late / early)), "{early} s against {late} s");
    }
}
