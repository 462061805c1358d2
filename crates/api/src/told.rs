//! What the audit log says of keys and their changes. Never a secret, nor a digest of one.

use keyward_core::api_key::ApiKeyRecord;
use keyward_engine::audit::{Action, Detail};
use keyward_engine::change::KeyChange;
use keyward_engine::ports::Metadata;

use crate::budgets;
use crate::fields;
use crate::keys::metadata;

/// What the audit log says of a key: all that it may do, and nothing that could be shown in its place.
pub(crate) fn said_of(key: &ApiKeyRecord, metadata: &Metadata) -> Vec<Detail> {
    let mut detail: Vec<Detail> =
        vec![("name", key.name.clone()), ("owner", key.owner.clone()), ("mode", key.mode.as_str().into())];
    if key.secret.is_some() {
        detail.push(("pair", "true".into()));
    }
    if let Some(scopes) = &key.scopes {
        detail.push(("scopes", words(scopes.iter()).into()));
    }
    if let Some(end) = key.expires_at {
        detail.push(("expiresAt", fields::rfc3339(end).into()));
    }
    if !key.allowed_ips.is_empty() {
        detail.push(("allowedIps", words(&key.allowed_ips).into()));
    }
    if let Some(reference) = &key.external_id {
        detail.push(("externalId", reference.clone()));
    }
    detail.extend(metadata::said(metadata));
    detail
}

/// What the audit log says of a change.
pub(crate) fn said_of_change(change: &KeyChange) -> (Action, Vec<Detail>) {
    match change {
        KeyChange::Rename(name) => (Action::KeyRenamed, vec![("name", name.clone())]),
        KeyChange::Disable(_) => (Action::KeyDisabled, Vec::new()),
        KeyChange::Enable => (Action::KeyEnabled, Vec::new()),
        KeyChange::Revoke(_, reason) => {
            (Action::KeyRevoked, reason.iter().map(|reason| ("reason", reason.clone())).collect())
        }
        KeyChange::Budget(budget) => (Action::KeyBudget, vec![("budget", budgets::said(*budget))]),
        // The names alone: what a value is for, only its operator knows.
        KeyChange::Metadata(metadata) => (Action::KeyMetadata, metadata::said(metadata).into_iter().collect()),
        KeyChange::EndOverlap(_) => (Action::KeyOverlapEnded, Vec::new()),
        KeyChange::Replace { overlap_ends_at, .. } => {
            (Action::KeyRotated, vec![("overlapEndsAt", fields::rfc3339(*overlap_ends_at).into())])
        }
    }
}

fn words(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}
