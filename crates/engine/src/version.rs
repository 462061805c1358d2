//! The version of a record as operators see it: a digest of what may be changed in it, so that a change by somebody else in
//! between is noticed (RFC 9110 §8.8.3).

use std::fmt;

use keyward_core::digest::ApiKeyDigest;

use crate::people::{AccountRecord, UserRecord};
use crate::ports::Joined;

/// A version of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(u64);

impl Version {
    /// Of what is written of it.
    fn of(parts: &dyn fmt::Debug) -> Self {
        Self(ApiKeyDigest::of(format!("{parts:?}").as_bytes()).short())
    }

    /// As it is written.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl UserRecord {
    /// Its version.
    pub fn version(&self) -> Version {
        let owner = &self.owner;
        let account = owner.account.as_ref().map(|account| &account.id);
        Version::of(&(&owner.id, &owner.username, &owner.roles, owner.disabled_at, account, &self.external_id))
    }
}

impl AccountRecord {
    /// Its version; what it used of its budget is no part of it.
    pub fn version(&self) -> Version {
        Version::of(&(&self.id, &self.name, &self.external_id, self.disabled_at, &self.allowed_ips, &self.terms))
    }
}

impl Joined {
    /// Its version; when the key was last used is no part of it.
    pub fn version(&self) -> Version {
        let key = &self.key;
        let ends = (key.expires_at, key.disabled_at, key.revoked_at, key.overlap_ends_at);
        Version::of(&(
            &key.id,
            &key.name,
            &key.scopes,
            &key.allowed_ips,
            ends,
            self.budget.map(|budget| budget.to_string()),
            &self.metadata,
        ))
    }
}

/// Which versions a change is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    Any,
    /// One of these.
    OneOf(Vec<Version>),
}

impl Expected {
    /// Whether a version is among them.
    pub fn holds(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads_as_it_is_written() {
        let version = Version::of(&("a", 1));
        assert_eq!(Version::parse(&version.to_string()), Some(version));
        assert_ne!(version, Version::of(&("a", 2)));
        for text in ["", "*", "+123456789abcdef", "0123456789abcdefg", "0123"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert!(Expected::Any.holds(version) && !Expected::OneOf(Vec::new()).holds(version));
    }
}
