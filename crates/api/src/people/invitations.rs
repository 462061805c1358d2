//! Invitations: a link that an operator sends to a user, by which the user sets its password, once and within three days.

use std::time::Duration;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::{ApiKeySecret, is_genuine};
use keyward_core::route::Endpoint;
use keyward_engine::audit::Action;
use keyward_engine::links::NewLink;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::rfc3339;
use crate::origin::Origin;
use crate::people::users::{self, UserView};
use crate::service::Service;
use crate::sessions::families::Failed;
use crate::sign_in::attempts::Why;
use crate::sign_in::passwords::Password;
use crate::sign_in::throttle::{self, Attempt};

/// How long an invitation is good.
pub const GOOD_FOR: Duration = Duration::from_secs(72 * 3600);
/// How tokens of invitations begin.
const PREFIX: &str = "kwinv_";

/// A new invitation. Shown once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewInvitation {
    /// Whom it invites.
    pub user: UserView,
    /// What the link holds.
    pub token: Password,
    /// Where it leads, on the operators' port. What follows `#` no browser sends, so that it stands in no log.
    pub link: Password,
    /// From when on it is refused.
    pub expires_at: String,
}

/// An invitation, for whoever has its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invited {
    /// What the user signs in with.
    pub username: String,
    /// From when on it is refused.
    pub expires_at: String,
}

/// Makes one, in place of the one before.
///
/// # Errors
/// No such user, or one that is paused.
pub async fn make(service: &Service, who: &str, origin: &Origin) -> Result<NewInvitation, Failure> {
    let user = users::find(service, who).await?;
    let mut random = [0; 24];
    service.random.fill(&mut random);
    let token = ApiKeySecret::assemble(PREFIX, &random, &service.tag_key);
    let expires_at = origin.at.after(GOOD_FOR);
    let link = NewLink { digest: digest(token.expose()), created_at: origin.at, expires_at };
    let mut event = origin.event(Action::UserInvited, &user.owner.id);
    event.detail.push(("username", user.owner.username.clone()));
    event.detail.push(("expiresAt", rfc3339(expires_at).into()));
    if !service.store.invite(&user.owner.id, &link, &event).await? {
        let message = format!("{} is disabled; enable it before you invite it", user.owner.username);
        return Err(Failure { kind: Kind::Conflict, message });
    }
    let token = token.expose().to_owned();
    Ok(NewInvitation {
        user: UserView::from(&user),
        link: Password::from(format!("/console/#/invite/{token}")),
        token: Password::from(token),
        expires_at: rfc3339(expires_at),
    })
}

/// Who is invited by a token.
///
/// # Errors
/// It does not count: unknown, used, ended or too old, all in the same words; too many that were tried.
pub async fn look(service: &Service, token: &Password, origin: &Origin) -> Result<Invited, Failure> {
    admit(service, token, origin).await?;
    let found = service.store.invitation(&digest(token.expose())).await?;
    match found.filter(|found| origin.at < found.expires_at && !found.user.owner.is_paused()) {
        Some(found) => {
            Ok(Invited { username: found.user.owner.username.to_string(), expires_at: rfc3339(found.expires_at) })
        }
        None => Err(refuse(service, origin).await),
    }
}

/// Sets the password of whoever is invited by a token, which is used up. Its sessions end.
///
/// # Errors
/// As [`look`]; a password that is too weak: then the token goes on.
pub async fn accept(service: &Service, token: &Password, password: Password, origin: &Origin) -> Result<(), Failure> {
    admit(service, token, origin).await?;
    let digest = digest(token.expose());
    let found = service.store.invitation(&digest).await?;
    // Looked at before the costly part, and again in the transaction that uses it up.
    let Some(found) = found.filter(|found| origin.at < found.expires_at) else {
        return Err(refuse(service, origin).await);
    };
    let hash = service.passwords.hash(password, &*service.random).await?;
    let user = &found.user.owner;
    let origin = Origin { actor: user.id.clone(), ..origin.clone() };
    let mut event = origin.event(Action::InvitationAccepted, &user.id);
    event.detail.push(("username", user.username.clone()));
    match service.store.accept_invitation(&digest, &hash, &event).await? {
        Some(head) => {
            users::forget_initial(service, &user.username);
            service.receipt(head, service.now()).await;
            Ok(())
        }
        None => Err(refuse(service, &origin).await),
    }
}

/// What was not made here is a guess, and counted as one.
pub(crate) async fn admit(service: &Service, token: &Password, origin: &Origin) -> Result<(), Failure> {
    if is_genuine(token.expose().as_bytes(), &service.tag_key) {
        return Ok(());
    }
    let attempt = Attempt { client: origin.client, subject: None };
    if let Err(throttled) = throttle::admit(service, attempt) {
        let failed = Failed { service, origin, endpoint: Endpoint::Login };
        return Err(failed.refuse((Why::Throttled, UNKNOWN), throttled).await);
    }
    throttle::wrong(service, attempt);
    Err(refuse(service, origin).await)
}

const UNKNOWN: &str = "unknown link";

pub(crate) async fn refuse(service: &Service, origin: &Origin) -> Failure {
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    let message = "This link is not valid any more. Ask whoever sent it for another one.".to_owned();
    failed.refuse((Why::NoLink, UNKNOWN), Failure { kind: Kind::NotFound, message }).await
}

fn digest(token: &str) -> ApiKeyDigest {
    ApiKeyDigest::of(token.as_bytes())
}
