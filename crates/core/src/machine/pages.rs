//! The step between who calls and what it may do, for sessions: what changes something must be a page's own.

use super::{Authentication, Routed};
use crate::decision::{Denial, Forbidden, Reason};
use crate::listener::{Event, Listener};
use crate::page;

/// Swallows who was verified, and gives it back where its page may do this. Other credentials than sessions are not sent by
/// browsers on their own.
pub(super) fn check(
    routed: &Routed<'_>,
    authentication: Authentication,
    listener: &mut impl Listener,
) -> Result<Authentication, Denial> {
    let facts = routed.frame.facts;
    let Some(token) = authentication.entry.csrf.as_ref().filter(|_| !page::is_safe(facts.method)) else {
        return Ok(authentication);
    };
    let verdict = page::check(facts.headers, token, routed.frame.rules.guarding.sessions_of(facts.plane));
    listener.hear(Event::Page(verdict));
    match verdict {
        Ok(()) => Ok(authentication),
        Err(fault) => Err(routed.denial(Reason::Forbidden(Forbidden::Page(fault)), Some(authentication.entry))),
    }
}
