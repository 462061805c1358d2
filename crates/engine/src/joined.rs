//! A key as a store holds it, with all that it rests on: what it may do now, and what operators keep beside it.

use std::collections::BTreeMap;

use keyward_core::api_key::{ApiKeyRecord, CredentialEntry, Owner, OwningAccount, Rejection};
use keyward_core::limit::Budget;
use keyward_core::plan::Counted;
use keyward_core::rules::Rules;
use keyward_core::scope::ScopeSet;
use keyward_core::time::Timestamp;

use crate::lineage::Lineage;

/// Names and values that an operator keeps beside a key. No decision looks at them.
pub type Metadata = BTreeMap<Box<str>, Box<str>>;

/// A key with the user and account that own it, read in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The key.
    pub key: ApiKeyRecord,
    /// The key's own account, if any.
    pub account: Option<OwningAccount>,
    /// Its owner.
    pub owner: Owner,
    /// What it and the other keys in its line may use together.
    pub budget: Option<Budget>,
    /// What operators keep beside it. Empty where decisions are made: no core needs it, so none is given it.
    pub metadata: Metadata,
}

impl Joined {
    /// The key resolved against its owner's roles and the configured default scopes, ready to be judged.
    pub fn resolve(&self, rules: &Rules) -> CredentialEntry {
        let scopes = rules.scopes_of_roles(self.owner.roles.iter().map(AsRef::as_ref));
        let (account, default) = (self.account.as_ref(), rules.default_scopes.as_ref());
        let entry = CredentialEntry::resolve(&self.key, account, &self.owner, &scopes, default);
        let terms = account.or(self.owner.account.as_ref()).map(|account| &account.terms);
        CredentialEntry { counted: Counted::new(&rules.plans, terms, self.budget), ..entry }
    }

    /// Whether it counts at a point in time, for whoever shows all of it.
    ///
    /// # Errors
    /// Why not.
    pub fn state(&self, now: Timestamp) -> Result<(), Rejection> {
        let none = ScopeSet::default();
        CredentialEntry::resolve(&self.key, self.account.as_ref(), &self.owner, &none, None).with_secret().check(now)
    }

    /// Whose change it must feel.
    pub fn lineage(&self) -> Lineage {
        let owners = [self.key.account.as_ref(), self.owner.account.as_ref().map(|account| &account.id)];
        Lineage::of([&self.owner.id].into_iter().chain(owners.into_iter().flatten()).map(AsRef::as_ref))
    }
}
