//! A user's own second factor: looked at, enrolled, confirmed, given other recovery codes, removed.

use std::time::Duration;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::principal::Principal;
use keyward_engine::audit::{Action, AuditEvent};
use keyward_engine::factors::{Authenticator, FactorChange};
use keyward_engine::people::UserRecord;
use schemars::JsonSchema;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::origin::Origin;
use crate::own::sessions;
use crate::service::Service;
use crate::sign_in::Who;
use crate::sign_in::passwords::Password;
use crate::sign_in::proof::prove;
use crate::sign_in::recovery_codes;
use crate::sign_in::second_factor::{self, open, purpose};
use crate::sign_in::totp;
use crate::view::ReceiptView;

/// How long an authenticator may wait to be confirmed.
const ENROLMENT: Duration = Duration::from_secs(15 * 60);

/// What a user has beside its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FactorsView {
    /// Whether an authenticator counts.
    pub totp: bool,
    /// How many recovery codes are left.
    pub recovery_codes_left: usize,
}

/// A new authenticator, which does not count yet. Shown once; not printed.
#[derive(Serialize, JsonSchema)]
pub struct Enrolment {
    /// To be typed in (base 32).
    #[schemars(with = "String")]
    pub secret: Zeroizing<String>,
    /// To be shown as a QR code.
    #[schemars(with = "String")]
    pub uri: Zeroizing<String>,
}

/// New recovery codes. Shown once; not printed.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodes {
    /// Each good once.
    pub recovery_codes: Vec<String>,
}

/// What the caller has.
///
/// # Errors
/// A caller without a session by cookie.
pub async fn look(service: &Service, caller: &Principal) -> Result<FactorsView, Failure> {
    let user = sessions::user(service, caller).await?;
    let factors = service.store.factors(&user.owner.id).await?;
    let totp = factors.authenticator.is_some_and(|one| one.confirmed_at.is_some());
    Ok(FactorsView { totp, recovery_codes_left: factors.recovery_codes.len() })
}

/// Makes an authenticator, for whoever knows the password. It counts once it is confirmed.
///
/// # Errors
/// A wrong password, as at a sign-in; one that counts already.
pub async fn begin(
    service: &Service,
    caller: &Principal,
    password: Password,
    origin: &Origin,
) -> Result<Enrolment, Failure> {
    let user = sessions::user(service, caller).await?;
    prove(service, &user.owner.username, password, origin).await?;
    let mut secret = Zeroizing::new([0; totp::SECRET_BYTES]);
    service.random.fill(secret.as_mut_slice());
    let id = service.new_id("fac");
    let sealed = service.opener.seal(&purpose(&user.owner.id, &id), secret.as_slice(), &*service.random);
    let sealed = sealed.ok_or_else(|| Failure {
        kind: Kind::Unavailable,
        message: "there is no master key to seal the secret with".to_owned(),
    })?;
    let new = Authenticator { id, sealed, created_at: origin.at, confirmed_at: None };
    let event = event(origin, Action::SecondFactorBegun, &user);
    if service.store.change_factors(&user.owner.id, &FactorChange::Begin(&new), &event).await?.is_none() {
        return Err(conflict("there is a second factor already; remove it first"));
    }
    let issuer = service.configuration().rules.tokens.issuer.clone();
    let uri = totp::uri(secret.as_slice(), &issuer, &user.owner.username);
    Ok(Enrolment { secret: totp::base32(secret.as_slice()), uri })
}

/// Has the authenticator count from now on, for whoever shows a code of it; the code is used up. The recovery codes are in this
/// answer and nowhere else.
///
/// # Errors
/// A wrong code; no authenticator that waits, or one that has waited too long.
pub async fn confirm(
    service: &Service,
    caller: &Principal,
    code: &Password,
    origin: &Origin,
) -> Result<RecoveryCodes, Failure> {
    let user = sessions::user(service, caller).await?;
    let waits = |one: &Authenticator| one.confirmed_at.is_none() && origin.at < one.created_at.after(ENROLMENT);
    let factors = service.store.factors(&user.owner.id).await?;
    let authenticator = factors.authenticator.filter(waits);
    let authenticator = authenticator.ok_or_else(|| conflict("no second factor waits to be confirmed; begin again"))?;
    let secret = open(service, &user.owner.id, &authenticator)?;
    let typed: Zeroizing<String> = Zeroizing::new(code.expose().chars().filter(|c| !c.is_whitespace()).collect());
    // Who asks was shown the secret a moment ago: there is nothing to guess.
    let step = totp::step(&secret, &typed, origin.at)
        .ok_or_else(|| Failure::invalid("the code is wrong; see that the clock of your device is right"))?;
    let (codes, kept) = new_codes(service, &user);
    let change = FactorChange::Confirm { authenticator: &authenticator.id, step, at: origin.at, codes: &kept };
    let event = event(origin, Action::SecondFactorEnrolled, &user);
    felt(service, &user, (&change, &event)).await?;
    Ok(codes)
}

/// Other recovery codes in place of those before, for whoever knows the password.
///
/// # Errors
/// A wrong password, as at a sign-in; a user without a second factor.
pub async fn renew_codes(
    service: &Service,
    caller: &Principal,
    password: Password,
    origin: &Origin,
) -> Result<RecoveryCodes, Failure> {
    let user = sessions::user(service, caller).await?;
    prove(service, &user.owner.username, password, origin).await?;
    let (codes, kept) = new_codes(service, &user);
    let event = event(origin, Action::RecoveryCodesMade, &user);
    felt(service, &user, (&FactorChange::Codes(&kept), &event)).await?;
    Ok(codes)
}

/// Removes it, for whoever knows the password and shows a code, which is used up.
///
/// # Errors
/// A wrong password or code, as at a sign-in; a user without a second factor.
pub async fn remove(
    service: &Service,
    caller: &Principal,
    (password, code): (Password, &Password),
    origin: &Origin,
) -> Result<ReceiptView, Failure> {
    let user = sessions::user(service, caller).await?;
    if !user.second_factor {
        return Err(conflict(NONE));
    }
    prove(service, &user.owner.username, password, origin).await?;
    let who = Who::of(&user.owner);
    let second = second_factor::read(service, &who, code, origin).await?;
    let event = event(origin, Action::SecondFactorRemoved, &user);
    match service.store.change_factors(&who.id, &FactorChange::Remove(Some(&second)), &event).await? {
        Some(head) => Ok(service.receipt(head, service.now()).await),
        None => Err(second_factor::wrong(service, &who, origin).await),
    }
}

const NONE: &str = "there is no second factor";

async fn felt(
    service: &Service,
    user: &UserRecord,
    (change, event): (&FactorChange<'_>, &AuditEvent),
) -> Result<(), Failure> {
    match service.store.change_factors(&user.owner.id, change, event).await? {
        Some(head) => {
            service.receipt(head, service.now()).await;
            Ok(())
        }
        None => Err(conflict(NONE)),
    }
}

fn new_codes(service: &Service, user: &UserRecord) -> (RecoveryCodes, Vec<ApiKeyDigest>) {
    let codes = recovery_codes::make(&*service.random);
    let digest = |code: &String| recovery_codes::digest(code, &user.owner.id, &service.tag_key);
    let kept = codes.iter().map(digest).collect();
    (RecoveryCodes { recovery_codes: codes }, kept)
}

fn event(origin: &Origin, action: Action, user: &UserRecord) -> AuditEvent {
    let mut event = origin.event(action, &user.owner.id);
    event.actor = user.owner.id.clone();
    event.detail.push(("username", user.owner.username.clone()));
    event
}

fn conflict(message: &str) -> Failure {
    Failure { kind: Kind::Conflict, message: message.to_owned() }
}
