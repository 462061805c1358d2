//! Signing in and out, and carrying a session on: every refusal is recorded before it leaves.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::key_format::is_genuine;
use keyward_core::principal::{Kind as CredentialKind, Principal};
use keyward_core::route::Endpoint;
use keyward_core::session::SessionRecord;
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::people::{Changed, Spent};
use keyward_engine::ports::JoinedSession;
use keyward_engine::signing::SigningKey;
use serde::Serialize;

use crate::attempts::Why;
use crate::failure::{Failure, Kind};
use crate::fields;
use crate::origin::Origin;
use crate::passwords::{Password, is_too_long};
use crate::refusal::refusal;
use crate::service::Service;
use crate::tokens;
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
    /// When the access token ends, for templates; programs go by `expires_in`.
    #[serde(skip)]
    access_expires_at: String,
}

impl Tokens {
    /// When the access token ends (RFC 3339).
    pub fn access_expires_at(&self) -> &str {
        &self.access_expires_at
    }
}

#[derive(Serialize)]
struct Who {
    id: Box<str>,
    username: Box<str>,
}

/// The subject of an attempt that was refused before anybody looked up whose it is.
const NOT_LOOKED_UP: &str = "not looked up";

/// Begins a session.
///
/// # Errors
/// A wrong name or password, alike in words and time; too many that wait; roles that fit into no token; a store that does not
/// answer.
pub async fn sign_in(
    service: &Service,
    username: &str,
    password: Password,
    origin: &Origin,
) -> Result<Tokens, Failure> {
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    if is_too_long(password.expose()) {
        return Err(failed.refuse((Why::TooLong, NOT_LOOKED_UP), wrong()).await);
    }
    let turn = match service.passwords.turn(origin.client).await {
        Ok(turn) => turn,
        Err(crowded) => {
            let why = if crowded.kind == Kind::Throttled { Why::AddressBusy } else { Why::Busy };
            return Err(failed.refuse((why, NOT_LOOKED_UP), crowded).await);
        }
    };
    let name = fields::username(username).ok();
    let user = match &name {
        Some(name) => service.store.find_user(name).await?.filter(|user| *user.owner.username == **name),
        None => None,
    };
    let hash = user.as_ref().and_then(|user| user.password.clone());
    let right = service.passwords.verify(turn, password, hash.clone()).await?;
    // What is nobody's name is not written down: people type passwords into the wrong field.
    let subject = user.as_ref().map_or_else(|| "unknown user".into(), |user| user.owner.id.clone());
    let (true, Some(user), Some(hash)) = (right, user, hash) else {
        return Err(failed.refuse((Why::WrongPassword, &subject), wrong()).await);
    };
    if !tokens::fits(&service.configuration().rules, &user.owner) {
        return Err(failed.refuse((Why::TooManyScopes, &subject), too_many_scopes()).await);
    }
    let key = signing_key(service).await?;
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
        Some(held) => issue(service, &key, &held, &refresh, origin.at),
        None => Err(failed.refuse((Why::Paused, &subject), wrong()).await),
    }
}

/// Attempts that fail: each is in the audit log, alone or counted, before its refusal leaves.
struct Failed<'a> {
    service: &'a Service,
    origin: &'a Origin,
    endpoint: Endpoint,
}

impl Failed<'_> {
    /// The refusal; another one where the attempt should be recorded now and cannot be.
    async fn refuse(&self, (why, subject): (Why, &str), failure: Failure) -> Failure {
        let refusal = refusal(self.endpoint, failure.kind);
        let noted = self.service.attempts.note(self.service, self.origin, (why, subject), refusal).await;
        noted.map_or_else(Failure::from, |()| failure)
    }
}

fn wrong() -> Failure {
    unauthorized("The username or the password is wrong.")
}

fn unauthorized(message: &str) -> Failure {
    Failure { kind: Kind::Unauthorized, message: message.to_owned() }
}

/// Told to whoever showed the right password or token only.
fn too_many_scopes() -> Failure {
    Failure::forbidden(
        "The roles of this user have more scopes than fit into a token; whoever runs this server can give it fewer roles, or \
         the roles fewer scopes (`a:*` stands for all that begin with `a:`).",
    )
}

/// Carries a session on: the refresh token is spent, and a new pair of tokens takes over.
///
/// # Errors
/// A token that is unknown, too old, or of a session that is over; roles that fit into no token any more: it is not spent. One
/// that was spent before ends its session, and that is in force before this returns.
pub async fn refresh(service: &Service, presented: &str, origin: &Origin) -> Result<Tokens, Failure> {
    let failed = Failed { service, origin, endpoint: Endpoint::Refresh };
    let not_valid = || unauthorized("The refresh token is not valid.");
    if !is_genuine(presented.as_bytes(), &service.tag_key) {
        return Err(failed.refuse((Why::NotKnown, "unknown token"), not_valid()).await);
    }
    let key = signing_key(service).await?;
    let (secret, successor) = tokens::refresh_token(service, origin.at);
    let digest = ApiKeyDigest::of(presented.as_bytes());
    let killed = refusal(Endpoint::Refresh, Kind::Unauthorized);
    let reuse = origin.refused_event(killed, Action::FamilyKilled, "");
    let configuration = service.configuration();
    let fits = |held: &JoinedSession| tokens::fits(&configuration.rules, &held.user);
    let (attempt, failure) = match service.store.spend_refresh_token(&digest, &successor, &fits, &reuse).await? {
        Spent::Done(held) => return issue(service, &key, &held, &secret, origin.at),
        Spent::Reused(head, _) => {
            service.receipt(head, service.now()).await;
            return Err(unauthorized(
                "The refresh token was used before. All tokens of its session are revoked now; sign in again.",
            ));
        }
        Spent::Expired(session) => {
            ((Why::Expired, session), unauthorized("The refresh token has expired; sign in again."))
        }
        Spent::Over(session) => ((Why::Over, session), unauthorized("The session is over; sign in again.")),
        Spent::Unfit(session) => ((Why::Outgrown, session), too_many_scopes()),
        Spent::Unknown => ((Why::NotKnown, "unknown token".into()), not_valid()),
    };
    Err(failed.refuse((attempt.0, &attempt.1), failure).await)
}

/// Ends the session of a token, on every node before this returns.
///
/// # Errors
/// A credential that is not of a session.
pub async fn sign_out(service: &Service, caller: &Principal, origin: &Origin) -> Result<ReceiptView, Failure> {
    if caller.kind != CredentialKind::Jwt {
        return Err(Failure::invalid("only a token signs out; a key is ended by DELETE on the list of keys"));
    }
    let event = origin.event(Action::SignedOut, caller.credential.text());
    match service.store.end_session(caller.credential.text(), "signed out", &event).await? {
        Changed::Done(head, _) => Ok(service.receipt(head, service.now()).await),
        Changed::NotFound => Err(Failure::invalid("the session is gone")),
    }
}

async fn signing_key(service: &Service) -> Result<Arc<SigningKey>, Failure> {
    match service.signing.get() {
        Some(signing) => Ok(signing.key(service).await?),
        None => Err(Failure { kind: Kind::Unavailable, message: "this server has no signing key".to_owned() }),
    }
}

fn issue(
    service: &Service,
    key: &SigningKey,
    held: &JoinedSession,
    refresh: &ApiKeySecret,
    now: Timestamp,
) -> Result<Tokens, Failure> {
    let configuration = service.configuration();
    // Looked at before the session was written; roles that grew since are told of all the same.
    let issued = tokens::access_token(service, key, &configuration.rules, held, now);
    let (access_token, expires_in) = issued.ok_or_else(too_many_scopes)?;
    Ok(Tokens {
        access_token,
        token_type: "Bearer",
        expires_in,
        refresh_token: refresh.expose().to_owned(),
        user: Who { id: held.user.id.clone(), username: held.user.username.clone() },
        access_expires_at: fields::rfc3339(now.after(Duration::from_secs(expires_in))),
    })
}
