//! Signing in by tokens and out, and carrying a session on: every refusal is recorded before it leaves.

pub mod attempts;
pub mod basic;
pub mod console;
pub mod cookie;
pub mod passwords;
pub(crate) mod proof;
pub(crate) mod recovery_codes;
pub(crate) mod second_factor;
pub mod set_cookie;
pub mod throttle;
pub mod tickets;
pub(crate) mod totp;
pub mod turns;

use std::time::Duration;

use keyward_core::api_key::{CredentialEntry, Owner};
use keyward_core::plane::Plane;
use keyward_core::principal::{Kind as CredentialKind, Principal};
use keyward_core::route::Endpoint;
use keyward_core::session::SessionRecord;
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::factors::{Begun, Proof};
use keyward_engine::people::{Bearer, Changed};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::fields;
use crate::origin::Origin;
use crate::service::Service;
use crate::sessions::families::{self, Carry, Failed, Issued, issue, signing_key, too_many_scopes, unauthorized};
use crate::sessions::tokens;
use crate::sign_in::attempts::Why;
use crate::sign_in::passwords::Password;
use crate::sign_in::proof::{prove, wrong};
use crate::sign_in::throttle::Attempt;
use crate::view::ReceiptView;

/// What a user gets who signed in (RFC 6749 §5.1).
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    /// Not there where the access token was shown for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
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

impl From<Issued> for Tokens {
    fn from(issued: Issued) -> Self {
        Self {
            access_token: issued.access_token,
            token_type: "Bearer",
            expires_in: issued.expires_in,
            refresh_token: Some(issued.refresh_token.expose().to_owned()),
            user: Who::of(&issued.held.user),
            access_expires_at: fields::rfc3339(issued.expires_at),
        }
    }
}

/// A user, as whoever signed in is told of itself.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Who {
    /// `user_…`.
    pub id: Box<str>,
    /// What it signs in with.
    pub username: Box<str>,
}

impl Who {
    pub(crate) fn of(user: &Owner) -> Self {
        Self { id: user.id.clone(), username: user.username.clone() }
    }
}

/// What whoever signs in shows.
pub struct Shown<'a> {
    /// The name, in any spelling.
    pub username: &'a str,
    /// The password.
    pub password: Password,
    /// A code of the second factor, if any was sent.
    pub code: Option<Password>,
}

/// Begins a session by tokens.
///
/// # Errors
/// A wrong name or password, alike in words and time; a code that is asked for and missing or wrong; too many that wait; roles that
/// fit into no token; a store that does not answer.
pub async fn sign_in(service: &Service, shown: Shown<'_>, origin: &Origin) -> Result<Tokens, Failure> {
    let proven = prove(service, shown.username, shown.password, origin).await?;
    let second = second_factor::demand(service, &proven, shown.code.as_ref(), origin).await?;
    let who = Who::of(&proven.user);
    let configuration = service.configuration();
    let rules = &configuration.rules;
    if !tokens::fits(rules, &rules.scopes_of_roles(proven.user.roles.iter().map(AsRef::as_ref))) {
        let failed = Failed { service, origin, endpoint: Endpoint::Login };
        return Err(failed.refuse((Why::TooManyScopes, &who.id), too_many_scopes()).await);
    }
    let key = signing_key(service).await?;
    let (refresh, kept) = tokens::refresh_token(service, origin.at);
    let proof = Proof { password: proven.hash, second };
    let (session, mut event) = begun(service, &who, origin, None);
    event.detail.extend(proof.second.as_ref().map(|second| ("secondFactor", second.kind().into())));
    match service.store.begin_session(&session, &proof, &kept, &event).await? {
        Begun::Done(held) => {
            service.tickets.right(&who.id);
            Ok(issue(service, &key, (Box::new(held), None), refresh, origin.at)?.into())
        }
        Begun::Stale => Err(paused(service, &who, origin).await),
        Begun::Unproven => Err(second_factor::unproven(service, &who, &proof, origin).await),
    }
}

/// The record of a session that begins, by a cookie of a plane or by tokens, and what the audit log says of it.
pub(crate) fn begun(
    service: &Service,
    user: &Who,
    origin: &Origin,
    cookie: Option<Plane>,
) -> (SessionRecord, AuditEvent) {
    let session = SessionRecord {
        id: service.new_id("ses"),
        user: user.id.clone(),
        created_at: origin.at,
        ended_at: None,
        ended_reason: None,
        client: None,
        seen_at: cookie.map(|_| origin.at),
        plane: cookie.unwrap_or_default(),
        portal: false,
        client_address: origin.client,
    };
    let mut event = Origin { actor: user.id.clone(), ..origin.clone() }.event(Action::SignedIn, &session.id);
    event.detail.push(("username", user.username.clone()));
    if session.plane == Plane::Control {
        event.detail.push(("plane", session.plane.as_str().into()));
    }
    (session, event)
}

/// The user is paused, or got another password at that moment. It is told as a wrong password, and counts like one.
pub(crate) async fn paused(service: &Service, user: &Who, origin: &Origin) -> Failure {
    throttle::wrong(service, Attempt { client: origin.client, subject: Some(&user.username) });
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    failed.refuse((Why::Paused, &user.id), wrong()).await
}

/// Carries a session on: the refresh token is spent, and a new pair of tokens takes over.
///
/// # Errors
/// A token that is unknown, too old, or of a session that is over; roles that fit into no token any more: it is not spent. One
/// that was spent before ends its session, and that is in force before this returns.
pub async fn refresh(service: &Service, presented: &str, origin: &Origin) -> Result<Tokens, Failure> {
    let without_secret = service.configuration().issuing.refresh_without_secret;
    let bearer = if without_secret { Bearer::Anybody } else { Bearer::User };
    let carry = Carry { presented, bearer, wanted: None };
    Ok(families::carry_on(service, carry, (origin, Endpoint::Refresh)).await?.into())
}

/// Another access token for one that still counts, which goes on to its end: both are of one session, and end with it.
///
/// # Errors
/// A session that is over; a client's, which shows its pair or a refresh token; roles that fit into no token.
pub async fn renew(service: &Service, caller: &CredentialEntry, origin: &Origin) -> Result<Tokens, Failure> {
    let failed = Failed { service, origin, endpoint: Endpoint::Refresh };
    let id: Box<str> = caller.principal.credential.text().into();
    let held = service.store.find_sessions(std::slice::from_ref(&id)).await?.sessions.into_iter().next().flatten();
    let Some(held) = held.filter(|held| !held.is_over(origin.at)) else {
        return Err(failed.refuse((Why::Over, &id), unauthorized("The session is over; sign in again.")).await);
    };
    if held.session.client.is_some() {
        return Err(Failure::forbidden("a client is given tokens for its pair or for a refresh token"));
    }
    let configuration = service.configuration();
    let scopes = tokens::scopes_of(&configuration.rules, &held, None);
    let key = signing_key(service).await?;
    let Some((access_token, expires_in)) = tokens::access_token(service, &key, (&held, &scopes), origin.at) else {
        return Err(failed.refuse((Why::Outgrown, &id), too_many_scopes()).await);
    };
    let user = Who::of(&held.user);
    let access_expires_at = fields::rfc3339(origin.at.after(Duration::from_secs(expires_in)));
    Ok(Tokens { access_token, token_type: "Bearer", expires_in, refresh_token: None, user, access_expires_at })
}

/// Ends the session of a token or a cookie, on every node before this returns.
///
/// # Errors
/// A credential that is not of a session.
pub async fn sign_out(service: &Service, caller: &Principal, origin: &Origin) -> Result<ReceiptView, Failure> {
    if !matches!(caller.kind, CredentialKind::Jwt | CredentialKind::Session) {
        return Err(Failure::invalid(
            "only a token or a session signs out; a key is ended by DELETE on the list of keys",
        ));
    }
    let event = origin.event(Action::SignedOut, caller.credential.text());
    match service.store.end_session(caller.credential.text(), "signed out", &event).await? {
        Changed::Done(head, _) => Ok(service.receipt(head, service.now()).await),
        Changed::NotFound | Changed::Refused(_) => Err(Failure::invalid("the session is gone")),
    }
}
