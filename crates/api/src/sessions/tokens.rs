//! What issues tokens: the signing key in use, what tokens say, and how long they count.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyward_core::algorithm::Algorithm;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::rules::Rules;
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;
use keyward_core::token::{Claims, MAX_BYTES};
use keyward_engine::audit::Action;
use keyward_engine::people::NewRefreshToken;
use keyward_engine::ports::{JoinedSession, StoreError};
use keyward_engine::signing::turnover::Turnover;
use keyward_engine::signing::{SigningKey, SigningKeyRecord, SignsNow};
use tokio::sync::Mutex;

use crate::fields::rfc3339;
use crate::origin::Origin;
use crate::service::Service;

/// How tokens are issued.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// How long an access token counts.
    pub expiration: Duration,
    /// How long a refresh token counts.
    pub refresh_expiration: Duration,
    /// Which keys sign, and how they follow each other.
    pub turnover: Turnover,
    /// How refresh tokens begin.
    pub refresh_prefix: String,
    /// Whether those of clients carry on without the pair.
    pub refresh_without_secret: bool,
}

/// What signs: a key of the configured algorithm, for as long as it counts; then another.
pub struct Signing {
    algorithm: Algorithm,
    current: RwLock<Current>,
    /// Held by whoever looks for another key, so that not each of many makes one.
    turning: Mutex<()>,
}

/// The key that signs, and until when: then an announced one takes over.
#[derive(Clone)]
struct Current {
    key: Arc<SigningKey>,
    until: Option<Timestamp>,
}

impl Signing {
    /// Finds what signs: the configured secret, else the newest key of the algorithm that can be opened; where there is none,
    /// one is made. The others go on checking. Says whether one had to be made although there were some.
    ///
    /// # Errors
    /// The store, or randomness that makes no key.
    pub async fn open(service: &Service, algorithm: Algorithm) -> Result<(Self, bool), StoreError> {
        let (current, lost) = newest(service, algorithm).await?;
        Ok((Self { algorithm, current: RwLock::new(current), turning: Mutex::new(()) }, lost))
    }

    /// The key that signs now: until an announced one takes over, or until it is retired, when nobody would take its tokens.
    ///
    /// # Errors
    /// Another one must sign, and the store gives none.
    pub async fn key(&self, service: &Service) -> Result<Arc<SigningKey>, StoreError> {
        if let Some(key) = self.known(service) {
            return Ok(key);
        }
        let _turning = self.turning.lock().await;
        if let Some(key) = self.known(service) {
            return Ok(key);
        }
        let next = newest(service, self.algorithm).await?.0;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next.clone();
        Ok(next.key)
    }

    /// The key that signs now, as far as that is known without asking the store.
    fn known(&self, service: &Service) -> Option<Arc<SigningKey>> {
        let current = self.current();
        self.signs(&current, service).then_some(current.key)
    }

    fn signs(&self, current: &Current, service: &Service) -> bool {
        let (now, id) = (service.now().wall, current.key.id());
        current.until.is_none_or(|until| now < until)
            && service.refresher.as_ref().is_none_or(|refresher| refresher.signing_keys().has(id))
    }

    /// Keys were made or retired: which one signs is looked up before the next token.
    pub fn look_again(&self) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.until = Some(Timestamp::from_millis(i64::MIN));
    }

    fn current(&self) -> Current {
        // A panic elsewhere leaves it whole: it is replaced by one assignment.
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SignsNow for Service {
    fn signs_now(&self) -> Option<Arc<SigningKey>> {
        self.signing.get()?.known(self)
    }
}

async fn newest(service: &Service, algorithm: Algorithm) -> Result<(Current, bool), StoreError> {
    let records = service.store.signing_keys().await?;
    let now = service.now().wall;
    let turnover = Turnover { algorithm, ..service.configuration().issuing.turnover };
    if let Some(key) = service.opener.configured(algorithm) {
        return Ok((Current { key: Arc::new(key), until: None }, false));
    }
    let signing = turnover.signing(&records, now);
    if let Some(key) = signing.iter().find_map(|record| service.opener.open(record)) {
        return Ok((Current { key: Arc::new(key), until: turnover.changes_at(&records, now) }, false));
    }
    let (key, _) = make_key(service, now, &Origin::system(service)).await?;
    Ok((Current { key: Arc::new(key), until: None }, !signing.is_empty()))
}

/// Makes a key that signs from a time on; every core can check what it signs before this returns.
pub(crate) async fn make_key(
    service: &Service,
    active_at: Timestamp,
    origin: &Origin,
) -> Result<(SigningKey, SigningKeyRecord), StoreError> {
    let algorithm = service.configuration().issuing.turnover.algorithm;
    let times = (service.now().wall, active_at);
    let made = service.opener.make(service.new_id("sig"), algorithm, &*service.random, times);
    let (key, record) = made.ok_or_else(|| StoreError::Other("no signing key could be made".to_owned()))?;
    let mut event = origin.event(Action::SigningKeyCreated, &record.id);
    event.detail.push(("algorithm", algorithm.name().into()));
    event.detail.push(("activeAt", rfc3339(active_at).into()));
    let head = service.store.insert_signing_key(&record, &event).await?;
    service.receipt(head, service.now()).await;
    Ok((key, record))
}

/// An access token of a session with these scopes, and the seconds that it counts for: no longer than the key of its client.
/// `None`: the scopes are too many for a token that anybody would read, or it cannot be signed.
pub fn access_token(
    service: &Service,
    key: &SigningKey,
    (held, scopes): (&JoinedSession, &ScopeSet),
    now: Timestamp,
) -> Option<(String, u64)> {
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let iat = now.as_millis().div_euclid(1000);
    let end = held.client.as_ref().and_then(|client| client.resolve(rules).ends_at);
    let most = end.map_or(i64::MAX, |end| end.as_millis().div_euclid(1000).saturating_sub(iat));
    let lifetime = configuration.issuing.expiration.as_secs().min(u64::try_from(most).unwrap_or_default());
    let claims = Claims {
        iss: rules.tokens.issuer.to_string(),
        aud: rules.tokens.audience.to_string(),
        sub: held.user.id.to_string(),
        sid: held.session.id.to_string(),
        jti: service.new_id("tok").to_string(),
        scope: scopes.as_list().to_owned(),
        exp: iat.saturating_add_unsigned(lifetime),
        iat,
        nbf: iat,
    };
    let token = key.sign(&rules.tokens.typ, &claims)?;
    (token.len() <= MAX_BYTES).then_some((token, lifetime))
}

/// Whether scopes fit into a token.
pub fn fits(rules: &Rules, scopes: &ScopeSet) -> bool {
    scopes.as_list().len() <= rules.tokens.room_for_scopes()
}

/// What a session's tokens may do now: all that the roles of its user give, or of what its client was given all that the
/// key may still do, and of that what is wanted.
pub fn scopes_of(rules: &Rules, held: &JoinedSession, wanted: Option<&ScopeSet>) -> ScopeSet {
    match (&held.session.client, &held.client) {
        (Some(grant), Some(client)) => {
            let given = client.resolve(rules).principal.grants.scopes().intersection(&grant.scopes);
            wanted.map(|wanted| given.intersection(wanted)).unwrap_or(given)
        }
        _ => rules.scopes_of_roles(held.user.roles.iter().map(AsRef::as_ref)),
    }
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
