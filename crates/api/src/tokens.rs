//! What issues tokens: the signing key in use, what tokens say, and how long they count.

use std::time::Duration;

use keyward_core::algorithm::Algorithm;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;
use keyward_core::token::{Claims, TokenRules};
use keyward_engine::audit::Action;
use keyward_engine::people::NewRefreshToken;
use keyward_engine::ports::{JoinedSession, StoreError};
use keyward_engine::signing::{SigningKey, VerifyingKeys, VerifyingSource as _};

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

/// The keys of a server: one that signs, and all that verify.
#[derive(Debug)]
pub struct Keyring {
    /// What signs.
    pub signing: SigningKey,
    /// What verifies, for the JWK set.
    pub verifying: VerifyingKeys,
}

/// The signing keys of a store. One of the algorithm signs: the configured secret, else the newest that can be opened; where
/// there is none, one is made. The others go on checking. Says whether one had to be made although there were some.
///
/// # Errors
/// The store, or randomness that makes no key.
pub async fn keyring(service: &Service, algorithm: Algorithm) -> Result<(Keyring, bool), StoreError> {
    let mut records = service.store.signing_keys().await?;
    let opener = &service.opener;
    let mut fitting =
        records.iter().rev().filter(|record| record.retired_at.is_none() && record.algorithm == algorithm).peekable();
    let some = fitting.peek().is_some();
    let found = opener.configured(algorithm).or_else(|| fitting.find_map(|record| opener.open(record)));
    let lost = some && found.is_none();
    let signing = match found {
        Some(signing) => signing,
        None => {
            let made = opener.make(service.new_id("sig"), algorithm, &*service.random, service.now().wall);
            let (signing, record) = made.ok_or_else(|| StoreError::Other("no signing key could be made".to_owned()))?;
            let mut event = Origin::system(service).event(Action::SigningKeyCreated, &record.id);
            event.detail.push(("algorithm", algorithm.name().into()));
            let head = service.store.insert_signing_key(&record, &event).await?;
            // Before the first token is issued every core can check it.
            service.receipt(head, service.now()).await;
            records.push(record);
            signing
        }
    };
    Ok((Keyring { signing, verifying: opener.verifying(&records) }, lost))
}

/// An access token of a session, with the scopes that its user's roles give now, and the seconds that it counts for; `None`
/// where it cannot be signed.
pub fn access_token(
    service: &Service,
    keyring: &Keyring,
    rules: &TokenRules,
    held: &JoinedSession,
    scopes: &ScopeSet,
    now: Timestamp,
) -> Option<(String, u64)> {
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
    Some((keyring.signing.sign(&rules.typ, &claims)?, lifetime))
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
