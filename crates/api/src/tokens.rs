//! What issues tokens: the signing key in use, what tokens say, and how long they count.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyward_core::algorithm::Algorithm;
use keyward_core::api_key::Owner;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::rules::Rules;
use keyward_core::time::Timestamp;
use keyward_core::token::{Claims, MAX_BYTES};
use keyward_engine::audit::Action;
use keyward_engine::people::NewRefreshToken;
use keyward_engine::ports::{JoinedSession, StoreError};
use keyward_engine::signing::{SigningKey, SigningKeyRecord};
use tokio::sync::Mutex;

use crate::opener::Opener;
use crate::origin::Origin;
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

/// What signs: a key of the configured algorithm, for as long as it counts; then another.
pub struct Signing {
    algorithm: Algorithm,
    current: RwLock<Arc<SigningKey>>,
    /// Held by whoever looks for another key, so that not each of many makes one.
    turning: Mutex<()>,
}

impl Signing {
    /// Finds what signs: the configured secret, else the newest key of the algorithm that can be opened; where there is none,
    /// one is made. The others go on checking. Says whether one had to be made although there were some.
    ///
    /// # Errors
    /// The store, or randomness that makes no key.
    pub async fn open(service: &Service, algorithm: Algorithm) -> Result<(Self, bool), StoreError> {
        let (key, lost) = newest(service, algorithm).await?;
        Ok((Self { algorithm, current: RwLock::new(Arc::new(key)), turning: Mutex::new(()) }, lost))
    }

    /// The key that signs now. One that was retired since signs no more: nobody would take its tokens.
    ///
    /// # Errors
    /// It is retired, and the store gives no other.
    pub async fn key(&self, service: &Service) -> Result<Arc<SigningKey>, StoreError> {
        let counts = |key: &SigningKey| {
            service.refresher.as_ref().is_none_or(|refresher| refresher.signing_keys().has(key.id()))
        };
        let current = self.current();
        if counts(&current) {
            return Ok(current);
        }
        let _turning = self.turning.lock().await;
        let current = self.current();
        if counts(&current) {
            return Ok(current);
        }
        let next = Arc::new(newest(service, self.algorithm).await?.0);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        Ok(next)
    }

    fn current(&self) -> Arc<SigningKey> {
        // A panic elsewhere leaves it whole: it is replaced by one assignment.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn newest(service: &Service, algorithm: Algorithm) -> Result<(SigningKey, bool), StoreError> {
    let records = service.store.signing_keys().await?;
    let opener = &service.opener;
    let (found, some) = usable(opener, &records, algorithm);
    if let Some(key) = found {
        return Ok((key, false));
    }
    let made = opener.make(service.new_id("sig"), algorithm, &*service.random, service.now().wall);
    let (key, record) = made.ok_or_else(|| StoreError::Other("no signing key could be made".to_owned()))?;
    let mut event = Origin::system(service).event(Action::SigningKeyCreated, &record.id);
    event.detail.push(("algorithm", algorithm.name().into()));
    let head = service.store.insert_signing_key(&record, &event).await?;
    // Before the first token is issued every core can check it.
    service.receipt(head, service.now()).await;
    Ok((key, some))
}

/// What can sign with an algorithm, and whether there are keys of it that count at all.
fn usable(opener: &Opener, records: &[SigningKeyRecord], algorithm: Algorithm) -> (Option<SigningKey>, bool) {
    let counting = || records.iter().rev().filter(|one| one.retired_at.is_none() && one.algorithm == algorithm);
    let found = opener.configured(algorithm).or_else(|| counting().find_map(|record| opener.open(record)));
    (found, counting().next().is_some())
}

/// An access token of a session, with the scopes that its user's roles give now, and the seconds that it counts for. `None`:
/// they are too many for a token that anybody would read, or it cannot be signed.
pub fn access_token(
    service: &Service,
    key: &SigningKey,
    rules: &Rules,
    held: &JoinedSession,
    now: Timestamp,
) -> Option<(String, u64)> {
    let lifetime = service.configuration().issuing.expiration.as_secs();
    let iat = now.as_millis().div_euclid(1000);
    let claims = Claims {
        iss: rules.tokens.issuer.to_string(),
        aud: rules.tokens.audience.to_string(),
        sub: held.user.id.to_string(),
        sid: held.session.id.to_string(),
        jti: service.new_id("tok").to_string(),
        scope: scopes(rules, &held.user),
        exp: iat.saturating_add_unsigned(lifetime),
        iat,
        nbf: iat,
    };
    let token = key.sign(&rules.tokens.typ, &claims)?;
    (token.len() <= MAX_BYTES).then_some((token, lifetime))
}

/// Whether the scopes that a user's roles give fit into a token.
pub fn fits(rules: &Rules, user: &Owner) -> bool {
    scopes(rules, user).len() <= rules.tokens.room_for_scopes()
}

fn scopes(rules: &Rules, user: &Owner) -> String {
    rules.scopes_of_roles(user.roles.iter().map(AsRef::as_ref)).as_list().to_owned()
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
