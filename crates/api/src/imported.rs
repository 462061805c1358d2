//! Keys that other programs made, on the way of requests: found by our own digest, or by the other program's hash until they
//! are shown for the first time. A guess costs whoever guesses: nothing is asked of the store for it, and it counts as wrong.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use keyward_core::decision::{Fault, Throttled, ThrottledBy};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::strange::StrangeKey;
use keyward_engine::audit::Action;
use keyward_engine::change::KeyChange;
use keyward_engine::node::FILL;
use keyward_engine::people::PasswordHash;
use keyward_engine::ports::{Checked, Held, StoreError};

use crate::failure::Kind;
use crate::origin::Origin;
use crate::passwords::{CROWDED_RETRY, Password};
use crate::service::Service;
use crate::throttle::{self, Attempt};

/// How many keys may be known by a slow hash alone: each of them is tried for a key that nobody knows.
pub const MOST_SLOW: usize = 64;

/// The keys of other programs that this server knows.
#[derive(Default)]
pub struct Imported(RwLock<Known>);

#[derive(Default)]
struct Known {
    digests: HashSet<ApiKeyDigest>,
    /// The id of each key, and the hash of it.
    slow: Vec<(Box<str>, PasswordHash)>,
}

impl Imported {
    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        !known.digests.is_empty() || !known.slow.is_empty()
    }

    fn has(&self, digest: &ApiKeyDigest) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).digests.contains(digest)
    }

    fn slow(&self) -> Vec<(Box<str>, PasswordHash)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).slow.clone()
    }

    fn recognised(&self, id: &str, digest: ApiKeyDigest) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.slow.retain(|(slow, _)| **slow != *id);
        known.digests.insert(digest);
    }
}

/// Reads which keys of other programs there are; from then on cores ask about such keys, if there are any.
///
/// # Errors
/// The store does not answer; what was known before goes on.
pub async fn load(service: &Service) -> Result<(), StoreError> {
    let mut known = Known::default();
    for key in service.store.imported_keys().await? {
        match key.hash {
            Some(hash) => known.slow.push((key.id, hash)),
            None => _ = known.digests.insert(key.digest),
        }
    }
    let any = !known.digests.is_empty() || !known.slow.is_empty();
    *service.imported.0.write().unwrap_or_else(PoisonError::into_inner) = known;
    if let Some(refresher) = &service.refresher {
        refresher.ask_about_strange_keys(any);
    }
    Ok(())
}

/// Whether a key that was not made here is known all the same.
pub(crate) async fn find(service: &Service, key: Arc<StrangeKey>) -> Result<Checked, Fault> {
    if service.imported.has(key.digest()) {
        return kept(service, key.digest()).await;
    }
    let origin = Origin { actor: "stranger".into(), client: Some(key.client()), ..Origin::system(service) };
    let attempt = Attempt { client: origin.client, subject: None };
    for (id, hash) in service.imported.slow() {
        if let Some(throttled) = throttle::held(service, attempt) {
            return Ok(Checked::Throttled(throttled));
        }
        let turn = match service.passwords.turn(origin.client).await {
            Ok(turn) => turn,
            Err(crowded) if crowded.kind == Kind::Unavailable => return Err(Fault::Busy),
            Err(_) => {
                return Ok(Checked::Throttled(Throttled { by: ThrottledBy::Address, retry_after: CROWDED_RETRY }));
            }
        };
        let shown = Password::from(key.expose().to_owned());
        if service.passwords.verify(turn, shown, Some(hash)).await.map_err(|_| Fault::Busy)? {
            recognise(service, &id, &key, &origin).await.map_err(|error| Fault::from(&error))?;
            return kept(service, key.digest()).await;
        }
    }
    if let Some(throttled) = throttle::held(service, attempt) {
        return Ok(Checked::Throttled(throttled));
    }
    throttle::wrong(service, attempt);
    Ok(Checked::Wrong)
}

/// From now on the key is found by our own digest, and the other program's hash is gone.
async fn recognise(service: &Service, id: &str, key: &StrangeKey, origin: &Origin) -> Result<(), StoreError> {
    let event = Origin { actor: id.into(), ..origin.clone() }.event(Action::KeyRecognised, id);
    service.store.change_api_key(id, None, &KeyChange::Recognise(*key.digest()), &event).await?;
    service.imported.recognised(id, *key.digest());
    Ok(())
}

/// The key as the store has it now; the answer must not be older than [`FILL`].
async fn kept(service: &Service, digest: &ApiKeyDigest) -> Result<Checked, Fault> {
    let begun = service.now().monotonic;
    let found = match tokio::time::timeout(FILL, service.store.find(&[*digest])).await {
        Ok(Ok(found)) if service.now().monotonic.since(begun) <= FILL => found,
        Ok(Err(error)) => return Err(Fault::from(&error)),
        Ok(Ok(_)) | Err(_) => return Err(Fault::Timeout),
    };
    Ok(match found.keys.into_iter().next().flatten() {
        Some(joined) => Checked::Right(found.head, Held::ApiKey(Box::new(joined))),
        None => Checked::Wrong,
    })
}
