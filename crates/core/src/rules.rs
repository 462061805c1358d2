//! The rules of one configuration, checked and ready: what a snapshot holds and every decision reads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::address::AddressRules;
use crate::api_key::CredentialEntry;
use crate::digest::MacKey;
use crate::foreign::Issuer;
use crate::guarding::Guarding;
use crate::limit::{Limit, LimitFields, LimitId};
use crate::plan::{Counted, Planned, Plans};
use crate::plane::Plane;
use crate::principal::Kind;
use crate::route::Routes;
use crate::scheme::{Scheme, SchemeId};
use crate::scope::{Scope, ScopeSet};
use crate::token::TokenRules;

/// All that one configuration says about requests.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Own endpoints and routes.
    pub routes: Routes,
    /// Schemes, in the order of their ids.
    pub schemes: Vec<Scheme>,
    /// Who may come from where, before anything else.
    pub addresses: AddressRules,
    /// Scopes by role.
    pub roles: BTreeMap<Box<str>, ScopeSet>,
    /// Scopes of keys made without scopes; `None` = their owner's.
    pub default_scopes: Option<ScopeSet>,
    /// Operators' own keys.
    pub static_keys: StaticKeys,
    /// How often things may happen; routes and plans name them by their ids.
    pub limits: Vec<Limit>,
    /// Sets of limits that count per account.
    pub plans: Plans,
    /// In which words a caller is told where it stands with them.
    pub limit_fields: LimitFields,
    /// What the tokens that are issued here say of their issuer and audience.
    pub tokens: TokenRules,
    /// Others whose tokens count.
    pub issuers: Vec<Issuer>,
    /// How credentials of people are guarded.
    pub guarding: Guarding,
    /// What the operators' port goes by: routes and schemes of its own, of the same configuration. `None`: nobody asks there.
    pub control: Option<Arc<Rules>>,
}

impl Rules {
    /// The rules of a plane, copied for one core: a shared count of references would be written by every core at every request.
    pub fn of_plane(&self, plane: Plane) -> Self {
        match (plane, &self.control) {
            (Plane::Control, Some(control)) => Self::clone(control),
            // Without rules of its own a plane has no routes, and so lets nobody pass.
            (Plane::Control, None) => Self { routes: Routes::default(), ..self.clone() },
            (Plane::Data, _) => Self { control: None, ..self.clone() },
        }
    }

    /// A limit by its id; `caller` is who may have brought it along.
    pub fn limit<'a>(&'a self, id: LimitId, caller: Option<&'a CredentialEntry>) -> Option<&'a Limit> {
        match id.own_place() {
            None => self.limits.get(id.0),
            Some(place) => caller?.counted.own.get(place),
        }
    }

    /// The limits that count a caller: those of routes that count callers at all, those of its plan, and those that it brings
    /// along.
    pub fn limits_of<'a>(&'a self, caller: &'a CredentialEntry) -> impl Iterator<Item = (LimitId, &'a Limit)> {
        self.limits_by(&caller.counted)
    }

    /// As [`Rules::limits_of`], of whoever is counted so.
    pub fn limits_by<'a>(&'a self, counted: &'a Counted) -> impl Iterator<Item = (LimitId, &'a Limit)> {
        let of_plan = self.plans.limits(counted.plan);
        let all = self.limits.iter().enumerate().map(|(place, limit)| (LimitId(place), limit));
        let own = counted.own.iter().enumerate().map(|(place, limit)| (LimitId::own(place), limit));
        all.filter(move |(id, limit)| !limit.is_of_a_plan() || of_plan.contains(id)).chain(own)
    }

    /// A scheme by its id.
    pub fn scheme(&self, id: SchemeId) -> Option<&Scheme> {
        self.schemes.get(id.0)
    }

    /// What a list of roles grants together. A role that the configuration does not know grants nothing.
    pub fn scopes_of_roles<'a>(&self, roles: impl IntoIterator<Item = &'a str>) -> ScopeSet {
        roles
            .into_iter()
            .filter_map(|role| self.roles.get(role))
            .flat_map(ScopeSet::iter)
            .cloned()
            .collect::<Vec<Scope>>()
            .into_iter()
            .collect()
    }
}

/// One operator's key as the configuration gives it.
pub struct StaticKey<'a> {
    /// Its name, which is also its principal.
    pub name: &'a str,
    /// What it is called.
    pub display: &'a str,
    /// The key.
    pub secret: &'a [u8],
    /// What it may do.
    pub scopes: ScopeSet,
}

/// Operators' own keys, known by HMAC under a server secret, because they may be weak.
#[derive(Debug)]
pub struct StaticKeys {
    secret: MacKey,
    entries: HashMap<[u8; 32], Arc<CredentialEntry>>,
}

impl StaticKeys {
    /// Digests the keys; their texts are not kept.
    pub fn new<'a>(secret: MacKey, keys: impl IntoIterator<Item = StaticKey<'a>>) -> Self {
        let entry = |key: StaticKey<'_>| {
            let mut entry = CredentialEntry::configured(Kind::Static, key.name, key.scopes);
            entry.principal.name = key.display.into();
            (digest(&secret, key.secret), Arc::new(entry))
        };
        let entries = keys.into_iter().map(entry).collect();
        Self { secret, entries }
    }

    /// All of them on this plan.
    #[must_use]
    pub fn on_plan(mut self, plan: Planned) -> Self {
        for entry in self.entries.values_mut() {
            Arc::make_mut(entry).counted.plan = plan;
        }
        self
    }

    /// The key that a presented secret is, if any.
    pub fn find(&self, presented: &[u8]) -> Option<&Arc<CredentialEntry>> {
        // A keyed digest as table key: neither its hash nor its comparison tells an attacker anything about the secret.
        if self.entries.is_empty() {
            return None;
        }
        self.entries.get(&digest(&self.secret, presented))
    }
}

impl Clone for StaticKeys {
    /// Copies the entries too: workers that share a reference count would slow each other down.
    fn clone(&self) -> Self {
        Self {
            secret: self.secret.clone(),
            entries: self
                .entries
                .iter()
                .map(|(digest, entry)| (*digest, Arc::new(CredentialEntry::clone(entry))))
                .collect(),
        }
    }
}

fn digest(secret: &MacKey, presented: &[u8]) -> [u8; 32] {
    secret.mac(&[b"keyward static key", presented])
}
