//! Listening to a decision: each step as an event, for explanations and traces.

use std::net::IpAddr;

use crate::api_key::{CredentialEntry, Rejection};
use crate::decision::AddressRule;
use crate::limit::{Limit, Standing};
use crate::page::PageFault;
use crate::path::{PathFault, Target};
use crate::route::{Match, Route, RouteId};
use crate::scheme::{Reading, SchemeId};
use crate::scope::Scope;
use crate::token::TokenFault;
use crate::webhook::WebhookFault;

/// Hears each step, for explanations and traces. `()` hears nothing and costs nothing.
pub trait Listener {
    /// One step was taken.
    fn hear(&mut self, event: Event<'_>);
}

impl Listener for () {
    fn hear(&mut self, _: Event<'_>) {}
}

/// One step of a decision, as a listener hears it.
#[derive(Debug)]
#[allow(missing_docs, reason = "the variants are the steps of a decision and their fields speak for themselves")]
pub enum Event<'a> {
    Path(Result<&'a Target<'a>, PathFault>),
    Routed(RouteId, &'a Route),
    NotRouted(Match),
    Address(AddressRule, IpAddr, bool),
    Public,
    Unasked,
    Read(SchemeId, &'a Reading<'a>),
    StaticKey(bool),
    Checked(&'a CredentialEntry, Result<(), Rejection>),
    NotGenuine,
    Page(Result<(), PageFault>),
    NoPair,
    NotThePair,
    NoToken(TokenFault),
    NotKnown,
    Signed(Result<(), WebhookFault>),
    Repeated(bool),
    Scope(&'a Scope, bool),
    Limit(&'a Limit, &'a Standing, bool),
}
