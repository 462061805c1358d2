//! The throttle as operations ask it: before a secret is looked at, and after one was wrong.
//!
//! Whoever asks has no proof in hand that the secret was made here: one with a right keyed tag is no guess, and is neither
//! counted nor turned away.

use std::net::IpAddr;

use keyward_core::decision::{Throttled, ThrottledBy};
use keyward_http::limits::retry_after;

use crate::failure::{Failure, Kind};
use crate::service::Service;

/// Whom a secret is shown for, from where.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The address; `None`: whoever may use the data directory, who is not counted.
    pub client: Option<IpAddr>,
    /// Whom it is for, in its one spelling: a username, the id of a client.
    pub subject: Option<&'a str>,
}

/// Whether they have to wait before it is looked at.
pub fn held(service: &Service, attempt: Attempt<'_>) -> Option<Throttled> {
    let rules = service.configuration().rules.guarding.throttle?;
    service.throttle.holds(&rules, attempt.client?, attempt.subject, service.now().monotonic)
}

/// As [`held`], for an endpoint.
///
/// # Errors
/// They have to wait, for as long as `Retry-After` will say.
pub fn admit(service: &Service, attempt: Attempt<'_>) -> Result<(), Failure> {
    let Some(throttled) = held(service, attempt) else { return Ok(()) };
    let seconds = retry_after(throttled.retry_after);
    let kind = match throttled.by {
        ThrottledBy::Address => Kind::Throttled(seconds),
        ThrottledBy::Subject => Kind::SubjectThrottled(seconds),
    };
    let message = format!("Too many wrong credentials came from this address. Try again in {seconds} s.");
    Err(Failure { kind, message })
}

/// The secret was wrong.
pub fn wrong(service: &Service, attempt: Attempt<'_>) {
    let rules = service.configuration().rules.guarding.throttle;
    if let (Some(rules), Some(client)) = (rules, attempt.client) {
        service.throttle.wrong(&rules, client, attempt.subject, service.now().monotonic);
    }
}
