//! The proof that somebody knows a user's password: throttled, one turn after the other, and recorded where it fails.

use keyward_core::api_key::Owner;
use keyward_core::route::Endpoint;
use keyward_engine::audit::Action;
use keyward_engine::people::{Changed, PasswordHash, UserChange, UserRecord};

use crate::failure::{Failure, Kind};
use crate::fields;
use crate::import::foreign;
use crate::origin::Origin;
use crate::service::Service;
use crate::sessions::families::{Failed, unauthorized};
use crate::sign_in::attempts::Why;
use crate::sign_in::passwords::{Password, is_too_long};
use crate::sign_in::throttle::{self, Attempt};

/// The subject of an attempt that was refused before anybody looked up whose it is.
const NOT_LOOKED_UP: &str = "not looked up";

/// A user whose password was found to be right.
pub(crate) struct Proven {
    pub(crate) user: Owner,
    pub(crate) hash: PasswordHash,
    /// Whether something else is asked of it.
    pub(crate) second_factor: bool,
}

/// The user of a name, if this is its password.
///
/// # Errors
/// A wrong name or password, alike in words and time; too much that was wrong before; too many that wait; a store that does not
/// answer.
pub(crate) async fn prove(
    service: &Service,
    username: &str,
    password: Password,
    origin: &Origin,
) -> Result<Proven, Failure> {
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    let name = fields::username(username).ok();
    let attempt = Attempt { client: origin.client, subject: name.as_deref() };
    if let Err(throttled) = throttle::admit(service, attempt) {
        return Err(failed.refuse((Why::Throttled, NOT_LOOKED_UP), throttled).await);
    }
    if is_too_long(password.expose()) {
        throttle::wrong(service, attempt);
        return Err(failed.refuse((Why::TooLong, NOT_LOOKED_UP), wrong()).await);
    }
    let turn = match service.passwords.turn(origin.client).await {
        Ok(turn) => turn,
        Err(crowded) => {
            let why = if crowded.kind == Kind::Unavailable { Why::Busy } else { Why::AddressBusy };
            return Err(failed.refuse((why, NOT_LOOKED_UP), crowded).await);
        }
    };
    // Others had their turn meanwhile, and may have been wrong.
    if let Err(throttled) = throttle::admit(service, attempt) {
        return Err(failed.refuse((Why::Throttled, NOT_LOOKED_UP), throttled).await);
    }
    let user = match &name {
        Some(name) => service.store.find_user(name).await?.filter(|user| *user.owner.username == **name),
        None => None,
    };
    let hash = user.as_ref().and_then(|user| user.password.clone());
    let foreign = hash.as_ref().is_some_and(|hash| !foreign::is_ours(hash)).then(|| password.clone());
    let right = service.passwords.verify(turn, password, hash.clone()).await?;
    // What is nobody's name is not written down: people type passwords into the wrong field.
    let subject = user.as_ref().map_or_else(|| "unknown user".into(), |user| user.owner.id.clone());
    let (true, Some(user), Some(hash)) = (right, user, hash) else {
        throttle::wrong(service, attempt);
        return Err(failed.refuse((Why::WrongPassword, &subject), wrong()).await);
    };
    let hash = renewed(service, (&user, hash), foreign, origin).await;
    Ok(Proven { user: user.owner, hash, second_factor: user.second_factor })
}

/// The hash that counts from now on: one that another program made gives way to one of our own as soon as its password is
/// known. Where that cannot be done now it is done at the next sign-in.
async fn renewed(
    service: &Service,
    (user, hash): (&UserRecord, PasswordHash),
    password: Option<Password>,
    origin: &Origin,
) -> PasswordHash {
    let Some(password) = password else { return hash };
    let Some(ours) = service.passwords.renew(password, &*service.random, origin.client).await else { return hash };
    let mut event =
        Origin { actor: user.owner.id.clone(), ..origin.clone() }.event(Action::PasswordRenewed, &user.owner.id);
    event.detail.push(("username", user.owner.username.clone()));
    let change = UserChange::Renew { from: hash.clone(), to: ours.clone() };
    match service.store.change_user(&user.owner.id, &change, &event).await {
        Ok(Changed::Done(_, now)) if now.password.as_ref() == Some(&ours) => ours,
        // Another password may have come meanwhile: the one that was verified then begins no session.
        _ => hash,
    }
}

/// A wrong name or password.
pub(crate) fn wrong() -> Failure {
    unauthorized("The username or the password is wrong.")
}
