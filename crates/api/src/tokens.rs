//! What issues tokens: the signing key in use, what tokens say, and how long they count.

use std::time::Duration;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;
use keyward_core::token::{Claims, TokenRules};
use keyward_engine::audit::Action;
use keyward_engine::people::NewRefreshToken;
use keyward_engine::ports::{JoinedSession, StoreError};
use keyward_engine::signing::{SigningKey, SigningKeyRecord, VerifyingKeys};
use zeroize::Zeroizing;

use crate::origin::Origin;
use crate::sealing::MasterKey;
use crate::service::Service;

/// How tokens are issued.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// How long an access token counts.
    pub expiration: Duration,
    /// How long a refresh token counts.
    pub refresh_expiration: Duration,
    /// How refresh tokens begin.
    pub refresh_prefix: String,
}

/// The keys of a server: one that signs, and all that verify.
#[derive(Debug)]
pub struct Keyring {
    /// What signs.
    pub signing: SigningKey,
    /// What verifies, for the JWK set.
    pub verifying: VerifyingKeys,
}

/// The signing keys of a store: the newest that the master key opens signs; where there is none, one is made.
/// Says whether one had to be made although there were some.
///
/// # Errors
/// The store, or randomness that makes no key.
pub async fn keyring(service: &Service, master: &MasterKey) -> Result<(Keyring, bool), StoreError> {
    let mut records = service.store.signing_keys().await?;
    let opened =
        records.iter().rev().filter(|record| record.retired_at.is_none()).find_map(|record| open(record, master));
    let lost = opened.is_none() && !records.is_empty();
    let signing = match opened {
        Some(signing) => signing,
        None => {
            let (signing, record) =
                new_key(service, master).ok_or_else(|| StoreError::Other("no signing key could be made".to_owned()))?;
            let event = Origin::system(service).event(Action::SigningKeyCreated, &record.id);
            let head = service.store.insert_signing_key(&record, &event).await?;
            // Before the first token is issued every core can check it.
            service.receipt(head, service.now()).await;
            records.push(record);
            signing
        }
    };
    Ok((Keyring { signing, verifying: VerifyingKeys::of(&records) }, lost))
}

fn purpose(id: &str) -> String {
    format!("keyward signing key {id}")
}

fn open(record: &SigningKeyRecord, master: &MasterKey) -> Option<SigningKey> {
    let seed = master.open(&purpose(&record.id), &record.sealed)?;
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_slice()).ok()?);
    SigningKey::from_seed(&record.id, &seed).filter(|key| key.public() == record.public)
}

/// Whether a master key opens the signing key that signs, so that it goes on signing.
pub fn opens(records: &[SigningKeyRecord], master: &MasterKey) -> bool {
    records.iter().rev().find(|record| record.retired_at.is_none()).is_some_and(|record| open(record, master).is_some())
}

fn new_key(service: &Service, master: &MasterKey) -> Option<(SigningKey, SigningKeyRecord)> {
    let mut seed = Zeroizing::new([0; 32]);
    service.random.fill(seed.as_mut_slice());
    let id = service.new_id("sig");
    let key = SigningKey::from_seed(&id, &seed)?;
    let record = SigningKeyRecord {
        public: key.public(),
        sealed: master.seal(&purpose(&id), seed.as_slice(), &*service.random)?,
        created_at: service.now().wall,
        retired_at: None,
        id,
    };
    Some((key, record))
}

/// An access token of a session, with the scopes that its user's roles give now, and the seconds that it counts for.
pub fn access_token(
    service: &Service,
    keyring: &Keyring,
    rules: &TokenRules,
    held: &JoinedSession,
    scopes: &ScopeSet,
    now: Timestamp,
) -> (String, u64) {
    let lifetime = service.configuration().issuing.expiration.as_secs();
    let iat = now.as_millis().div_euclid(1000);
    let claims = Claims {
        iss: rules.issuer.to_string(),
        aud: rules.audience.to_string(),
        sub: held.user.id.to_string(),
        sid: held.session.id.to_string(),
        jti: service.new_id("tok").to_string(),
        scope: scopes.to_list(),
        exp: iat.saturating_add_unsigned(lifetime),
        iat,
        nbf: iat,
    };
    (keyring.signing.sign(&rules.typ, &claims), lifetime)
}

/// A refresh token, and what is kept of it.
pub fn refresh_token(service: &Service, now: Timestamp) -> (ApiKeySecret, NewRefreshToken) {
    let mut random = [0; 24];
    service.random.fill(&mut random);
    let issuing = &service.configuration().issuing;
    let secret = ApiKeySecret::assemble(&issuing.refresh_prefix, &random, &service.tag_key);
    let kept = NewRefreshToken {
        digest: ApiKeyDigest::of(secret.expose().as_bytes()),
        created_at: now,
        expires_at: now.after(issuing.refresh_expiration),
    };
    (secret, kept)
}
