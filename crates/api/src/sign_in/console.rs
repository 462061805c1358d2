//! Signing in to the console, in two steps where the user has a second factor: the password gives a ticket, and the ticket with a
//! code the session.

use keyward_core::digest::ApiKeyDigest;
use keyward_core::key_format::{ApiKeySecret, is_genuine};
use keyward_core::plane::Plane;
use keyward_core::route::Endpoint;
use keyward_engine::factors::Proof;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::{Failure, Kind};
use crate::origin::Origin;
use crate::service::Service;
use crate::sessions::families::{Failed, unauthorized};
use crate::sign_in;
use crate::sign_in::Who;
use crate::sign_in::attempts::Why;
use crate::sign_in::cookie::CookieSession;
use crate::sign_in::passwords::Password;
use crate::sign_in::proof::prove;
use crate::sign_in::second_factor::{self, KINDS};
use crate::sign_in::throttle::{self, Attempt};
use crate::sign_in::tickets::Ticket;

/// What a right password gives.
pub enum FirstStep {
    /// A session: nothing else is asked of this user.
    Session(CookieSession),
    /// A ticket, to be shown with a code.
    SecondFactor(Asked),
}

/// What is asked of whoever showed the right password. The ticket is not printed.
#[derive(Serialize, JsonSchema)]
pub struct Asked {
    /// Good for one sign-in, some minutes, and a few codes.
    #[serde(serialize_with = "exposed")]
    #[schemars(with = "String")]
    pub ticket: ApiKeySecret,
    /// What may be shown with it.
    pub kinds: [&'static str; 2],
}

fn exposed<S: serde::Serializer>(ticket: &ApiKeySecret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(ticket.expose())
}

/// How tickets begin.
const TICKET_PREFIX: &str = "kwtic_";

/// The first step, for operators alone.
///
/// # Errors
/// A wrong name or password, alike in words and time; a user who is no operator; too many that wait; a store that does not answer.
pub async fn begin(
    service: &Service,
    username: &str,
    password: Password,
    origin: &Origin,
) -> Result<FirstStep, Failure> {
    let proven = prove(service, username, password, origin).await?;
    sign_in::cookie::admit_operator(service, &proven.user, origin).await?;
    if !proven.second_factor {
        let who = Who::of(&proven.user);
        let proof = Proof { password: proven.hash, second: None };
        return sign_in::cookie::begin(service, Plane::Control, (who, proof), origin).await.map(FirstStep::Session);
    }
    let mut random = [0; 24];
    service.random.fill(&mut random);
    let ticket = ApiKeySecret::assemble(TICKET_PREFIX, &random, &service.tag_key);
    let waiting = Ticket { user: proven.user.id, username: proven.user.username, password: proven.hash };
    if !service.tickets.keep(digest(ticket.expose()), waiting, service.now().monotonic) {
        let message = "too many sign-ins wait for a code; try again in a moment".to_owned();
        return Err(Failure { kind: Kind::Unavailable, message });
    }
    Ok(FirstStep::SecondFactor(Asked { ticket, kinds: KINDS }))
}

/// The second step.
///
/// # Errors
/// A ticket that is none, too old or used; a code that is wrong or used; too many that were; a user who is paused, or got another
/// password since.
pub async fn finish(
    service: &Service,
    ticket: &str,
    code: &Password,
    origin: &Origin,
) -> Result<CookieSession, Failure> {
    let failed = Failed { service, origin, endpoint: Endpoint::Login };
    let none = || unauthorized("This sign-in waits no more; begin again with the password.");
    if !is_genuine(ticket.as_bytes(), &service.tag_key) {
        let attempt = Attempt { client: origin.client, subject: None };
        if let Err(throttled) = throttle::admit(service, attempt) {
            return Err(failed.refuse((Why::Throttled, "unknown ticket"), throttled).await);
        }
        throttle::wrong(service, attempt);
        return Err(failed.refuse((Why::NoTicket, "unknown ticket"), none()).await);
    }
    let digest = digest(ticket);
    let Some(waiting) = service.tickets.try_one(&digest, service.now().monotonic) else {
        return Err(failed.refuse((Why::NoTicket, "unknown ticket"), none()).await);
    };
    let who = Who { id: waiting.user, username: waiting.username };
    let second = second_factor::read(service, &who, code, origin).await?;
    // Of two who show it with a right code at once, one goes on.
    if !service.tickets.end(&digest) {
        return Err(failed.refuse((Why::NoTicket, &who.id), none()).await);
    }
    let proof = Proof { password: waiting.password, second: Some(second) };
    sign_in::cookie::begin(service, Plane::Control, (who, proof), origin).await
}

fn digest(ticket: &str) -> ApiKeyDigest {
    ApiKeyDigest::of(ticket.as_bytes())
}
