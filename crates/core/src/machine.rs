//! The decision as a machine without IO: it is given facts and rules, asks what it does not know, and concludes.
//!
//! The steps are those of ARCHITECTURE.md. Each proof below swallows the one before it, so that a verdict on one caller
//! cannot be paired with another, and [`Permit`] has no maker but [`conclude`].

mod answers;
mod delivering;
mod examining;
mod pages;
mod spending;
mod steps;

use std::sync::Arc;

use crate::api_key::{CredentialEntry, Rejection};
use crate::decision::{AddressRule, Decision, Denial, Forbidden, Reason, Throttled};
use crate::digest::ApiKeyDigest;
pub use crate::facts::RequestFacts;
use crate::limit::Standings;
pub use crate::listener::{Event, Listener};
use crate::path::PathFault;
use crate::principal::Principal;
use crate::route::{self, Access, Match, Route, RouteId, Several};
use crate::rules::Rules;
use crate::scheme::{Carrier, CredentialKind, Presented, Reading, SchemeId};
use crate::time::Now;
use crate::token::{Claims, Unverified};
pub use answers::Importing;
pub use delivering::{Awaiting, Delivering};
pub use examining::{Examined, Examining};
pub use spending::{Looking, Spending};
pub use steps::{Proven, Question, Recalled, Resumed, Ruled, Step, Strangers, Verified};

/// The rules, the facts and the time of one decision.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    rules: &'a Rules,
    facts: RequestFacts<'a>,
    now: Now,
}

/// Proof of the route and address steps.
#[derive(Clone, Copy, Debug)]
struct Routed<'a> {
    frame: Frame<'a>,
    id: RouteId,
    route: &'a Route,
}

/// A decision that waits for memory.
#[derive(Debug)]
pub struct Recalling<'a> {
    routed: Routed<'a>,
    scheme: SchemeId,
    presented: Presented<'a>,
    digest: ApiKeyDigest,
}

/// A decision that waits for the store.
#[derive(Debug)]
pub struct Fetching<'a> {
    routed: Routed<'a>,
    scheme: SchemeId,
    digest: ApiKeyDigest,
    claims: Option<Box<Claims>>,
}

/// A decision that waits for the word on a signature.
#[derive(Debug)]
pub struct Verifying<'a> {
    routed: Routed<'a>,
    scheme: SchemeId,
    digest: ApiKeyDigest,
    token: Unverified<'a>,
}

/// A credential that was verified. Moved into [`authorize`].
#[derive(Debug)]
struct Authentication {
    entry: Arc<CredentialEntry>,
    scheme: SchemeId,
}

/// A caller who may do this. Moved into [`conclude`].
#[derive(Debug)]
struct Cleared {
    route: RouteId,
    authentication: Option<Authentication>,
}

/// Leave to pass, made only by [`conclude`].
#[derive(Clone, Debug)]
pub struct Permit {
    route: RouteId,
    caller: Option<(Arc<CredentialEntry>, SchemeId)>,
    standings: Standings,
}

impl Permit {
    /// The route that let it pass.
    pub fn route(&self) -> RouteId {
        self.route
    }

    /// Who calls; nobody on a public route.
    pub fn principal(&self) -> Option<&Principal> {
        self.caller.as_ref().map(|(entry, _)| &entry.principal)
    }

    /// The credential, to be kept beyond the permit.
    pub fn shared_credential(&self) -> Option<&Arc<CredentialEntry>> {
        self.caller.as_ref().map(|(entry, _)| entry)
    }

    /// The credential, with the limits it has itself.
    pub fn credential(&self) -> Option<&CredentialEntry> {
        self.caller.as_ref().map(|(entry, _)| &**entry)
    }

    /// Where the caller stands with the limits that this was charged to.
    pub fn standings(&self) -> &Standings {
        &self.standings
    }

    /// The scheme that carried the credential.
    pub fn scheme(&self) -> Option<SchemeId> {
        self.caller.as_ref().map(|(_, scheme)| *scheme)
    }
}

/// Begins a decision.
pub fn decide<'a>(rules: &'a Rules, facts: RequestFacts<'a>, now: Now, listener: &mut impl Listener) -> Step<'a> {
    let frame = Frame { rules, facts, now };
    let routed = match frame.route(listener).and_then(|routed| routed.check_addresses(listener)) {
        Ok(routed) => routed,
        Err(denial) => return Step::Ruled(Ruled::Decided(Decision::Deny(denial))),
    };
    let unasked = Cleared { route: routed.id, authentication: None };
    let Some((schemes, several)) = routed.route.access.reads() else {
        listener.hear(Event::Public);
        return Step::Ruled(routed.spend(unasked));
    };
    match routed.read(schemes, several, listener) {
        Ok((scheme, presented)) => {
            if let Some(Carrier::Webhook(webhook)) = rules.scheme(scheme).map(|scheme| &scheme.carrier) {
                return Awaiting::begin(routed, (scheme, &**webhook), presented);
            }
            let Some(digest) = routed.digest(scheme, presented) else {
                listener.hear(Event::NoPair);
                let denial = routed.reject(scheme, Rejection::Unknown, None);
                return Step::Ruled(Ruled::Decided(Decision::Deny(denial)));
            };
            Step::Recall(digest, Recalling { routed, scheme, presented, digest })
        }
        Err(Reason::NoCredential) if matches!(routed.route.access, Access::Optional { .. }) => {
            listener.hear(Event::Unasked);
            Step::Ruled(routed.spend(unasked))
        }
        Err(reason) => Step::Ruled(Ruled::Decided(Decision::Deny(routed.denial(reason, None)))),
    }
}

/// What becomes of a request whose credential is already known, such as one named by its id in an explanation, up to its
/// limits. It makes no [`Permit`].
///
/// # Errors
/// The denial that the request meets.
pub fn would_pass<'a>(
    rules: &'a Rules,
    facts: RequestFacts<'a>,
    now: Now,
    known: Arc<CredentialEntry>,
    listener: &mut impl Listener,
) -> Result<Option<Looking<'a>>, Denial> {
    let frame = Frame { rules, facts, now };
    let routed = frame.route(listener).and_then(|routed| routed.check_addresses(listener))?;
    let cleared = match &routed.route.access {
        Access::Public => {
            listener.hear(Event::Public);
            Cleared { route: routed.id, authentication: None }
        }
        Access::Credential { schemes, .. } | Access::Optional { schemes, .. } => {
            let carries = |id: &&SchemeId| {
                rules.scheme(**id).is_some_and(|scheme| known.principal.kind.is_carried_by(scheme.kind))
            };
            let Some(scheme) = schemes.iter().find(carries) else {
                return Err(routed.denial(Reason::NoCredential, None));
            };
            routed.clear(known, *scheme, listener)?
        }
    };
    match routed.spend(cleared) {
        Ruled::Decided(_) => Ok(None),
        Ruled::Spend(spending) => Ok(Some(spending.looking())),
    }
}

/// Whether a request would come as far as its credential: the path, route and address steps alone, for a browser's question
/// that can carry no credential. It makes no [`Permit`].
///
/// # Errors
/// The denial that the request would meet.
pub fn would_be_asked(
    rules: &Rules,
    facts: RequestFacts<'_>,
    now: Now,
    listener: &mut impl Listener,
) -> Result<RouteId, Denial> {
    let frame = Frame { rules, facts, now };
    let routed = frame.route(listener).and_then(|routed| routed.check_addresses(listener))?;
    Ok(routed.id)
}

impl<'a> Frame<'a> {
    fn deny(&self, reason: Reason) -> Denial {
        Denial { reason, route: None, scheme: None, credential: None, standings: None }
    }

    /// Path and route. The raw and the decoded reading of the path must lead to the same route.
    fn route(self, listener: &mut impl Listener) -> Result<Routed<'a>, Denial> {
        let target = match self.facts.target {
            Ok(target) => target,
            Err(fault) => {
                listener.hear(Event::Path(Err(*fault)));
                return Err(self.deny(Reason::Path(*fault)));
            }
        };
        listener.hear(Event::Path(Ok(target)));
        let routes = &self.rules.routes;
        let found = routes.find(target.path(), route::Reading::Raw, self.facts.method);
        let decoded = target.decoded_path().map(|path| routes.find(path, route::Reading::Decoded, self.facts.method));
        if decoded.is_some_and(|other| other != found) {
            return Err(self.deny(Reason::Path(PathFault::TwoReadings)));
        }
        let (id, wrong_method) = match found {
            Match::Route(id) => (id, false),
            Match::WrongMethod(id) => (id, true),
            Match::UnknownOwn | Match::None => {
                listener.hear(Event::NotRouted(found));
                let fault = target.oddities().beyond(crate::path::Oddities::default());
                return Err(self.deny(fault.map_or(Reason::NoRoute, Reason::Path)));
            }
        };
        let Some(route) = self.rules.routes.get(id) else {
            return Err(self.deny(Reason::NoRoute));
        };
        let routed = Routed { frame: self, id, route };
        if let Some(fault) = target.oddities().beyond(route.allowed_oddities) {
            return Err(routed.denial(Reason::Path(fault), None));
        }
        // The route allows what is odd here; an upstream that takes it for a separator must not find another route behind it.
        let loose = target.loose_path().map(|path| routes.find(path, route::Reading::Decoded, self.facts.method));
        if loose.is_some_and(|other| other != found && other != Match::None) {
            return Err(routed.denial(Reason::Path(PathFault::TwoReadings), None));
        }
        if wrong_method {
            listener.hear(Event::NotRouted(found));
            return Err(routed.denial(Reason::WrongMethod, None));
        }
        listener.hear(Event::Routed(id, route));
        Ok(routed)
    }
}

impl<'a> Routed<'a> {
    fn denial(&self, reason: Reason, credential: Option<Arc<CredentialEntry>>) -> Denial {
        Denial { route: Some(self.id), credential, ..self.frame.deny(reason) }
    }

    /// A credential that was read is not accepted.
    fn reject(&self, scheme: SchemeId, why: Rejection, credential: Option<Arc<CredentialEntry>>) -> Denial {
        Denial { scheme: Some(scheme), ..self.denial(Reason::Rejected(why), credential) }
    }

    /// Nobody looked at a credential that was read, because too many were wrong before.
    fn throttled(&self, scheme: SchemeId, throttled: Throttled) -> Denial {
        Denial { scheme: Some(scheme), ..self.denial(Reason::Throttled(throttled), None) }
    }

    fn check_addresses(self, listener: &mut impl Listener) -> Result<Self, Denial> {
        let client = crate::address::canonical(self.frame.facts.client);
        for (rule, list) in
            [(AddressRule::Global, &self.frame.rules.addresses), (AddressRule::Route, &self.route.addresses)]
        {
            let passed = list.permits(client);
            listener.hear(Event::Address(rule, client, passed));
            if !passed {
                return Err(self.denial(Reason::Forbidden(Forbidden::Address(rule)), None));
            }
        }
        Ok(self)
    }

    /// Reads the route's schemes in order: none, one, or several.
    fn read(
        &self,
        schemes: &[SchemeId],
        several: Several,
        listener: &mut impl Listener,
    ) -> Result<(SchemeId, Presented<'a>), Reason> {
        let mut found: Option<(SchemeId, Presented<'a>)> = None;
        for id in schemes {
            let Some(carrier) = self.frame.rules.scheme(*id).map(|scheme| &scheme.carrier) else {
                continue;
            };
            let reading = Carrier::read(carrier, self.frame.facts.headers);
            listener.hear(Event::Read(*id, &reading));
            match (reading, found) {
                (Reading::Absent, _) => {}
                (Reading::Malformed(fault), _) => return Err(Reason::Malformed(*id, fault)),
                (Reading::Present(_), Some((first, _))) => return Err(Reason::Ambiguous(first, *id)),
                (Reading::Present(secret), None) if several == Several::First => return Ok((*id, secret)),
                (Reading::Present(secret), None) => found = Some((*id, secret)),
            }
        }
        found.ok_or(Reason::NoCredential)
    }

    /// What memory knows a presented credential by. `None`: it is none.
    fn digest(&self, scheme: SchemeId, presented: Presented<'_>) -> Option<ApiKeyDigest> {
        let rules = self.frame.rules;
        match rules.scheme(scheme).map(|scheme| scheme.kind) {
            Some(CredentialKind::Basic) => rules.guarding.basic.as_ref()?.digest(presented),
            _ => Some(ApiKeyDigest::of(presented.expose())),
        }
    }

    /// Verifies a known key and, when it counts, goes on to authorize and to the limits.
    fn judge(self, entry: Arc<CredentialEntry>, scheme: SchemeId, listener: &mut impl Listener) -> Ruled<'a> {
        match self.clear(entry, scheme, listener) {
            Ok(cleared) => self.spend(cleared),
            Err(denial) => Ruled::Decided(Decision::Deny(denial)),
        }
    }

    /// Verifies a known key and authorizes it.
    fn clear(
        &self,
        entry: Arc<CredentialEntry>,
        scheme: SchemeId,
        listener: &mut impl Listener,
    ) -> Result<Cleared, Denial> {
        let verdict = entry.check_on(self.frame.facts.plane, self.frame.now.wall);
        listener.hear(Event::Checked(&entry, verdict));
        match verdict {
            Err(rejection) => Err(self.reject(scheme, rejection, Some(entry))),
            Ok(()) => {
                let authentication = pages::check(self, Authentication { entry, scheme }, listener)?;
                authorize(self, authentication, listener)
            }
        }
    }

    /// Goes on to the limits, where there are any.
    fn spend(self, cleared: Cleared) -> Ruled<'a> {
        let spending = Spending::new(self, cleared);
        if spending.is_free() { Ruled::Decided(spending.conclude()) } else { Ruled::Spend(spending) }
    }
}

/// The key's own addresses, those of its accounts, then the route's scopes.
fn authorize(
    routed: &Routed<'_>,
    authentication: Authentication,
    listener: &mut impl Listener,
) -> Result<Cleared, Denial> {
    let Authentication { entry, scheme } = authentication;
    let client = crate::address::canonical(routed.frame.facts.client);
    let accounts = entry.account_addresses.iter().map(|list| (AddressRule::Account, list));
    for (rule, list) in std::iter::once((AddressRule::ApiKey, &entry.addresses)).chain(accounts) {
        let inside = list.permits(client);
        listener.hear(Event::Address(rule, client, inside));
        if !inside {
            let reason = Reason::Forbidden(Forbidden::Address(rule));
            return Err(routed.denial(reason, Some(Arc::clone(&entry))));
        }
    }
    let mut missing = false;
    for scope in routed.route.scopes.needed(routed.frame.facts.method) {
        let granted = entry.principal.grants.grant(scope);
        listener.hear(Event::Scope(scope, granted));
        missing |= !granted;
    }
    if missing {
        return Err(routed.denial(Reason::Forbidden(Forbidden::Scope), Some(entry)));
    }
    Ok(Cleared { route: routed.id, authentication: Some(Authentication { entry, scheme }) })
}

/// The only maker of a [`Permit`], from who was cleared and what was spent.
fn conclude(cleared: Cleared, standings: Standings) -> Decision {
    Decision::Allow(Permit {
        route: cleared.route,
        caller: cleared.authentication.map(|Authentication { entry, scheme }| (entry, scheme)),
        standings,
    })
}
