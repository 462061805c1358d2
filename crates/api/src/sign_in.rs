//! Signing in and out, and carrying a session on: every refusal is recorded before it leaves.

use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::key_format::is_genuine;
use keyward_core::principal::{Kind as CredentialKind, Principal};
use keyward_core::session::SessionRecord;
use keyward_engine::audit::Action;
use keyward_engine::people::{Changed, Spent};
use keyward_engine::ports::JoinedSession;
use serde::Serialize;

use crate::failure::{Failure, Kind};
use crate::fields;
use crate::origin::Origin;
use crate::passwords::Password;
use crate::service::Service;
use crate::tokens::{self, Keyring};
use crate::view::ReceiptView;

/// What a user gets who signed in (RFC 6749 §5.1).
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    refresh_token: String,
    user: Who,
}

#[derive(Serialize)]
struct Who {
    id: Box<str>,
    username: Box<str>,
}

/// Begins a session.
///
/// # Errors
/// A wrong name or password, alike in words and time; too many that wait; a store that does not answer.
pub async fn sign_in(
    service: &Service,
    username: &str,
    password: Password,
    origin: &Origin,
) -> Result<Tokens, Failure> {
    let keyring = keyring(service)?;
    let name = fields::username(username).ok();
    let user = match &name {
        Some(name) => service.store.find_user(name).await?.filter(|user| *user.owner.username == **name),
        None => None,
    };
    let hash = user.as_ref().and_then(|user| user.password.clone());
    let right = service.passwords.verify(password, hash.clone(), origin.client).await?;
    // What is nobody's name is not written down: people type passwords into the wrong field.
    let subject = user.as_ref().map_or_else(|| "unknown user".into(), |user| user.owner.id.clone());
    let (true, Some(user), Some(hash)) = (right, user, hash) else {
        return refuse(service, origin, &subject, "wrong name or password").await;
    };
    let session = SessionRecord {
        id: service.new_id("ses"),
        user: user.owner.id.clone(),
        created_at: origin.at,
        ended_at: None,
        ended_reason: None,
    };
    let (refresh, kept) = tokens::refresh_token(service, origin.at);
    let mut event = Origin { actor: user.owner.id.clone(), ..origin.clone() }.event(Action::SignedIn, &session.id);
    event.detail.push(("username", user.owner.username.clone()));
    match service.store.begin_session(&session, &hash, &kept, &event).await? {
        Some(held) => issue(service, keyring, &held, &refresh, origin),
        None => refuse(service, origin, &subject, "the user is disabled, or its password was just changed").await,
    }
}

/// The record first, then the refusal: the same words whatever was wrong.
async fn refuse(service: &Service, origin: &Origin, subject: &str, why: &str) -> Result<Tokens, Failure> {
    let mut event = origin.event(Action::SignInFailed, subject);
    event.detail.push(("why", why.into()));
    service.store.record_event(&event).await?;
    Err(Failure { kind: Kind::Unauthorized, message: "The username or the password is wrong.".to_owned() })
}

/// Carries a session on: the refresh token is spent, and a new pair of tokens takes over.
///
/// # Errors
/// A token that is unknown, too old, or of a session that is over. One that was spent before ends its session, and that is
/// in force before this returns.
pub async fn refresh(service: &Service, presented: &str, origin: &Origin) -> Result<Tokens, Failure> {
    let keyring = keyring(service)?;
    let unauthorized = |message: &str| Failure { kind: Kind::Unauthorized, message: message.to_owned() };
    if !is_genuine(presented.as_bytes(), &service.tag_key) {
        return Err(unauthorized("The refresh token is not valid."));
    }
    let (secret, successor) = tokens::refresh_token(service, origin.at);
    let digest = ApiKeyDigest::of(presented.as_bytes());
    let reuse = origin.event(Action::FamilyKilled, "");
    match service.store.spend_refresh_token(&digest, &successor, &reuse).await? {
        Spent::Done(held) => issue(service, keyring, &held, &secret, origin),
        Spent::Reused(head, _) => {
            service.receipt(head, service.now()).await;
            Err(unauthorized(
                "The refresh token was used before. All tokens of its session are revoked now; sign in again.",
            ))
        }
        Spent::Expired => Err(unauthorized("The refresh token has expired; sign in again.")),
        Spent::Over => Err(unauthorized("The session is over; sign in again.")),
        Spent::Unknown => Err(unauthorized("The refresh token is not valid.")),
    }
}

/// Ends the session of a token, on every node before this returns.
///
/// # Errors
/// A credential that is not of a session.
pub async fn sign_out(service: &Service, caller: &Principal, origin: &Origin) -> Result<ReceiptView, Failure> {
    if caller.kind != CredentialKind::Jwt {
        return Err(Failure::invalid("only a token signs out; a key is ended by DELETE on the list of keys"));
    }
    let event = origin.event(Action::SignedOut, &caller.credential);
    match service.store.end_session(&caller.credential, "signed out", &event).await? {
        Changed::Done(head, _) => Ok(service.receipt(head, service.now()).await),
        Changed::NotFound => Err(Failure::invalid("the session is gone")),
    }
}

fn keyring(service: &Service) -> Result<&Keyring, Failure> {
    service
        .keyring
        .get()
        .ok_or_else(|| Failure { kind: Kind::Unavailable, message: "this server has no signing key".to_owned() })
}

fn issue(
    service: &Service,
    keyring: &Keyring,
    held: &JoinedSession,
    refresh: &ApiKeySecret,
    origin: &Origin,
) -> Result<Tokens, Failure> {
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let scopes = rules.scopes_of_roles(held.user.roles.iter().map(AsRef::as_ref));
    let signed = tokens::access_token(service, keyring, &rules.tokens, held, &scopes, origin.at);
    let (access_token, expires_in) = signed
        .ok_or_else(|| Failure { kind: Kind::Unavailable, message: "the token could not be signed".to_owned() })?;
    Ok(Tokens {
        access_token,
        token_type: "Bearer",
        expires_in,
        refresh_token: refresh.expose().to_owned(),
        user: Who { id: held.user.id.clone(), username: held.user.username.clone() },
    })
}
