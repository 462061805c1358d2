//! A token that is shown to be ended or told of: whose it is, and what it says.

use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::is_genuine;
use keyward_core::time::Timestamp;
use keyward_core::token::{Claims, Unverified};
use keyward_engine::people::KeptRefreshToken;
use keyward_engine::ports::JoinedSession;

use super::error::Error;
use crate::service::Service;

/// A token of this server, in whatever state.
pub(super) enum Token {
    Refresh(Box<KeptRefreshToken>),
    Access(Box<Claims>, Box<JoinedSession>),
}

impl Token {
    /// Its session.
    pub(super) fn family(&self) -> &JoinedSession {
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
pub(super) async fn read(service: &Service, text: &str, now: Timestamp) -> Result<Option<Token>, Error> {
    if is_genuine(text.as_bytes(), &service.tag_key) {
        let kept = service.store.find_refresh_token(&ApiKeyDigest::of(text.as_bytes())).await?;
        return Ok(kept.map(|kept| Token::Refresh(Box::new(kept))));
    }
    let Some(claims) = claims(service, text, now) else { return Ok(None) };
    let id: Box<str> = claims.sid.as_str().into();
    let held = service.store.find_sessions(std::slice::from_ref(&id)).await?.sessions.into_iter().next().flatten();
    Ok(held.map(|held| Token::Access(Box::new(claims), Box::new(held))))
}

/// The claims of an access token that was signed here, be it over or not.
fn claims(service: &Service, text: &str, now: Timestamp) -> Option<Claims> {
    let token = Unverified::read(text.as_bytes()).ok()?;
    let keys = service.refresher.as_ref()?.signing_keys();
    if !keys.verify(&token) {
        return None;
    }
    token.verified(&service.configuration().rules.tokens, now).ok()
}
