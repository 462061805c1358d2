//! Keys of others that come with requests: found by what was kept of them, and kept as our own are from then on.

use std::sync::Arc;

use keyward_core::decision::{Fault, Throttled, ThrottledBy};
use keyward_core::imported::ShownKey;
use keyward_engine::audit::Action;
use keyward_engine::node::FILL;
use keyward_engine::ports::{Answer, Checked, Held, Provers, Proving, Verifiers};

use crate::failure::Kind;
use crate::import::adopting::Adopter;
use crate::import::hashes::Peppers;
use crate::origin::Origin;
use crate::service::Service;
use crate::sign_in::passwords::{CROWDED_RETRY, Password};
use crate::sign_in::throttle::{self, Attempt};

/// Compares keys with hashes of others, for the cores.
pub struct KeyProvers(Arc<Plane>);

struct Plane {
    service: Arc<Service>,
    adopter: Adopter,
}

impl KeyProvers {
    /// By the keys of a service, and another verifier where the configuration names one.
    pub fn new(service: Arc<Service>, verifiers: Arc<dyn Verifiers>) -> Self {
        Self(Arc::new(Plane { service, adopter: Adopter::new(verifiers) }))
    }
}

impl Provers for KeyProvers {
    fn prove(&self, shown: Arc<ShownKey>) -> Proving {
        let plane = Arc::clone(&self.0);
        Box::pin(async move { prove(&plane, &shown).await })
    }
}

async fn prove(Plane { service, adopter }: &Plane, shown: &ShownKey) -> Result<Checked, Fault> {
    let attempt = Attempt { client: Some(shown.client()), subject: None };
    if let Some(throttled) = throttle::held(service, attempt) {
        return Ok(Checked::Throttled(throttled));
    }
    // Somebody else may have shown it a moment ago.
    let kept = kept(service, shown).await?;
    if let Checked::Right(..) = kept {
        return Ok(kept);
    }
    let peppers = Peppers::load(service).await.map_err(|_| Fault::Store)?;
    let found = within(service.store.imported_by(&peppers.lookups(shown.expose()))).await?;
    let found = match found {
        Some(id) => Some(id),
        None => match slow(service, shown).await? {
            Ok(found) => found,
            Err(throttled) => return Ok(Checked::Throttled(throttled)),
        },
    };
    let Some(id) = found else {
        if adopter.adopt(service, shown).await? {
            return self::kept(service, shown).await;
        }
        throttle::wrong(service, attempt);
        return Ok(Checked::Wrong);
    };
    let origin = Origin { client: Some(shown.client()), ..Origin::system(service) };
    let event = origin.event(Action::KeyProven, &id);
    within(service.store.prove_imported(&id, shown.digest(), &event)).await?;
    self::kept(service, shown).await
}

/// The key as it is kept by now, if it is.
async fn kept(service: &Service, shown: &ShownKey) -> Result<Checked, Fault> {
    let found = within(service.store.find(std::slice::from_ref(shown.digest()))).await?;
    let joined = found.keys.into_iter().next().flatten();
    Ok(joined.map_or(Checked::Wrong, |joined| Checked::Right(found.head, Held::ApiKey(Box::new(joined)))))
}

/// Which of those it is that only a slow hash is known of; each look takes its turn among passwords.
async fn slow(service: &Service, shown: &ShownKey) -> Result<Result<Option<Box<str>>, Throttled>, Fault> {
    let Ok(text) = std::str::from_utf8(shown.expose()) else { return Ok(Ok(None)) };
    let hashed = within(service.store.hashed_keys()).await?;
    for candidate in hashed.into_iter().filter(|key| text.starts_with(&*key.begins)) {
        let turn = match service.passwords.turn(Some(shown.client())).await {
            Ok(turn) => turn,
            Err(crowded) if crowded.kind == Kind::Unavailable => return Err(Fault::Busy),
            Err(_) => return Ok(Err(Throttled { by: ThrottledBy::Address, retry_after: CROWDED_RETRY })),
        };
        let password = Password::from(text.to_owned());
        let is_it = service.passwords.verify(turn, password, Some(candidate.hash)).await.map_err(|_| Fault::Busy)?;
        if is_it {
            return Ok(Ok(Some(candidate.id)));
        }
    }
    Ok(Ok(None))
}

/// What a store says in time.
async fn within<T>(answer: Answer<'_, T>) -> Result<T, Fault> {
    match tokio::time::timeout(FILL, answer).await {
        Ok(Ok(said)) => Ok(said),
        Ok(Err(error)) => Err(Fault::from(&error)),
        Err(_) => Err(Fault::Timeout),
    }
}
