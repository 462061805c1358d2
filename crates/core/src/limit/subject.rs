//! Whom limits count.

use std::net::IpAddr;

use super::Per;
use crate::api_key::CredentialEntry;
use crate::principal::CredentialId;

/// Whom a charge counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// A key, by the id of the first one in its line of rotations.
    Key(KeyName<'a>),
    /// A user, or the name of an operator's key.
    Principal(&'a str),
    /// An account.
    Account(&'a str),
    /// An address, as [`crate::address::network`] says.
    Address(IpAddr),
    /// A route, by its name.
    Route(&'a str),
}

/// The id of a key with the digest that its cell is found by: made once for each credential, because most limits count keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyName<'a> {
    id: &'a str,
    digest: [u64; 2],
}

impl KeyName<'_> {
    /// As [`CredentialId::digest`].
    pub fn digest(self) -> [u64; 2] {
        self.digest
    }
}

impl<'a> From<&'a CredentialId> for KeyName<'a> {
    fn from(id: &'a CredentialId) -> Self {
        Self { id: id.text(), digest: id.digest() }
    }
}

impl<'a> Subject<'a> {
    /// A key by its id alone.
    pub fn key(id: &'a str) -> Self {
        Self::Key(KeyName { id, digest: CredentialId::digest_of(id) })
    }

    /// Whom a limit counts of a caller; nobody where it does not count callers.
    pub fn of_caller(per: Per, caller: &'a CredentialEntry) -> Option<Self> {
        let principal = &caller.principal;
        let whole = Self::Principal(&principal.id);
        match per {
            // A user who signs in again has another token, and one counter.
            Per::Key => Some(caller.line.as_ref().map_or(whole, |line| Self::Key(line.into()))),
            Per::Principal => Some(whole),
            Per::Account => Some(principal.account.as_deref().map_or(whole, Self::Account)),
            Per::Address | Per::Route => None,
        }
    }
}

impl std::fmt::Display for Subject<'_> {
    /// As a store keeps it: of what kind, and which.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(KeyName { id, .. }) => write!(f, "key {id}"),
            Self::Principal(id) => write!(f, "principal {id}"),
            Self::Account(id) => write!(f, "account {id}"),
            Self::Address(address) => write!(f, "address {address}"),
            Self::Route(name) => write!(f, "route {name}"),
        }
    }
}
