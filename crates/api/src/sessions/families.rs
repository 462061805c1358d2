//! Families of tokens: what a session is given, and how a refresh token carries it on, once.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::guarding::Disclose;
use keyward_core::key_format::{ApiKeySecret, is_genuine};
use keyward_core::route::Endpoint;
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::people::{Bearer, ShownRefreshToken, Spent, Unfit};
use keyward_engine::ports::JoinedSession;
use keyward_engine::signing::SigningKey;

use crate::failure::{Failure, Kind};
use crate::origin::Origin;
use crate::refusal::refusal;
use crate::service::Service;
use crate::sessions::tokens;
use crate::sign_in::attempts::Why;
use crate::sign_in::throttle::{self, Attempt};

/// Tokens that were issued along a session.
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// How many seconds it counts.
    pub expires_in: u64,
    /// When that is over.
    pub expires_at: Timestamp,
    /// The refresh token, good for one use.
    pub refresh_token: ApiKeySecret,
    /// What the access token may do.
    pub scopes: ScopeSet,
    /// The session.
    pub held: Box<JoinedSession>,
}

/// A refresh token that is shown.
#[derive(Clone, Copy)]
pub struct Carry<'a> {
    /// The token.
    pub presented: &'a str,
    /// Who shows it.
    pub bearer: Bearer<'a>,
    /// No more than these scopes, for the access token (RFC 6749 §6).
    pub wanted: Option<&'a ScopeSet>,
}

/// Why a session is not carried on.
#[derive(Debug)]
pub enum Stopped {
    /// No such token, or another's.
    NotValid,
    /// It is too old.
    Expired,
    /// Its session is over.
    Over,
    /// It was used before: its session was ended, and that is in force.
    Reused,
    /// More scopes than fit into a token.
    TooManyScopes,
    /// A scope that it was not given.
    NotGranted,
    /// It could not be found out, or not be recorded.
    Failed(Failure),
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::NotValid => unauthorized("The refresh token is not valid."),
            Stopped::Expired => unauthorized("The refresh token has expired; sign in again."),
            Stopped::Over => unauthorized("The session is over; sign in again."),
            Stopped::Reused => unauthorized(
                "The refresh token was used before. All tokens of its session are revoked now; sign in again.",
            ),
            Stopped::TooManyScopes => too_many_scopes(),
            Stopped::NotGranted => Self::invalid("A scope is asked for that was not given."),
            Stopped::Failed(failure) => failure,
        }
    }
}

/// The token is not accepted.
pub(crate) fn unauthorized(message: &str) -> Failure {
    Failure { kind: Kind::Unauthorized, message: message.to_owned() }
}

/// Told to whoever showed the right password, pair or token only.
pub(crate) fn too_many_scopes() -> Failure {
    Failure::forbidden(
        "The roles of this user have more scopes than fit into a token; whoever runs this server can give it fewer roles, or \
         the roles fewer scopes (`a:*` stands for all that begin with `a:`).",
    )
}

/// Attempts that fail: each is in the audit log, alone or counted, before its refusal leaves.
pub(crate) struct Failed<'a> {
    pub(crate) service: &'a Service,
    pub(crate) origin: &'a Origin,
    pub(crate) endpoint: Endpoint,
}

impl Failed<'_> {
    /// The refusal; another one where the attempt should be recorded now and cannot be.
    pub(crate) async fn refuse(&self, (why, subject): (Why, &str), failure: Failure) -> Failure {
        let refusal = refusal(self.endpoint, failure.kind);
        let noted = self.service.attempts.note(self.service, self.origin, (why, subject), refusal).await;
        noted.map_or_else(Failure::from, |()| failure)
    }

    async fn stop(&self, attempt: (Why, &str), stopped: Stopped) -> Stopped {
        let kind = match stopped {
            Stopped::TooManyScopes => Kind::Forbidden,
            Stopped::NotGranted => Kind::Invalid,
            _ => Kind::Unauthorized,
        };
        let refusal = refusal(self.endpoint, kind);
        let noted = self.service.attempts.note(self.service, self.origin, attempt, refusal).await;
        noted.map_or_else(|error| Stopped::Failed(error.into()), |()| stopped)
    }
}

/// The key that signs now.
///
/// # Errors
/// There is none, or the store does not give it.
pub(crate) async fn signing_key(service: &Service) -> Result<Arc<SigningKey>, Failure> {
    match service.signing.get() {
        Some(signing) => Ok(signing.key(service).await?),
        None => Err(Failure { kind: Kind::Unavailable, message: "this server has no signing key".to_owned() }),
    }
}

/// The first or next tokens of a session, whose refresh token is kept already.
///
/// # Errors
/// Scopes that fit into no token: looked at before the session was written; those that grew since are told of all the same.
pub(crate) fn issue(
    service: &Service,
    key: &SigningKey,
    (held, wanted): (Box<JoinedSession>, Option<&ScopeSet>),
    refresh_token: ApiKeySecret,
    now: Timestamp,
) -> Result<Issued, Failure> {
    let configuration = service.configuration();
    let scopes = tokens::scopes_of(&configuration.rules, &held, wanted);
    let issued = tokens::access_token(service, key, (&held, &scopes), now);
    let (access_token, expires_in) = issued.ok_or_else(too_many_scopes)?;
    let expires_at = now.after(Duration::from_secs(expires_in));
    Ok(Issued { access_token, expires_in, expires_at, refresh_token, scopes, held })
}

/// Carries a session on: the refresh token is spent, and a new pair of tokens takes over.
///
/// # Errors
/// A token that is unknown, another's, too old, or of a session that is over; scopes that fit into no token any more, or that
/// were not given: it is not spent. One that was spent before ends its session, and that is in force before this returns.
pub(crate) async fn carry_on(
    service: &Service,
    carry: Carry<'_>,
    (origin, endpoint): (&Origin, Endpoint),
) -> Result<Issued, Stopped> {
    let failed = Failed { service, origin, endpoint };
    if !is_genuine(carry.presented.as_bytes(), &service.tag_key) {
        let attempt = Attempt { client: origin.client, subject: None };
        if let Err(throttled) = throttle::admit(service, attempt) {
            let refused = failed.refuse((Why::RefreshThrottled, "unknown token"), throttled).await;
            return Err(Stopped::Failed(refused));
        }
        throttle::wrong(service, attempt);
        return Err(failed.stop((Why::NotKnown, "unknown token"), Stopped::NotValid).await);
    }
    let key = signing_key(service).await.map_err(Stopped::Failed)?;
    let (secret, successor) = tokens::refresh_token(service, origin.at);
    let shown = ShownRefreshToken {
        digest: &ApiKeyDigest::of(carry.presented.as_bytes()),
        bearer: carry.bearer,
        successor: &successor,
    };
    let reuse = origin.refused_event(refusal(endpoint, Kind::Unauthorized), Action::FamilyKilled, "");
    let configuration = service.configuration();
    let fits = |held: &JoinedSession| {
        let given = held.session.client.as_ref().map(|client| &client.scopes);
        if carry.wanted.is_some_and(|wanted| given.is_none_or(|given| wanted.beyond(given).next().is_some())) {
            return Err(Unfit::NotGranted);
        }
        let scopes = tokens::scopes_of(&configuration.rules, held, carry.wanted);
        if tokens::fits(&configuration.rules, &scopes) { Ok(()) } else { Err(Unfit::TooManyScopes) }
    };
    let spent = service.store.spend_refresh_token(&shown, &fits, &reuse).await;
    let ((why, session), stopped) = match spent.map_err(|error| Stopped::Failed(error.into()))? {
        Spent::Done(held) => {
            return issue(service, &key, (held, carry.wanted), secret, origin.at).map_err(Stopped::Failed);
        }
        Spent::Reused(head, _) => {
            service.receipt(head, service.now()).await;
            return Err(told(service, Stopped::Reused));
        }
        Spent::Expired(session) => ((Why::Expired, session), Stopped::Expired),
        Spent::Over(session) => ((Why::Over, session), Stopped::Over),
        Spent::Foreign(session) => ((Why::Foreign, session), Stopped::NotValid),
        Spent::Unfit(session, Unfit::TooManyScopes) => ((Why::Outgrown, session), Stopped::TooManyScopes),
        // A mistake of a client that is who it says; nothing was tried.
        Spent::Unfit(_, Unfit::NotGranted) => return Err(Stopped::NotGranted),
        Spent::Unknown => ((Why::NotKnown, "unknown token".into()), Stopped::NotValid),
    };
    Err(told(service, failed.stop((why, &session), stopped).await))
}

/// What the bearer is told, where it may not be told what became of its token.
fn told(service: &Service, stopped: Stopped) -> Stopped {
    match (service.configuration().rules.guarding.disclose, stopped) {
        (Disclose::Nobody, Stopped::Expired | Stopped::Over | Stopped::Reused) => Stopped::NotValid,
        (_, stopped) => stopped,
    }
}
