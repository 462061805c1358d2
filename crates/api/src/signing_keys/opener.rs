//! What opens signing keys: the master key for those that a store keeps, and the secret that a configuration gives.

use keyward_core::algorithm::Algorithm;
use keyward_core::digest::MacKey;
use keyward_core::time::Timestamp;
use keyward_engine::ports::Random;
use keyward_engine::signing::{SigningKey, SigningKeyRecord, VerifyingKey, VerifyingKeys, VerifyingSource, new_secret};
use zeroize::Zeroizing;

use crate::hex::hex;
use crate::signing_keys::sealing::MasterKey;

/// Opens signing keys, as far as it can.
#[derive(Debug, Default)]
pub struct Opener {
    master: Option<MasterKey>,
    configured: Option<Configured>,
}

/// A secret for HS256 that stands in the configuration, and nowhere else.
struct Configured {
    id: Box<str>,
    secret: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Configured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Configured({}, …)", self.id)
    }
}

impl Opener {
    /// By a master key; without one, symmetric keys of the store check nothing.
    pub fn new(master: Option<MasterKey>) -> Self {
        Self { master, configured: None }
    }

    /// With a secret of the configuration. Its name is a digest with the store's own key, so that nobody who sees it in a
    /// token can try secrets on it.
    #[must_use]
    pub fn with_secret(self, secret: &str, tag_key: &MacKey) -> Self {
        let digest = tag_key.mac(&[b"name of the secret that signs tokens", secret.as_bytes()]);
        let id = format!("sig_{}", hex(&digest)).into();
        Self { configured: Some(Configured { id, secret: Zeroizing::new(secret.as_bytes().to_vec()) }), ..self }
    }

    /// The key in the configuration that signs with an algorithm.
    pub fn configured(&self, algorithm: Algorithm) -> Option<SigningKey> {
        let configured = self.configured.as_ref().filter(|_| algorithm == Algorithm::Hs256)?;
        SigningKey::read(&configured.id, algorithm, &configured.secret)
    }

    /// The private half of a kept key.
    pub fn open(&self, record: &SigningKeyRecord) -> Option<SigningKey> {
        let key = SigningKey::read(&record.id, record.algorithm, &self.secret_of(record)?)?;
        (key.public() == record.public).then_some(key)
    }

    /// Whether it opens the newest of the keys that count, so that this goes on signing.
    pub fn opens_newest(&self, kept: &[SigningKeyRecord]) -> bool {
        let newest = kept.iter().rev().find(|record| record.retired_at.is_none());
        newest.is_some_and(|record| self.open(record).is_some())
    }

    /// Seals another secret for one purpose; `None` without a master key.
    pub fn seal(&self, purpose: &str, secret: &[u8], random: &dyn Random) -> Option<Box<[u8]>> {
        self.master.as_ref()?.seal(purpose, secret, random)
    }

    /// Opens what [`Opener::seal`] sealed for that purpose.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.master.as_ref()?.open(purpose, sealed)
    }

    /// A new key, and what is kept of it.
    pub fn make(
        &self,
        id: Box<str>,
        algorithm: Algorithm,
        random: &dyn Random,
        (created_at, active_at): (Timestamp, Timestamp),
    ) -> Option<(SigningKey, SigningKeyRecord)> {
        let secret = new_secret(algorithm, random)?;
        let key = SigningKey::read(&id, algorithm, &secret)?;
        let sealed = self.master.as_ref()?.seal(&purpose(&id, algorithm), &secret, random)?;
        let public = key.public();
        Some((key, SigningKeyRecord { id, algorithm, public, sealed, created_at, active_at, retired_at: None }))
    }

    fn secret_of(&self, record: &SigningKeyRecord) -> Option<Zeroizing<Vec<u8>>> {
        self.master.as_ref()?.open(&purpose(&record.id, record.algorithm), &record.sealed)
    }
}

impl VerifyingSource for Opener {
    fn verifying(&self, kept: &[SigningKeyRecord]) -> VerifyingKeys {
        let mut keys = VerifyingKeys::of(kept, |record| self.secret_of(record));
        let configured = self.configured.as_ref().and_then(|one| VerifyingKey::secret(&one.id, &one.secret));
        configured.into_iter().for_each(|key| keys.push(key));
        keys
    }
}

/// What a secret is sealed for: one key, and one way of signing. The first of them came before there were others.
fn purpose(id: &str, algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::EdDsa => format!("keyward signing key {id}"),
        other => format!("keyward signing key {id} for {}", other.name()),
    }
}

#[cfg(test)]
mod tests;
