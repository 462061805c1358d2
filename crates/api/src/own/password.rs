//! Another password, given by whoever signs in with it.

use keyward_core::principal::Principal;
use keyward_engine::audit::Action;
use keyward_engine::people::{Changed, UserChange};

use crate::failure::{Failure, Kind};
use crate::origin::Origin;
use crate::own::sessions;
use crate::people::users;
use crate::service::Service;
use crate::sign_in::passwords::Password;
use crate::sign_in::proof::prove;
use crate::view::ReceiptView;

/// Changes the caller's own password, for whoever knows the one that counts. The caller's session goes on; all others of the
/// user end, those by tokens too, before this returns.
///
/// # Errors
/// A caller without a session by cookie; a current password that is wrong, throttled and recorded as a sign-in is; a new one
/// that is too weak or no other; another change at that moment.
pub async fn change(
    service: &Service,
    caller: &Principal,
    (current, new): (Password, Password),
    origin: &Origin,
) -> Result<ReceiptView, Failure> {
    let user = sessions::user(service, caller).await?;
    if current.expose() == new.expose() {
        return Err(Failure::invalid("the new password is the current one"));
    }
    let proven = prove(service, &user.owner.username, current, origin).await?;
    let to = service.passwords.hash(new, &*service.random).await?;
    let session = caller.credential.text().into();
    let change = UserChange::OwnPassword { at: origin.at, from: proven.hash, to: to.clone(), session };
    let mut event = origin.event(Action::PasswordChanged, &proven.user.id);
    event.actor = proven.user.id.clone();
    event.detail.push(("username", proven.user.username.clone()));
    match service.store.change_user(&proven.user.id, &change, &event).await? {
        Changed::Done(head, now) if now.password.as_ref() == Some(&to) => {
            users::forget_initial(service, &proven.user.username);
            Ok(service.receipt(head, service.now()).await)
        }
        Changed::Done(..) | Changed::NotFound | Changed::Refused(_) => Err(Failure {
            kind: Kind::Conflict,
            message: "another password was set at that moment; sign in with it".to_owned(),
        }),
    }
}
