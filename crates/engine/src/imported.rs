//! Keys that other programs made, as a store tells of them.

use keyward_core::digest::ApiKeyDigest;

use crate::people::PasswordHash;

/// A key that another program made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedKey {
    /// The key's id.
    pub id: Box<str>,
    /// Its digest; of one that was never shown here a random one.
    pub digest: ApiKeyDigest,
    /// Until it is shown for the first time: the other program's hash of it.
    pub hash: Option<PasswordHash>,
}
