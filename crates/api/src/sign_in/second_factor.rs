//! The proof that somebody has a user's second factor: counted, throttled, and recorded where it fails. That what was shown was
//! not used before is found out in the transaction that uses it.

use keyward_core::route::Endpoint;
use keyward_engine::factors::{Authenticator, Proof, Second};
use keyward_http::limits::retry_after;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::origin::Origin;
use crate::service::Service;
use crate::sessions::families::Failed;
use crate::sign_in::Who;
use crate::sign_in::attempts::Why;
use crate::sign_in::passwords::Password;
use crate::sign_in::proof::Proven;
use crate::sign_in::recovery_codes;
use crate::sign_in::throttle::{self, Attempt};
use crate::sign_in::totp;

/// The kinds that there are, for whoever is asked for one.
pub(crate) const KINDS: [&str; 2] = ["totp", "recovery"];

/// What whoever showed the right password must show beside it, in the same request. `None`: nothing is asked of this user.
///
/// # Errors
/// It is not there, or wrong.
pub(crate) async fn demand(
    service: &Service,
    proven: &Proven,
    code: Option<&Password>,
    origin: &Origin,
) -> Result<Option<Second>, Failure> {
    if !proven.second_factor {
        return Ok(None);
    }
    let who = Who::of(&proven.user);
    match code {
        Some(code) => read(service, &who, code, origin).await.map(Some),
        None => Err(missing(service, &who, origin).await),
    }
}

/// The store does not let a session begin by what was shown beside the password.
pub(crate) async fn unproven(service: &Service, who: &Who, proof: &Proof, origin: &Origin) -> Failure {
    match proof.second {
        Some(_) => wrong(service, who, origin).await,
        // It has a second factor since a moment ago.
        None => missing(service, who, origin).await,
    }
}

async fn missing(service: &Service, who: &Who, origin: &Origin) -> Failure {
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    let missing = refused(
        "This user has a second factor: send \"code\" as well, a code of its authenticator or a recovery code.",
    );
    failed.refuse((Why::NoCode, &who.id), missing).await
}

/// What a code is of.
///
/// # Errors
/// It is wrong; too many were; the secret that it is compared with cannot be opened.
pub(crate) async fn read(service: &Service, who: &Who, code: &Password, origin: &Origin) -> Result<Second, Failure> {
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    let attempt = Attempt { client: origin.client, subject: Some(&who.username) };
    if let Err(throttled) = throttle::admit(service, attempt) {
        return Err(failed.refuse((Why::Throttled, &who.id), throttled).await);
    }
    let factors = service.store.factors(&who.id).await?;
    let found = if let Some(typed) = of_six_digits(code) {
        if let Err(left) = service.tickets.count_code(&who.id, service.now().monotonic) {
            let seconds = retry_after(left);
            let message = format!("Too many codes were wrong. Use a recovery code, or try again in {seconds} s.");
            let held = Failure { kind: Kind::SubjectThrottled(seconds), message };
            return Err(failed.refuse((Why::CodesHeld, &who.id), held).await);
        }
        match factors.authenticator.filter(|one| one.confirmed_at.is_some()) {
            Some(authenticator) => {
                let secret = open(service, &who.id, &authenticator)?;
                let step = totp::step(&secret, &typed, origin.at);
                step.map(|step| Second::Step { authenticator: authenticator.id, step })
            }
            None => None,
        }
    } else {
        let digest = recovery_codes::digest(code.expose(), &who.id, &service.tag_key);
        factors.recovery_codes.contains(&digest).then_some(Second::Recovery(digest))
    };
    match found {
        Some(second) => Ok(second),
        None => Err(wrong(service, who, origin).await),
    }
}

/// A code that is wrong, or that was used before: told alike, counted and recorded alike.
pub(crate) async fn wrong(service: &Service, who: &Who, origin: &Origin) -> Failure {
    throttle::wrong(service, Attempt { client: origin.client, subject: Some(&who.username) });
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    failed.refuse((Why::WrongCode, &who.id), refused("The code is wrong, or was used before.")).await
}

fn refused(message: &str) -> Failure {
    Failure { kind: Kind::SecondFactor, message: message.to_owned() }
}

/// The secret of an authenticator.
///
/// # Errors
/// It was sealed with another master key: then nobody's code is right, and the reason is told.
pub(crate) fn open(
    service: &Service,
    user: &str,
    authenticator: &Authenticator,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let opened = service.opener.unseal(&purpose(user, &authenticator.id), &authenticator.sealed);
    opened.ok_or_else(|| Failure {
        kind: Kind::Unavailable,
        message:
            "the secret of the second factor cannot be opened: the master key is another. An operator can remove the \
                  second factor: keyward user second-factor remove"
                .to_owned(),
    })
}

/// What a secret is sealed for: one authenticator of one user.
pub(crate) fn purpose(user: &str, authenticator: &str) -> String {
    format!("keyward second factor {authenticator} of {user}")
}

/// As people type what their phone shows, in two groups or one. `None`: it is no code by time.
fn of_six_digits(code: &Password) -> Option<Zeroizing<String>> {
    let typed: Zeroizing<String> = Zeroizing::new(code.expose().chars().filter(|c| !c.is_whitespace()).collect());
    (typed.len() == totp::DIGITS && typed.bytes().all(|byte| byte.is_ascii_digit())).then_some(typed)
}
