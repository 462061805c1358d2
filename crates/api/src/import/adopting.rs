//! Keys that nobody here knows: another verifier is asked until a stated date, and what it accepts is kept.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::decision::Fault;
use keyward_core::imported::ShownKey;
use keyward_engine::audit::Action;
use keyward_engine::ports::{ImportedKey, Told, Verifiers};
use tokio::sync::Semaphore;

use crate::actor::Actor;
use crate::failure::Failure;
use crate::in_force::Adopting;
use crate::keys::{self, NewKey};
use crate::origin::Origin;
use crate::service::Service;
use crate::told::said_of;

/// How many questions to the other verifier run at once, and for how long each may.
const AT_ONCE: usize = 32;
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks another verifier, a few questions at a time.
pub(crate) struct Adopter {
    verifiers: Arc<dyn Verifiers>,
    turns: Semaphore,
}

impl Adopter {
    pub(crate) fn new(verifiers: Arc<dyn Verifiers>) -> Self {
        Self { verifiers, turns: Semaphore::new(AT_ONCE) }
    }

    /// Whether the other verifier accepts it; it is kept then. Nobody is asked after the stated date.
    ///
    /// # Errors
    /// It could not be told: too many ask, or the other verifier did not answer.
    pub(crate) async fn adopt(&self, service: &Service, shown: &ShownKey) -> Result<bool, Fault> {
        let configuration = service.configuration();
        let now = service.now().wall;
        let Some(adopting) = configuration.adopting.as_ref().filter(|_| configuration.rules.guarding.is_adopting(now))
        else {
            return Ok(false);
        };
        let _turn = self.turns.try_acquire().map_err(|_| Fault::Busy)?;
        let asked = self.verifiers.ask(&adopting.url, &adopting.header, shown.expose());
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Some(Told::Accepted)) => keep(service, adopting, shown).await.map(|()| true).map_err(|_| Fault::Store),
            Ok(Some(Told::Refused)) => Ok(false),
            Ok(None) | Err(_) => Err(Fault::Verifier),
        }
    }
}

async fn keep(service: &Service, adopting: &Adopting, shown: &ShownKey) -> Result<(), Failure> {
    let new = NewKey {
        name: "adopted".to_owned(),
        owner: adopting.owner.clone(),
        scopes: adopting.scopes.clone(),
        ..NewKey::default()
    };
    let joined = keys::draft(service, Actor::Operator, &new, (service.new_id("key"), "", *shown.digest())).await?;
    let origin = Origin { client: Some(shown.client()), ..Origin::system(service) };
    let mut event = origin.event(Action::KeyAdopted, &joined.key.id);
    event.detail = said_of(&joined.key, &joined.metadata);
    let key = ImportedKey { key: joined.key, mark: *shown.digest().as_bytes(), begins: "".into(), hash: None };
    match service.store.import_api_key(&key, &event).await {
        Ok(_) => Ok(()),
        // Somebody else showed it in the same moment.
        Err(_) if service.store.is_imported(&key.mark).await? => Ok(()),
        Err(error) => Err(error.into()),
    }
}
