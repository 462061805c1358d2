//! Where the machine stands between its steps, and what it asks.

use std::sync::Arc;

use super::{Awaiting, Delivering, Examining, Fetching, Recalling, Spending, Verifying};
use crate::api_key::CredentialEntry;
use crate::decision::Decision;
use crate::digest::ApiKeyDigest;
use crate::webhook::Delivery;

/// Where the machine stands once nothing is left to be found out: concluded, or asking for what it costs.
#[derive(Debug)]
pub enum Ruled<'a> {
    /// Concluded.
    Decided(Decision),
    /// It asks that limits be charged.
    Spend(Spending<'a>),
}

/// Where the machine stands after its first steps: done, or asking memory.
#[derive(Debug)]
pub enum Step<'a> {
    /// No credential is to be looked up.
    Ruled(Ruled<'a>),
    /// It asks for what memory knows of a digest; answered at once, without IO.
    Recall(ApiKeyDigest, Recalling<'a>),
    /// It asks for the whole body, over which a signature is to be checked.
    Body(Awaiting<'a>),
}

/// Where it stands once the body was there: done, or asking whether the delivery came before.
#[derive(Debug)]
pub enum Proven<'a> {
    /// The signature is wrong, or no time was signed that would end what is remembered.
    Ruled(Ruled<'a>),
    /// It asks whether this delivery is a new one; answered at once, without IO.
    Deliver(Delivery, Delivering<'a>),
}

/// Where it stands once memory answered: done, or asking the store.
#[derive(Debug)]
pub enum Resumed<'a> {
    /// The credential is known, or refused.
    Ruled(Ruled<'a>),
    /// It asks whether a token's signature is right; answered at once, without IO.
    Verify(Box<Verifying<'a>>),
    /// It asks the same of a token of another issuer.
    Examine(Box<Examining<'a>>),
    /// It asks for what the store knows.
    Fetch(Question, Fetching<'a>),
}

/// Where it stands once the word on a signature is in: done, or asking the store.
#[derive(Debug)]
pub enum Verified<'a> {
    /// The token is refused.
    Decided(Decision),
    /// It asks for what the store knows.
    Fetch(Question, Fetching<'a>),
}

/// What a store is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The key of a digest, with its owner.
    ApiKey(ApiKeyDigest),
    /// The session of an id, with its user.
    Session(Box<str>),
}

/// What memory knows of a digest.
#[derive(Debug)]
pub enum Recalled {
    /// A key, in whatever state.
    Known(Arc<CredentialEntry>),
    /// That there is no such key.
    Unknown,
    /// Nothing that it can vouch for.
    Nothing,
}
