//! A session as a store holds it, with all that it rests on: whether it goes on, and what its tokens may do now.

use keyward_core::api_key::{CredentialEntry, Owner};
use keyward_core::digest::MacKey;
use keyward_core::page::CsrfToken;
use keyward_core::plan::Counted;
use keyward_core::rules::Rules;
use keyward_core::scope::ScopeSet;
use keyward_core::session::SessionRecord;
use keyward_core::time::Timestamp;
use keyward_core::token::Claims;

use crate::lineage::Lineage;
use crate::ports::Joined;

/// A session with its user, read in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedSession {
    /// The session.
    pub session: SessionRecord,
    /// Who signed in; of a client, who owns its key.
    pub user: Owner,
    /// The key of the client that it belongs to, if it is one's.
    pub client: Option<Box<Joined>>,
}

impl JoinedSession {
    /// A token of the session resolved along its lineage, ready to be judged.
    pub fn resolve(&self, rules: &Rules, claims: &Claims) -> CredentialEntry {
        match &self.client {
            Some(client) => CredentialEntry::of_client_token(claims, &self.session, client.resolve(rules)),
            None => {
                let scopes = rules.scopes_of_roles(self.user.roles.iter().map(AsRef::as_ref));
                let mut entry = CredentialEntry::of_token(claims, &self.session, &self.user, &scopes);
                entry.counted = counted(rules, &self.user);
                // A client's session without its key is nobody's.
                entry.revoked |= self.session.client.is_some();
                entry
            }
        }
    }

    /// The session of a cookie, resolved against its user's roles, ready to be judged. A session by tokens is none.
    pub fn resolve_cookie(&self, rules: &Rules, tag_key: &MacKey) -> Option<CredentialEntry> {
        let scopes = rules.scopes_of_roles(self.user.roles.iter().map(AsRef::as_ref));
        let scopes = if self.session.portal { scopes.intersection(&ScopeSet::own_affairs()) } else { scopes };
        let csrf = CsrfToken::of(&self.session.id, tag_key);
        let sessions = rules.guarding.sessions_of(self.session.plane);
        let entry = CredentialEntry::of_session(&self.session, &self.user, scopes, sessions, csrf)?;
        Some(CredentialEntry { counted: counted(rules, &self.user), ..entry })
    }

    /// Whether it cannot be carried on any more: it ended, or whom it rests on may not.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let client = match (&self.session.client, &self.client) {
            (None, _) => true,
            (Some(_), Some(client)) => client.state(now).is_ok(),
            (Some(_), None) => false,
        };
        self.session.ended_at.is_some() || self.user.is_paused() || !client
    }

    /// Whose change its tokens must feel.
    pub(crate) fn lineage(&self) -> Lineage {
        let key = self.client.as_deref().map(|client| &client.key);
        let accounts =
            [key.and_then(|key| key.account.as_ref()), self.user.account.as_ref().map(|account| &account.id)];
        let ids = [&self.session.id, &self.user.id].into_iter().chain(key.map(|key| &key.id));
        Lineage::of(ids.chain(accounts.into_iter().flatten()).map(AsRef::as_ref))
    }
}

/// What whatever a user shows that is no key is counted by.
pub(crate) fn counted(rules: &Rules, user: &Owner) -> Counted {
    let terms = user.account.as_ref().map(|account| &account.terms);
    Counted::new(&rules.plans, terms, None)
}
