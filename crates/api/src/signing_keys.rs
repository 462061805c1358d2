//! The keys that sign tokens: listed, made to follow each other, and retired, by hand and by age.

pub mod jwks;
pub mod opener;
pub mod sealing;

use std::sync::Arc;
use std::time::Duration;

use keyward_engine::audit::Action;
use keyward_engine::people::Changed;
use keyward_engine::ports::StoreError;
use keyward_engine::signing::SigningKeyRecord;
use keyward_engine::signing::turnover::{Due, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::rfc3339;
use crate::origin::Origin;
use crate::service::Service;
use crate::sessions::tokens::make_key;
use crate::view::{Listing, ReceiptView};

/// How often it is looked at whether a key is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A signing key as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SigningKeyView {
    /// `sig_…`, the `kid` of tokens.
    pub id: String,
    /// How it signs.
    pub algorithm: String,
    /// `announced`, `active`, `checking` or `retired`.
    pub status: String,
    /// When it was made.
    pub created_at: String,
    /// From when on it signs.
    pub active_at: String,
    /// Since when nothing that it signed counts.
    pub retired_at: Option<String>,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedSigningKey {
    /// The key as it is now.
    #[serde(flatten)]
    pub view: SigningKeyView,
    /// Which nodes know.
    pub receipt: ReceiptView,
}

fn view(service: &Service, key: &SigningKeyRecord, kept: &[SigningKeyRecord]) -> SigningKeyView {
    let turnover = service.configuration().issuing.turnover;
    let signs_itself = service.opener.configured(turnover.algorithm).is_some();
    let stage = match turnover.stage(key, kept, service.now().wall) {
        // The secret in the configuration signs in its place.
        Stage::Active if signs_itself => Stage::Checking,
        stage => stage,
    };
    SigningKeyView {
        id: key.id.to_string(),
        algorithm: key.algorithm.name().to_owned(),
        status: stage.as_str().to_owned(),
        created_at: rfc3339(key.created_at),
        active_at: rfc3339(key.active_at),
        retired_at: key.retired_at.map(rfc3339),
    }
}

/// Every key that is kept, newest first.
///
/// # Errors
/// The store's.
pub async fn list(service: &Service) -> Result<Listing<SigningKeyView>, Failure> {
    let kept = service.store.signing_keys().await?;
    Ok(Listing { data: kept.iter().rev().map(|key| view(service, key, &kept)).collect(), next_cursor: None })
}

/// Makes the next key: announced, or signing at once.
///
/// # Errors
/// One is announced already, or a secret in the configuration signs.
pub async fn rotate(service: &Service, at_once: bool, origin: &Origin) -> Result<ChangedSigningKey, Failure> {
    let turnover = service.configuration().issuing.turnover;
    if service.opener.configured(turnover.algorithm).is_some() {
        return Err(conflict("the secret in security.jwt.secret signs; put another one there and restart"));
    }
    let (kept, now) = (service.store.signing_keys().await?, service.now().wall);
    let announced = kept.iter().find(|key| turnover.stage(key, &kept, now) == Stage::Announced);
    if let Some(announced) = announced.filter(|_| !at_once) {
        let message = format!("{} is announced and signs from {} on", announced.id, rfc3339(announced.active_at));
        return Err(conflict(&format!("{message}; --now brings in another one at once")));
    }
    let active_at = if at_once { now } else { now.after(turnover.notice()) };
    let (_, record) = make_key(service, active_at, origin).await?;
    look_again(service);
    keep_signing(service).await;
    let kept = service.store.signing_keys().await?;
    let receipt = ReceiptView { nodes: Vec::new() };
    Ok(ChangedSigningKey { view: view(service, &record, &kept), receipt })
}

/// Retires a key: nothing that it signed counts from then on. Where it signs, another one takes over at once.
///
/// # Errors
/// There is no such key.
pub async fn retire(service: &Service, id: &str, origin: &Origin) -> Result<ChangedSigningKey, Failure> {
    let Some((key, receipt)) = let_go(service, id, origin).await? else {
        return Err(Failure { kind: Kind::NotFound, message: format!("there is no signing key {id:?}") });
    };
    let kept = service.store.signing_keys().await?;
    Ok(ChangedSigningKey { view: view(service, &key, &kept), receipt })
}

async fn let_go(
    service: &Service,
    id: &str,
    origin: &Origin,
) -> Result<Option<(SigningKeyRecord, ReceiptView)>, StoreError> {
    let event = origin.event(Action::SigningKeyRetired, id);
    match service.store.retire_signing_key(id, origin.at, &event).await? {
        Changed::NotFound | Changed::Refused(_) => Ok(None),
        Changed::Done(head, key) => {
            look_again(service);
            let receipt = service.receipt(head, service.now()).await;
            keep_signing(service).await;
            Ok(Some((key, receipt)))
        }
    }
}

fn look_again(service: &Service) {
    if let Some(signing) = service.signing.get() {
        signing.look_again();
    }
}

/// Has the key at hand that signs now: whoever forwards requests does not wait for it.
async fn keep_signing(service: &Service) {
    if let Some(signing) = service.signing.get() {
        // What fails is tried again in a moment.
        let _ = signing.key(service).await;
    }
}

fn conflict(message: &str) -> Failure {
    Failure { kind: Kind::Conflict, message: message.to_owned() }
}

/// Announces and retires keys by their age for as long as the server runs. What fails is tried again.
pub async fn run(service: Arc<Service>) {
    loop {
        let _ = turn(&service).await;
        keep_signing(&service).await;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn turn(service: &Service) -> Result<(), StoreError> {
    let turnover = service.configuration().issuing.turnover;
    if service.opener.configured(turnover.algorithm).is_some() {
        return Ok(());
    }
    let kept = service.store.signing_keys().await?;
    for due in turnover.due(&kept, service.now().wall) {
        let origin = Origin::system(service);
        match due {
            Due::Announce(active_at) => {
                make_key(service, active_at, &origin).await?;
                look_again(service);
            }
            Due::Retire(id) => {
                let_go(service, &id, &origin).await?;
            }
        }
    }
    Ok(())
}
