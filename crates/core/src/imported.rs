//! Keys that others made: what they are known by here, and what is asked about one that is not known yet.
//!
//! Such a key has no tag by which a guess is told from it, and it may be weak. So it is kept as a keyed digest, against which
//! nobody who reads the store alone can guess, and whoever looks for it must know first that there may be one.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::digest::{ApiKeyDigest, MacKey};
use crate::key_format::MAX_BYTES;

/// What a key of others is kept and looked up by: HMAC-SHA-256 with the server's secret.
pub fn digest(secret: &MacKey, key: &[u8]) -> ApiKeyDigest {
    ApiKeyDigest::from_bytes(secret.mac(&[b"keyward imported key", key]))
}

/// What stands in a digest's place until a key was shown of which only another's hash is known. No key has it, because it is
/// made of another kind of text.
pub fn placeholder(secret: &MacKey, id: &str) -> ApiKeyDigest {
    ApiKeyDigest::from_bytes(secret.mac(&[b"keyward unproven key", id.as_bytes()]))
}

/// Whether a text can be a key of others at all.
pub fn may_be(key: &[u8]) -> bool {
    !key.is_empty() && key.len() <= MAX_BYTES
}

/// Whether a key of others may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is not: what was shown is a guess.
    No,
    /// The store has one of this digest.
    Kept,
    /// There are some of which only another's hash is known, or another verifier is asked: it may be one of those.
    Unproven,
}

/// A key that somebody showed, on its way to where it is compared with hashes of others. Two are the same question if the
/// key and the place it came from are. Zeroed when dropped, never printed.
pub struct ShownKey {
    text: Zeroizing<Box<[u8]>>,
    digest: ApiKeyDigest,
    client: IpAddr,
}

impl ShownKey {
    pub(crate) fn new(text: &[u8], digest: ApiKeyDigest, client: IpAddr) -> Self {
        Self { text: Zeroizing::new(text.into()), digest, client: crate::address::canonical(client) }
    }

    /// The key, to be compared.
    pub fn expose(&self) -> &[u8] {
        &self.text
    }

    /// What it will be kept by.
    pub fn digest(&self) -> &ApiKeyDigest {
        &self.digest
    }

    /// Where it came from.
    pub fn client(&self) -> IpAddr {
        self.client
    }
}

impl PartialEq for ShownKey {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.client == other.client
    }
}

impl Eq for ShownKey {}

impl Hash for ShownKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
        self.client.hash(state);
    }
}

impl std::fmt::Debug for ShownKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShownKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_known_by_is_of_this_server_and_of_nothing_else() {
        let (one, other) = (MacKey::from_bytes([1; 32]), MacKey::from_bytes([2; 32]));
        assert_eq!(digest(&one, b"weak"), digest(&one, b"weak"));
        assert_ne!(digest(&one, b"weak"), digest(&other, b"weak"), "another server");
        assert_ne!(digest(&one, b"weak"), ApiKeyDigest::of(b"weak"), "a plain hash of a weak key");
        assert_ne!(digest(&one, b"key_1"), placeholder(&one, "key_1"), "the id of a key opens it");
        for (text, may) in
            [(&b""[..], false), (b"x", true), (&[b'x'; MAX_BYTES], true), (&[b'x'; MAX_BYTES + 1], false)]
        {
            assert_eq!(may_be(text), may, "{} bytes", text.len());
        }
    }

    #[test]
    fn what_was_shown_is_not_printed() {
        let shown = ShownKey::new(
            b"hunter2",
            digest(&MacKey::from_bytes([1; 32]), b"hunter2"),
            "::ffff:192.0.2.1".parse().unwrap(),
        );
        assert_eq!(format!("{shown:?}"), "ShownKey(…)");
        assert_eq!(shown.client().to_string(), "192.0.2.1");
    }
}
