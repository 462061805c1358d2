//! Sessions by cookie: how they begin, on either plane.

use keyward_core::api_key::Owner;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::page::CsrfToken;
use keyward_core::plane::Plane;
use keyward_core::route::Endpoint;
use keyward_core::rules::Rules;
use keyward_core::scope::Scope;
use keyward_core::session::SessionRecord;
use keyward_engine::audit::AuditEvent;
use keyward_engine::factors::{Begun, Proof};
use keyward_engine::ports::JoinedSession;
use serde::Serialize;

use crate::failure::Failure;
use crate::origin::Origin;
use crate::service::Service;
use crate::sessions::families::Failed;
use crate::sign_in::attempts::Why;
use crate::sign_in::proof::prove;
use crate::sign_in::second_factor;
use crate::sign_in::{self, Shown, Who};

/// What a browser gets whose user signed in. The cookie is not in the body.
#[derive(Serialize)]
pub struct CookieSession {
    /// What its pages show with each request that changes something.
    pub csrf_token: String,
    /// Seconds, if it is used all the time.
    pub expires_in: u64,
    /// The user.
    pub user: Who,
    /// What the cookie holds.
    #[serde(skip)]
    pub cookie: ApiKeySecret,
}

/// How the values of cookies begin.
const COOKIE_PREFIX: &str = "kwses_";

/// Begins a session of the data plane in one step.
///
/// # Errors
/// A wrong name or password, alike in words and time; a code that is asked for and missing or wrong; too many that wait; a store
/// that does not answer.
pub async fn sign_in(service: &Service, shown: Shown<'_>, origin: &Origin) -> Result<CookieSession, Failure> {
    let proven = prove(service, shown.username, shown.password, origin).await?;
    let second = second_factor::demand(service, &proven, shown.code.as_ref(), origin).await?;
    let proof = Proof { password: proven.hash, second };
    begin(service, Plane::Data, (Who::of(&proven.user), proof), origin).await
}

/// Begins a session of whoever proved to be its user, under an id and a cookie that did not exist before, whatever the browser sent
/// along.
///
/// # Errors
/// The user is paused or has another password by now; what was shown beside it was used before.
pub(crate) async fn begin(
    service: &Service,
    plane: Plane,
    (who, proof): (Who, Proof),
    origin: &Origin,
) -> Result<CookieSession, Failure> {
    let mut new = NewCookie::of(service, (&who, plane), origin);
    new.event.detail.extend(proof.second.as_ref().map(|second| ("secondFactor", second.kind().into())));
    match service.store.begin_cookie_session(&new.session, &proof, &new.digest, &new.event).await? {
        Begun::Done(held) => {
            service.tickets.right(&who.id);
            Ok(new.told(service, &held))
        }
        Begun::Stale => Err(sign_in::paused(service, &who, origin).await),
        Begun::Unproven => Err(second_factor::unproven(service, &who, &proof, origin).await),
    }
}

/// A session that is to begin, and its cookie.
pub(crate) struct NewCookie {
    /// The session.
    pub(crate) session: SessionRecord,
    /// What the store knows the cookie by.
    pub(crate) digest: ApiKeyDigest,
    /// What the audit log says.
    pub(crate) event: AuditEvent,
    cookie: ApiKeySecret,
}

impl NewCookie {
    /// Of a user, on a plane.
    pub(crate) fn of(service: &Service, (who, plane): (&Who, Plane), origin: &Origin) -> Self {
        let (session, event) = sign_in::begun(service, who, origin, Some(plane));
        let mut random = [0; 24];
        service.random.fill(&mut random);
        let cookie = ApiKeySecret::assemble(COOKIE_PREFIX, &random, &service.tag_key);
        let digest = ApiKeyDigest::of(cookie.expose().as_bytes());
        Self { session, digest, event, cookie }
    }

    /// What its browser is told, once it began.
    pub(crate) fn told(self, service: &Service, held: &JoinedSession) -> CookieSession {
        CookieSession {
            csrf_token: CsrfToken::of(&held.session.id, &service.tag_key).expose().to_owned(),
            expires_in: service.configuration().rules.guarding.sessions_of(held.session.plane).absolute.as_secs(),
            user: Who::of(&held.user),
            cookie: self.cookie,
        }
    }
}

/// Lets through who has something to do in the console: whoever has a role with a scope of `keyward:`.
///
/// # Errors
/// A user who is no operator.
pub(crate) async fn admit_operator(service: &Service, user: &Owner, origin: &Origin) -> Result<(), Failure> {
    if is_operator(&service.configuration().rules, user) {
        return Ok(());
    }
    // Told to whoever showed the right password only.
    let refused = Failure::forbidden(
        "None of the roles of this user has a scope of keyward:, so there is nothing for it here; whoever runs this server can \
         give it one, such as operator or auditor.",
    );
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    Err(failed.refuse((Why::NoOperator, &user.id), refused).await)
}

fn is_operator(rules: &Rules, user: &Owner) -> bool {
    rules.scopes_of_roles(user.roles.iter().map(AsRef::as_ref)).iter().any(Scope::is_reserved)
}
