//! Operations on accounts: made, listed, paused.

use keyward_core::address::IpNet;
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::people::{AccountChange, AccountRecord, Changed, Made};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::{self, rfc3339};
use crate::listing::{self, Place};
use crate::origin::Origin;
use crate::service::Service;
use crate::view::{Listing, ReceiptView, network};

/// An account as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// `acc_…`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `active` or `disabled`.
    pub status: String,
    /// An operator's own reference.
    pub external_id: Option<String>,
    /// Where its keys and tokens may be used from; empty = anywhere.
    pub allowed_ips: Vec<String>,
    /// When it was made.
    pub created_at: String,
    /// Since when it is paused.
    pub disabled_at: Option<String>,
}

impl From<&AccountRecord> for AccountView {
    fn from(account: &AccountRecord) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.name.to_string(),
            status: if account.disabled_at.is_some() { "disabled" } else { "active" }.to_owned(),
            external_id: account.external_id.as_deref().map(str::to_owned),
            allowed_ips: account.allowed_ips.iter().map(network).collect(),
            created_at: rfc3339(account.created_at),
            disabled_at: account.disabled_at.map(rfc3339),
        }
    }
}

impl Place for AccountRecord {
    fn place(&self) -> (Timestamp, &str) {
        (self.created_at, &self.id)
    }
}

/// An account and how far its change has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedAccount {
    /// The account as it is now.
    #[serde(flatten)]
    pub view: AccountView,
    /// Which nodes know.
    pub receipt: ReceiptView,
}

/// Makes an account.
///
/// # Errors
/// A name that is none, or a name or reference that is another's.
pub async fn create(
    service: &Service,
    name: &str,
    external_id: Option<&str>,
    allowed_ips: &[String],
    origin: &Origin,
) -> Result<AccountView, Failure> {
    let account = AccountRecord {
        id: service.new_id("acc"),
        name: fields::name(name)?,
        external_id: external_id.map(fields::external_id).transpose()?,
        created_at: origin.at,
        disabled_at: None,
        allowed_ips: fields::networks(allowed_ips)?,
    };
    let mut event = origin.event(Action::AccountCreated, &account.id);
    event.detail.push(("name", account.name.clone()));
    if !account.allowed_ips.is_empty() {
        event.detail.push(("allowedIps", listed(&account.allowed_ips)));
    }
    match service.store.insert_account(&account, &event).await? {
        Made::Done(account) => Ok(AccountView::from(&account)),
        Made::Taken => Err(Failure {
            kind: Kind::Conflict,
            message: format!(
                "there is an account {:?}, or one with this external id, already; nothing was changed",
                account.name
            ),
        }),
    }
}

/// A page of accounts, newest first.
///
/// # Errors
/// A cursor that is none of ours.
pub async fn list(service: &Service, cursor: Option<&str>, limit: u32) -> Result<Listing<AccountView>, Failure> {
    let (page, limit) = listing::page(cursor, limit)?;
    Ok(listing::of(service.store.accounts(&page).await?, limit, |account| AccountView::from(account)))
}

/// Pauses an account, ends its pause or gives it another list of addresses, and waits for the receipt.
///
/// # Errors
/// No such account.
pub async fn change(
    service: &Service,
    which: &str,
    change: AccountChange,
    origin: &Origin,
) -> Result<ChangedAccount, Failure> {
    let account = find(service, which).await?;
    let action = match change {
        AccountChange::Disable(_) => Action::AccountDisabled,
        AccountChange::Enable => Action::AccountEnabled,
        AccountChange::Addresses(_) => Action::AccountAddresses,
    };
    let mut event = origin.event(action, &account.id);
    event.detail.push(("name", account.name.clone()));
    if let AccountChange::Addresses(list) = &change {
        event.detail.push(("allowedIps", listed(list)));
    }
    match service.store.change_account(&account.id, &change, &event).await? {
        Changed::NotFound => Err(no_such_account(which)),
        Changed::Done(head, account) => {
            let receipt = service.receipt(head, service.now()).await;
            Ok(ChangedAccount { view: AccountView::from(&account), receipt })
        }
    }
}

/// An account by id, name or reference.
///
/// # Errors
/// No such account, or more than one.
pub async fn find(service: &Service, which: &str) -> Result<AccountRecord, Failure> {
    let found = service.store.accounts_called(which).await?;
    listing::only(found, which, "account", |account| &account.id)?.ok_or_else(|| no_such_account(which))
}

fn listed(networks: &[IpNet]) -> Box<str> {
    networks.iter().map(network).collect::<Vec<_>>().join(", ").into()
}

fn no_such_account(which: &str) -> Failure {
    let message = format!("there is no account {which:?}; `keyward account list` tells which there are");
    Failure { kind: Kind::NotFound, message }
}
