//! What a decision can be: a permit, a denial with its reason, or a fault that is neither.

use std::sync::Arc;
use std::time::Duration;

use crate::api_key::{CredentialEntry, Rejection};
use crate::limit::{LimitId, Standings};
use crate::page::PageFault;
use crate::path::PathFault;
use crate::principal::Principal;
use crate::route::RouteId;
use crate::scheme::{CarrierFault, SchemeId};

pub use crate::decision_id::DecisionId;
pub use crate::machine::Permit;

/// The answer to one request.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It may pass.
    Allow(Permit),
    /// It may not.
    Deny(Denial),
}

/// A refusal: a value, with all that its answer and its record need.
#[derive(Clone, Debug)]
pub struct Denial {
    /// Why.
    pub reason: Reason,
    /// The route that was matched, if it came so far.
    pub route: Option<RouteId>,
    /// The scheme that carried the credential, if one was read.
    pub scheme: Option<SchemeId>,
    /// The known credential, where the right secret was shown.
    pub credential: Option<Arc<CredentialEntry>>,
    /// Where the caller stands with the limits, if one of them is exceeded.
    pub standings: Option<Box<Standings>>,
}

impl Denial {
    /// Whether it is a wrong credential that was known to be wrong without asking anybody: a guess, or a typing error.
    pub fn is_wrong_guess(&self) -> bool {
        self.reason == Reason::Rejected(Rejection::Unknown) && self.credential.is_none()
    }

    /// Whom the record names.
    pub fn principal(&self) -> Option<&Principal> {
        self.credential.as_deref().map(|entry| &entry.principal)
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No route matches.
    NoRoute,
    /// An own endpoint, but not with this method.
    WrongMethod,
    /// The path has more than one reading, or none.
    Path(PathFault),
    /// The route wants a credential and none was shown.
    NoCredential,
    /// A carrier of a credential is broken.
    Malformed(SchemeId, CarrierFault),
    /// Two credentials at once.
    Ambiguous(SchemeId, SchemeId),
    /// The credential is not accepted.
    Rejected(Rejection),
    /// The caller is known, but may not do this.
    Forbidden(Forbidden),
    /// The caller did it too often.
    Limited(Limited),
    /// Too many wrong credentials came from there.
    Throttled(Throttled),
}

/// The limit that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Which.
    pub limit: LimitId,
    /// After which span the same request passes, if nothing else is charged meanwhile.
    pub retry_after: Duration,
}

/// Too many wrong credentials, or too many that wait to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// What they have in common.
    pub by: ThrottledBy,
    /// After which span it is looked at again.
    pub retry_after: Duration,
}

/// What too many wrong credentials have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottledBy {
    /// Where they come from.
    Address,
    /// Whom they are for; this address has part in it.
    Subject,
}

impl ThrottledBy {
    /// The word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Subject => "subject",
        }
    }
}

/// The rule that forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// The address, by the list of…
    Address(AddressRule),
    /// A scope that the route needs and the credential lacks.
    Scope,
    /// A request that a foreign page may have made in the name of a session.
    Page(PageFault),
}

/// Whose list of addresses spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRule {
    /// `ip` of the configuration.
    Global,
    /// `ip` of the route.
    Route,
    /// The key's own list.
    ApiKey,
    /// The list of an account that the credential belongs to.
    Account,
}

impl Reason {
    /// The reason's name in records, problem documents and templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRoute => "NoRoute",
            Self::WrongMethod => "WrongMethod",
            Self::Path(_) | Self::Malformed(..) => "Malformed",
            Self::NoCredential => "NoCredential",
            Self::Ambiguous(..) => "Ambiguous",
            Self::Rejected(_) => "Rejected",
            Self::Forbidden(_) => "Forbidden",
            Self::Limited(_) => "Limited",
            Self::Throttled(_) => "Throttled",
        }
    }
}

/// It could not be found out. Never passes anybody, never counts as a wrong credential: 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The store did not answer, or answered with an error.
    Store,
    /// Too many questions are waiting already.
    Busy,
    /// The store did not answer in time.
    Timeout,
    /// The process is ending.
    Stopping,
    /// A limit could not be looked up, or there is no room for another subject's counter.
    Limits,
    /// The other verifier that is asked about unknown keys did not answer.
    Verifier,
    /// The keys of another issuer, whose token was shown, could not be had.
    Issuer,
    /// As many deliveries are remembered as can be, so that it cannot be told whether one came before.
    Deliveries,
    /// Too many bodies wait to be whole before their signatures can be checked.
    Bodies,
    /// A signature over the body was asked for where no body is at hand.
    NoBody,
    /// The account is on a plan that the configuration does not know.
    Plan,
}

impl Fault {
    /// The word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Stopping => "stopping",
            Self::Limits => "limits",
            Self::Verifier => "verifier",
            Self::Issuer => "issuer",
            Self::Deliveries => "deliveries",
            Self::Bodies => "bodies",
            Self::NoBody => "no body",
            Self::Plan => "plan",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Store => "the store of credentials does not answer",
            Self::Busy => "too many credentials wait to be looked up",
            Self::Timeout => "the store of credentials took too long",
            Self::Stopping => "Keyward is stopping",
            Self::Limits => "how much you used could not be looked up",
            Self::Verifier => "who knew this key before does not answer",
            Self::Issuer => "the issuer of the token does not answer",
            Self::Deliveries => "too many deliveries are remembered to tell whether this one came before",
            Self::Bodies => "too many bodies wait for their signatures to be checked",
            Self::NoBody => "a signature over the body cannot be checked here",
            Self::Plan => "the plan of your account is not known here",
        })
    }
}

impl std::error::Error for Fault {}
