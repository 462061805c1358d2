//! Links to the customer portal: an operator's backend makes one for an account, and whoever follows it is let in once, for a few
//! minutes, to that account's own affairs and nothing else.

use std::time::Duration;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::ApiKeySecret;
use keyward_core::plane::Plane;
use keyward_engine::audit::Action;
use keyward_engine::links::NewLink;
use keyward_engine::people::AccountRecord;
use keyward_engine::ports::NewUser;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::rfc3339;
use crate::origin::Origin;
use crate::people::accounts;
use crate::people::invitations::{admit, refuse};
use crate::service::Service;
use crate::sign_in;
use crate::sign_in::Who;
use crate::sign_in::cookie::CookieSession;
use crate::sign_in::passwords::Password;

/// How long a link is good.
pub const GOOD_FOR: Duration = Duration::from_secs(10 * 60);
/// How tokens of links begin.
const PREFIX: &str = "kwprt_";
/// The role of the users who stand for accounts; a session of the portal has no more than its `self:` scopes.
const ROLE: &str = "self";

/// A new link. Shown once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortalLink {
    /// The id of the account.
    pub account: String,
    /// Where it leads on the data port. What follows `#` no browser sends, so that it stands in no log.
    #[schemars(with = "String")]
    pub link: Password,
    /// From when on it is refused.
    pub expires_at: String,
}

/// Makes one for an account, named by its id, its name or the operator's reference.
///
/// # Errors
/// The portal is off; no such account, or one that is paused.
pub async fn make(service: &Service, which: &str, origin: &Origin) -> Result<PortalLink, Failure> {
    let configuration = service.configuration();
    let portal = configuration.portal.as_ref().ok_or_else(|| conflict("the portal is off; portal.path turns it on"))?;
    let account = accounts::find(service, which).await?;
    let user = user_of(service, &account, origin).await?;
    let mut random = [0; 24];
    service.random.fill(&mut random);
    let token = ApiKeySecret::assemble(PREFIX, &random, &service.tag_key);
    let expires_at = origin.at.after(GOOD_FOR);
    let link = NewLink { digest: digest(token.expose()), created_at: origin.at, expires_at };
    let mut event = origin.event(Action::PortalLinkMade, &account.id);
    event.detail.push(("user", user.clone()));
    event.detail.push(("expiresAt", rfc3339(expires_at).into()));
    if !service.store.keep_portal_link(&user, &link, &event).await? {
        return Err(conflict("the account, or its user of the portal, is disabled"));
    }
    Ok(PortalLink {
        account: account.id.to_string(),
        link: Password::from(format!("{}/#/enter/{}", portal.path, token.expose())),
        expires_at: rfc3339(expires_at),
    })
}

/// The id of the user who stands for an account.
async fn user_of(service: &Service, account: &AccountRecord, origin: &Origin) -> Result<Box<str>, Failure> {
    let username: Box<str> = format!("portal.{}", account.id.to_ascii_lowercase()).into();
    let new = NewUser {
        id: service.new_id("user"),
        username: username.clone(),
        roles: vec![ROLE.into()],
        account: Some(account.id.clone()),
        external_id: None,
        password: None,
        created_at: origin.at,
    };
    let mut event = origin.event(Action::UserCreated, &new.id);
    event.detail.push(("username", username.clone()));
    event.detail.push(("roles", ROLE.into()));
    let user = service.store.portal_user(&account.id, &new, &event).await?;
    user.map(|user| user.id)
        .ok_or_else(|| conflict(&format!("there is another user {username:?}; rename or remove it")))
}

/// Begins a session by a link, which is used up.
///
/// # Errors
/// It does not count: unknown, used, or too old, all in the same words; too many that were tried.
pub async fn enter(service: &Service, token: &Password, origin: &Origin) -> Result<CookieSession, Failure> {
    admit(service, token, origin).await?;
    let digest = digest(token.expose());
    let Some(user) = service.store.portal_link(&digest).await? else { return Err(refuse(service, origin).await) };
    let mut new = sign_in::cookie::NewCookie::of(service, (&Who::of(&user), Plane::Data), origin);
    new.session.portal = true;
    new.event.detail.push(("by", "portal link".into()));
    let begun = service.store.begin_portal_session(&new.session, &digest, &new.digest, &new.event).await?;
    match begun {
        Some(held) => Ok(new.told(service, &held)),
        None => Err(refuse(service, origin).await),
    }
}

fn digest(token: &str) -> ApiKeyDigest {
    ApiKeyDigest::of(token.as_bytes())
}

fn conflict(message: &str) -> Failure {
    Failure { kind: Kind::Conflict, message: message.to_owned() }
}
