//! The port to whoever checks passwords for the cores: in its own time, one question and one answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use keyward_core::api_key::{CredentialEntry, Owner};
use keyward_core::basic::Shown;
use keyward_core::decision::{Fault, Throttled};
use keyward_core::rules::Rules;
use keyward_core::time::Timestamp;

use crate::held_session::counted;
use crate::lineage::Lineage;
use crate::ports::{FeedHead, Held};

/// A user whose password was found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedUser {
    /// The user as it is since.
    pub user: Owner,
    /// When.
    pub at: Timestamp,
}

impl CheckedUser {
    /// Resolved against its roles, ready to be judged.
    pub fn resolve(&self, rules: &Rules) -> CredentialEntry {
        let scopes = rules.scopes_of_roles(self.user.roles.iter().map(AsRef::as_ref));
        let entry = CredentialEntry::of_basic(&self.user, self.at, scopes);
        CredentialEntry { counted: counted(rules, &self.user), ..entry }
    }

    /// Whose change it must feel.
    pub fn lineage(&self) -> Lineage {
        Lineage::of(of_user(&self.user))
    }
}

/// The ids that whatever a user holds rests on.
pub(crate) fn of_user(user: &Owner) -> impl Iterator<Item = &str> {
    let account = user.account.as_ref().map(|account| &*account.id);
    std::iter::once(&*user.id).chain(account)
}

/// What came of checking a password.
#[derive(Clone, Debug)]
pub enum Checked {
    /// It is right; whose it is, read after the check and no longer than [`crate::node::FILL`] ago, as of a place in the feed.
    Right(FeedHead, Held),
    /// It is not.
    Wrong,
    /// It was not looked at.
    Throttled(Throttled),
}

/// What a check of a password will say, some time later.
pub type Checking = Pin<Box<dyn Future<Output = Result<Checked, Fault>> + Send>>;

/// What the data path asks of whoever checks passwords. It may take long, and each answer is for one question.
pub trait Passwords: Send + Sync {
    /// Whether a username and a password are somebody's.
    fn check(&self, shown: Arc<Shown>) -> Checking;
}
