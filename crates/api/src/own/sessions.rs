//! A user's own sessions: which there are, the end of one, and of all at once.

use keyward_core::principal::{Kind as CredentialKind, Principal};
use keyward_engine::audit::Action;
use keyward_engine::people::{Changed, UserChange, UserRecord};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::{Failure, Kind};
use crate::origin::Origin;
use crate::service::Service;
use crate::sessions::{self, SessionView};
use crate::view::{Listing, ReceiptView};

/// A session as its own user sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnSessionView {
    /// The session.
    #[serde(flatten)]
    pub view: SessionView,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The sessions of the caller that count, the last begun first.
///
/// # Errors
/// A caller without a session by cookie.
pub async fn list(service: &Service, caller: &Principal) -> Result<Listing<OwnSessionView>, Failure> {
    let user = user(service, caller).await?;
    let own = |view: SessionView| OwnSessionView { current: *view.id == *caller.credential.text(), view };
    let data = sessions::live(service, &user.owner.id).await?.into_iter().map(own).collect();
    Ok(Listing { data, next_cursor: None })
}

/// Ends one of them, on every node before this returns.
///
/// # Errors
/// A session that is not there, or somebody else's: alike.
pub async fn end(service: &Service, caller: &Principal, id: &str, origin: &Origin) -> Result<ReceiptView, Failure> {
    let user = user(service, caller).await?;
    let found = service.store.find_sessions(&[id.into()]).await?.sessions.into_iter().next().flatten();
    let session = found.map(|found| found.session).filter(|one| one.user == user.owner.id && one.client.is_none());
    let Some(session) = session else { return Err(sessions::no_such_session()) };
    let event = origin.event(Action::SignedOut, &session.id);
    match service.store.end_session(&session.id, "signed out", &event).await? {
        Changed::Done(head, _) => Ok(service.receipt(head, service.now()).await),
        Changed::NotFound | Changed::Refused(_) => Err(sessions::no_such_session()),
    }
}

/// Ends all of them, the caller's too, on every node before this returns.
///
/// # Errors
/// A caller without a session by cookie.
pub async fn end_all(service: &Service, caller: &Principal, origin: &Origin) -> Result<ReceiptView, Failure> {
    let user = user(service, caller).await?;
    let changed =
        crate::people::users::change(service, &user.owner.id, &UserChange::SignOut(origin.at), origin).await?;
    Ok(changed.receipt)
}

/// Whoever signed in with the cookie that asks.
///
/// # Errors
/// Another credential: what a key or a token can do, it cannot do to the one who gave it away.
pub(crate) async fn user(service: &Service, caller: &Principal) -> Result<UserRecord, Failure> {
    if caller.kind != CredentialKind::Session {
        return Err(Failure::forbidden("this is for whoever signed in with a browser; a key or token cannot do it"));
    }
    let gone = || Failure { kind: Kind::NotFound, message: "the user is gone".to_owned() };
    service.store.user_as_of(&caller.id).await?.1.ok_or_else(gone)
}
