//! API keys as records, and the one rule that says whether a known key still counts.

use std::hint::black_box;

use crate::address::AddressRules;
use crate::digest::{ApiKeyDigest, same};
use crate::page::CsrfToken;
use crate::plan::{Counted, Terms};
use crate::plane::Plane;
use crate::principal::{CredentialId, Grants, Kind, Mode, Principal};
use crate::scope::ScopeSet;
use crate::time::Timestamp;
use crate::written::Written;

/// A key as it is kept: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// `key_…`, random.
    pub id: Box<str>,
    /// The user that owns it.
    pub owner: Box<str>,
    /// The account that owns it, if any.
    pub account: Option<Box<str>>,
    /// What people call it.
    pub name: Box<str>,
    /// The first characters of the key, enough to recognise it, too few to guess it.
    pub prefix: Box<str>,
    /// SHA-256 of the whole key.
    pub digest: ApiKeyDigest,
    /// Of a key + secret pair: SHA-256 of the whole secret.
    pub secret: Option<ApiKeyDigest>,
    /// Live or test.
    pub mode: Mode,
    /// Its own scopes; `None` = its owner's, less `self:` and `keyward:`.
    pub scopes: Option<ScopeSet>,
    /// Where it may be used from; empty = anywhere.
    pub allowed_ips: Vec<ipnet::IpNet>,
    /// An operator's own reference.
    pub external_id: Option<Box<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// About when it was last accepted.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is paused.
    pub disabled_at: Option<Timestamp>,
    /// Since when it is refused for ever.
    pub revoked_at: Option<Timestamp>,
    /// Why.
    pub revoked_reason: Option<Box<str>>,
    /// The key it came to replace.
    pub replaces: Option<Box<str>>,
    /// When a replaced key ends.
    pub overlap_ends_at: Option<Timestamp>,
    /// The first key in its line of rotations, where that is another: limits count by it.
    pub line: Option<Box<str>>,
}

impl ApiKeyRecord {
    /// The first key in its line of rotations.
    pub fn first_in_line(&self) -> &str {
        self.line.as_deref().unwrap_or(&self.id)
    }

    /// Whether a presented secret is that of the pair. A key without one has none that fits.
    pub fn has_secret(&self, presented: &ApiKeyDigest) -> bool {
        self.secret.is_some_and(|kept| same(kept.as_bytes(), presented.as_bytes()))
    }
}

/// An account as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwningAccount {
    /// `acc_…`.
    pub id: Box<str>,
    /// Since when it is paused.
    pub disabled_at: Option<Timestamp>,
    /// Where its keys and tokens may be used from; empty = anywhere.
    pub allowed_ips: Vec<ipnet::IpNet>,
    /// How it is counted.
    pub terms: Terms,
}

impl OwningAccount {
    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.disabled_at.is_some()
    }

    /// The lists of accounts, those that let everybody in left out.
    pub(crate) fn lists<'a>(accounts: impl IntoIterator<Item = Option<&'a Self>>) -> Vec<AddressRules> {
        let mut lists: Vec<AddressRules> = Vec::new();
        for account in accounts.into_iter().flatten().filter(|account| !account.allowed_ips.is_empty()) {
            let list = AddressRules { allow: account.allowed_ips.clone(), deny: Vec::new() };
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
        lists
    }
}

/// A user as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `user_…`.
    pub id: Box<str>,
    /// What it signs in with.
    pub username: Box<str>,
    /// Names of roles, resolved by the configuration.
    pub roles: Vec<Box<str>>,
    /// Since when it is paused.
    pub disabled_at: Option<Timestamp>,
    /// The account that it belongs to, if any.
    pub account: Option<OwningAccount>,
}

impl Owner {
    /// Whether it, or the account that it belongs to, is paused.
    pub fn is_paused(&self) -> bool {
        self.disabled_at.is_some() || self.account.as_ref().is_some_and(OwningAccount::is_paused)
    }
}

/// Why a presented credential is not accepted (RFC 6750 §3.1: `invalid_token`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// No such key: unknown, mistyped, or never made here.
    Unknown,
    /// Its expiry, or the end of its overlap after a rotation, has passed.
    Expired,
    /// It, or the user that owns it, is paused.
    Disabled,
    /// It was revoked.
    Revoked,
    /// It is a delivery that came before.
    Repeated,
}

impl Rejection {
    /// The word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
            Self::Repeated => "repeated",
        }
    }
}

/// A credential as memory holds it: resolved along its lineage and against the roles, ready to be judged.
///
/// In the order of its fields, those first that every request reads: with many callers each line of the processor's cache is one
/// more to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct CredentialEntry {
    /// It, its owner or an account above it is paused.
    pub disabled: bool,
    /// It was revoked, or its session is over.
    pub revoked: bool,
    /// It is the key of a pair: whoever shows it alone has shown half of a credential.
    pub is_half: bool,
    /// Another came to replace it, and it goes on for a while: who still uses it is noted.
    pub replaced: bool,
    /// A session by cookie: the one plane where it counts.
    pub plane: Option<Plane>,
    /// A key: the earlier of expiry and end of overlap. A token: its expiry.
    pub ends_at: Option<Timestamp>,
    /// From when on memory does not vouch for it: it is found out anew. What is the same then is over.
    pub renew_at: Option<Timestamp>,
    /// A token: from when on it counts, leeway included. A clock that was set back finds it too early again.
    pub begins_at: Option<Timestamp>,
    /// A session by cookie: what its pages show with each request that changes something.
    pub csrf: Option<CsrfToken>,
    /// Where the accounts above it let it be used from: each of them must.
    pub account_addresses: Vec<AddressRules>,
    /// Where it may be used from.
    pub addresses: AddressRules,
    /// What else it is counted by.
    pub counted: Counted,
    /// What limits per key count by: the first key in its line of rotations. `None`: the principal.
    pub line: Option<CredentialId>,
    /// How upstreams are told of it.
    pub written: Written,
    /// Whom it speaks for.
    pub principal: Principal,
    /// When what it stands for ends: a key, or the key of a client. A user who signed in goes on.
    pub source_ends_at: Option<Timestamp>,
}

impl CredentialEntry {
    /// What the configuration itself lets in by a name: an operator's key, or whoever signs as a webhook.
    pub fn configured(kind: Kind, name: &str, scopes: ScopeSet) -> Self {
        Self {
            principal: Principal {
                id: name.into(),
                name: name.into(),
                kind,
                account: None,
                credential: name.into(),
                mode: Mode::Live,
                grants: Grants::Named(scopes),
            },
            line: None,
            counted: Counted::default(),
            addresses: AddressRules::default(),
            account_addresses: Vec::new(),
            ends_at: None,
            source_ends_at: None,
            renew_at: None,
            csrf: None,
            plane: None,
            begins_at: None,
            disabled: false,
            revoked: false,
            is_half: false,
            replaced: false,
            written: Written::default(),
        }
    }

    /// Resolves a key. `account` is the key's own; `owner_scopes` are those of the owner's
    /// roles; `default` those of keys made without scopes.
    pub fn resolve(
        record: &ApiKeyRecord,
        account: Option<&OwningAccount>,
        owner: &Owner,
        owner_scopes: &ScopeSet,
        default: Option<&ScopeSet>,
    ) -> Self {
        Self {
            principal: Principal {
                id: owner.id.clone(),
                name: record.name.clone(),
                kind: Kind::ApiKey,
                account: record.account.clone(),
                credential: record.id.clone().into(),
                mode: record.mode,
                grants: Grants::of_key(record.scopes.as_ref(), default, owner_scopes),
            },
            line: Some(record.first_in_line().into()),
            counted: Counted::default(),
            addresses: AddressRules { allow: record.allowed_ips.clone(), deny: Vec::new() },
            account_addresses: OwningAccount::lists([account, owner.account.as_ref()]),
            ends_at: earlier(record.expires_at, record.overlap_ends_at),
            source_ends_at: earlier(record.expires_at, record.overlap_ends_at),
            renew_at: None,
            csrf: None,
            plane: None,
            begins_at: None,
            disabled: record.disabled_at.is_some()
                || account.is_some_and(OwningAccount::is_paused)
                || owner.is_paused(),
            revoked: record.revoked_at.is_some(),
            is_half: record.secret.is_some(),
            replaced: record.overlap_ends_at.is_some(),
            written: Written::default(),
        }
    }

    /// The same where the pair's secret was shown as well.
    #[must_use]
    pub fn with_secret(self) -> Self {
        Self { is_half: false, ..self }
    }

    /// As [`CredentialEntry::check`], on a plane. Another plane's is nothing that this one knows, whatever memory or the store has.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn check_on(&self, plane: Plane, now: Timestamp) -> Result<(), Rejection> {
        if self.plane.is_some_and(|own| own != plane) { Err(Rejection::Unknown) } else { self.check(now) }
    }

    /// Whether the credential counts at a point in time. At its very end it no longer does (as `exp`, RFC 7519 §4.1.4).
    ///
    /// # Errors
    /// Why not; revocation outranks disabling, which outranks expiry. Half a credential is told nothing of the other half.
    pub fn check(&self, now: Timestamp) -> Result<(), Rejection> {
        if self.is_half {
            Err(Rejection::Unknown)
        } else if self.revoked {
            Err(Rejection::Revoked)
        } else if self.disabled {
            Err(Rejection::Disabled)
        } else if self.ends_at.is_some_and(|end| end <= now) || self.must_be_renewed(now) {
            Err(Rejection::Expired)
        } else if self.begins_at.is_some_and(|begin| now < begin) {
            Err(Rejection::Unknown)
        } else {
            Ok(())
        }
    }

    /// Reads a little of each part that a request needs, so that the processor fetches all of them at the same time instead of one
    /// after the other as they are come upon.
    pub fn fetch(&self) {
        black_box((self.ends_at, self.counted.own.len(), self.written.touch(), self.principal.credential.short()));
    }

    /// Whether memory must ask again before it speaks for it.
    pub fn must_be_renewed(&self, now: Timestamp) -> bool {
        self.renew_at.is_some_and(|at| at <= now)
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
