//! Signing in and out, and carrying a session on: every refusal is recorded before it leaves.

use std::time::Duration;

use keyward_core::api_key::{CredentialEntry, Owner};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::page::CsrfToken;
use keyward_core::plane::Plane;
use keyward_core::principal::{Kind as CredentialKind, Principal};
use keyward_core::route::Endpoint;
use keyward_core::rules::Rules;
use keyward_core::scope::Scope;
use keyward_core::session::SessionRecord;
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::people::{Bearer, Changed};
use schemars::JsonSchema;
use serde::Serialize;

use crate::attempts::Why;
use crate::failure::Failure;
use crate::families::{self, Carry, Failed, Issued, issue, signing_key, too_many_scopes, unauthorized};
use crate::fields;
use crate::origin::Origin;
use crate::password_proof::{prove, wrong};
use crate::passwords::Password;
use crate::service::Service;
use crate::throttle::{self, Attempt};
use crate::tokens;
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
    fn of(user: &Owner) -> Self {
        Self { id: user.id.clone(), username: user.username.clone() }
    }
}

/// Begins a session by tokens.
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
    let proven = prove(service, username, password, origin).await?;
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    let user = &proven.user;
    let configuration = service.configuration();
    let rules = &configuration.rules;
    if !tokens::fits(rules, &rules.scopes_of_roles(user.roles.iter().map(AsRef::as_ref))) {
        return Err(failed.refuse((Why::TooManyScopes, &user.id), too_many_scopes()).await);
    }
    let key = signing_key(service).await?;
    let (refresh, kept) = tokens::refresh_token(service, origin.at);
    let (session, event) = begun(service, user, origin, None);
    match service.store.begin_session(&session, &proven.hash, &kept, &event).await? {
        Some(held) => Ok(issue(service, &key, (Box::new(held), None), refresh, origin.at)?.into()),
        None => Err(paused(&failed, user).await),
    }
}

/// What a browser gets whose user signed in. The cookie is not in the body.
#[derive(Serialize)]
pub struct CookieSession {
    /// What its pages show in `Keyward-CSRF` with each request that changes something.
    pub csrf_token: String,
    /// Seconds, if it is used all the time.
    pub expires_in: u64,
    /// Who signed in.
    pub user: Who,
    /// What the cookie holds.
    #[serde(skip)]
    pub cookie: ApiKeySecret,
}

/// Begins a session by cookie, under an id and a cookie that did not exist before, whatever the browser sent along.
///
/// On the control plane for operators alone: whoever has a role with a scope of `keyward:`.
///
/// # Errors
/// As [`sign_in`], but for the size of tokens; on the control plane, a user who is no operator.
pub async fn sign_in_by_cookie(
    service: &Service,
    plane: Plane,
    username: &str,
    password: Password,
    origin: &Origin,
) -> Result<CookieSession, Failure> {
    let proven = prove(service, username, password, origin).await?;
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    let configuration = service.configuration();
    if plane == Plane::Control && !is_operator(&configuration.rules, &proven.user) {
        return Err(failed.refuse((Why::NoOperator, &proven.user.id), no_operator()).await);
    }
    let (session, event) = begun(service, &proven.user, origin, Some(plane));
    let mut random = [0; 24];
    service.random.fill(&mut random);
    let cookie = ApiKeySecret::assemble(COOKIE_PREFIX, &random, &service.tag_key);
    let digest = ApiKeyDigest::of(cookie.expose().as_bytes());
    match service.store.begin_cookie_session(&session, &proven.hash, &digest, &event).await? {
        Some(held) => Ok(CookieSession {
            csrf_token: CsrfToken::of(&held.session.id, &service.tag_key).expose().to_owned(),
            expires_in: configuration.rules.guarding.sessions_of(plane).absolute.as_secs(),
            user: Who::of(&held.user),
            cookie,
        }),
        None => Err(paused(&failed, &proven.user).await),
    }
}

/// Whether there is anything for a user to do in the console.
fn is_operator(rules: &Rules, user: &Owner) -> bool {
    rules.scopes_of_roles(user.roles.iter().map(AsRef::as_ref)).iter().any(Scope::is_reserved)
}

/// Told to whoever showed the right password only.
fn no_operator() -> Failure {
    Failure::forbidden(
        "None of the roles of this user has a scope of keyward:, so there is nothing for it here; whoever runs this server can \
         give it one, such as operator or auditor.",
    )
}

/// How the values of cookies begin.
const COOKIE_PREFIX: &str = "kwses_";

/// The record of a session that begins, by a cookie of a plane or by tokens, and what the audit log says of it.
fn begun(service: &Service, user: &Owner, origin: &Origin, cookie: Option<Plane>) -> (SessionRecord, AuditEvent) {
    let session = SessionRecord {
        id: service.new_id("ses"),
        user: user.id.clone(),
        created_at: origin.at,
        ended_at: None,
        ended_reason: None,
        client: None,
        seen_at: cookie.map(|_| origin.at),
        plane: cookie.unwrap_or_default(),
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
async fn paused(failed: &Failed<'_>, user: &Owner) -> Failure {
    let attempt = Attempt { client: failed.origin.client, subject: Some(&user.username) };
    throttle::wrong(failed.service, attempt);
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
        Changed::NotFound => Err(Failure::invalid("the session is gone")),
    }
}
