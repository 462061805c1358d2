//! A token that is shown to be ended or told of: whose it is, and what it says.

use std::sync::Arc;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::is_genuine;
use keyward_core::time::Timestamp;
use keyward_core::token::{Claims, Unverified};
use keyward_engine::people::KeptRefreshToken;
use keyward_engine::ports::{JoinedSession, StoreError};
use keyward_engine::signing::{VerifyingKeys, VerifyingSource as _};

use crate::service::Service;

/// A token of this server, in whatever state.
pub(crate) enum Token {
    Refresh(Box<KeptRefreshToken>),
    Access(Box<Claims>, Box<JoinedSession>),
}

impl Token {
    /// Its session.
    pub(crate) fn family(&self) -> &JoinedSession {
        match self {
            Self::Refresh(kept) => &kept.family,
            Self::Access(_, held) => held,
        }
    }
}

/// Reads a token, whatever its kind: each has a form of its own, so that no hint is needed (RFC 7009 §2.1).
///
/// # Errors
/// The store's.
pub(crate) async fn read(service: &Service, text: &str, now: Timestamp) -> Result<Option<Token>, StoreError> {
    if is_genuine(text.as_bytes(), &service.tag_key) {
        let kept = service.store.find_refresh_token(&ApiKeyDigest::of(text.as_bytes())).await?;
        return Ok(kept.map(|kept| Token::Refresh(Box::new(kept))));
    }
    let Some(claims) = claims(service, text, now).await? else { return Ok(None) };
    let id: Box<str> = claims.sid.as_str().into();
    let held = service.store.find_sessions(std::slice::from_ref(&id)).await?.sessions.into_iter().next().flatten();
    Ok(held.map(|held| Token::Access(Box::new(claims), Box::new(held))))
}

/// The claims of an access token that was signed here, be it over or not.
async fn claims(service: &Service, text: &str, now: Timestamp) -> Result<Option<Claims>, StoreError> {
    let Ok(token) = Unverified::read(text.as_bytes()) else { return Ok(None) };
    if !signing_keys(service).await?.verify(&token) {
        return Ok(None);
    }
    Ok(token.verified(&service.configuration().rules.tokens, now).ok())
}

/// Those that the node goes by; without a node those of the store.
async fn signing_keys(service: &Service) -> Result<Arc<VerifyingKeys>, StoreError> {
    match &service.refresher {
        Some(refresher) => Ok(refresher.signing_keys()),
        None => Ok(Arc::new(service.opener.verifying(&service.store.signing_keys().await?))),
    }
}
