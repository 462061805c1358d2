//! Keys that were not made here and that somebody else may know: how one that was shown travels to where that is looked up.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::digest::ApiKeyDigest;
use crate::scheme::Presented;

/// The longest one, in bytes: longer ones are nobody's.
pub const BYTES: usize = 1024;

/// A key that somebody showed. Two are the same question if the key and the place it came from are. Zeroed when dropped, never
/// printed.
pub struct StrangeKey {
    text: Zeroizing<String>,
    digest: ApiKeyDigest,
    client: IpAddr,
}

impl StrangeKey {
    /// `None`: it is too long, or no text.
    pub(crate) fn read(presented: Presented<'_>, digest: ApiKeyDigest, client: IpAddr) -> Option<Self> {
        let text = std::str::from_utf8(presented.expose()).ok().filter(|text| text.len() <= BYTES)?;
        Some(Self { text: Zeroizing::new(text.to_owned()), digest, client: crate::address::canonical(client) })
    }

    /// The key, to be compared.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What memory will know it by.
    pub fn digest(&self) -> &ApiKeyDigest {
        &self.digest
    }

    /// Where it came from.
    pub fn client(&self) -> IpAddr {
        self.client
    }
}

impl PartialEq for StrangeKey {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.client == other.client
    }
}

impl Eq for StrangeKey {}

impl Hash for StrangeKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
        self.client.hash(state);
    }
}

impl std::fmt::Debug for StrangeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StrangeKey(…)")
    }
}
