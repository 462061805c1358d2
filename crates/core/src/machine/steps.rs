//! Where the machine stands between its steps, and what it asks.

use std::sync::Arc;

use super::{Awaiting, Delivering, Examining, Fetching, Importing, Recalling, Spending, Verifying};
use crate::api_key::CredentialEntry;
use crate::basic::Shown;
use crate::decision::{Decision, Throttled};
use crate::digest::{ApiKeyDigest, MacKey};
use crate::imported::ShownKey;
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
    /// It asks whether strangers from there have to wait, because a webhook's secret was shown; answered at once, without IO.
    Shown(Awaiting<'a>),
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
    /// It asks memory once more: for a key of others, which is known by another digest.
    Import(ApiKeyDigest, Importing<'a>),
    /// It asks whether a token's signature is right; answered at once, without IO.
    Verify(Box<Verifying<'a>>),
    /// It asks the same of a token of another issuer.
    Examine(Box<Examining<'a>>),
    /// It asks for what the store knows.
    Fetch(Question, Fetching<'a>),
}

/// Where it stands once the word on a signature is in, or memory was asked about a key of others: done, or asking the store.
#[derive(Debug)]
pub enum Verified<'a> {
    /// The credential is known, or refused.
    Ruled(Ruled<'a>),
    /// It asks for what the store knows.
    Fetch(Question, Fetching<'a>),
}

/// What is asked of the control side: of the store, or of what checks passwords.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The key of a digest, with its owner.
    ApiKey(ApiKeyDigest),
    /// The session of an id, with its user.
    Session(Box<str>),
    /// The session of a cookie's digest, with its user.
    Cookie(ApiKeyDigest),
    /// Whether a username and a password are somebody's. Slow on purpose: asked where passwords are checked, not of the store.
    Basic(Arc<Shown>),
    /// Whether a key is one that others made. Slow where only their hashes are known, and asked where passwords are checked.
    Imported(Arc<ShownKey>),
}

/// What is to be known of strangers when memory does not know a credential.
pub struct Strangers<'k> {
    /// The key of keyed tags: by it a guess is told from what was made here.
    pub tag_key: &'k MacKey,
    /// Whether they have to wait. Asked only where it matters.
    pub held: &'k dyn Fn() -> Option<Throttled>,
    /// Whether there are keys of others, so that what has no tag is not always a guess. Asked only where it matters, too.
    pub imported: &'k dyn Fn() -> bool,
}

impl<'k> From<&'k MacKey> for Strangers<'k> {
    /// Who nobody holds back.
    fn from(tag_key: &'k MacKey) -> Self {
        Self { tag_key, held: &|| None, imported: &|| false }
    }
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
