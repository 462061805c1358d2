//! Operations on accounts: made, listed, paused.

use keyward_core::address::IpNet;
use keyward_core::limit::Pace;
use keyward_core::plan::Terms;
use keyward_core::time::Timestamp;
use keyward_engine::audit::Action;
use keyward_engine::people::{AccountChange, AccountRecord, Changed, Made};
use keyward_engine::ports::AccountFilter;
use keyward_engine::version::{Expected, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::budgets::{self, BudgetView};
use crate::failure::{Failure, Kind};
use crate::fields::{self, rfc3339};
use crate::listing::{self, Place};
use crate::origin::Origin;
use crate::service::Service;
use crate::view::{Listing, ReceiptView, network};

/// An account as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Its plan, by the name in the configuration; null = the one for whoever has none.
    #[serde(default)]
    pub plan: Option<String>,
    /// Limits of its own, in place of those of its plan, each such as `1000/1h`; empty = those of its plan.
    #[serde(default)]
    pub limits: Vec<String>,
    /// What it may use over all of its keys and users, and what is left of it; null = without bound.
    #[serde(default)]
    pub budget: Option<BudgetView>,
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
            plan: account.terms.plan.as_deref().map(str::to_owned),
            limits: account.terms.limits.iter().map(ToString::to_string).collect(),
            budget: account.terms.budget.map(BudgetView::of),
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

/// An account to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewAccount {
    /// What people call it.
    pub name: String,
    /// An operator's own reference.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Where its keys and tokens may be used from; empty = anywhere.
    #[serde(default)]
    pub allowed_ips: Vec<String>,
    /// Its plan, by the name in the configuration; absent = the one for whoever has none.
    #[serde(default)]
    pub plan: Option<String>,
    /// Limits of its own, in place of those of its plan, each such as `1000/1h`.
    #[serde(default)]
    pub limits: Vec<String>,
    /// What it may use over all of its keys and users: `1000`, or `1000/30d` in each 30 days.
    #[serde(default)]
    pub budget: Option<String>,
}

/// Makes an account.
///
/// # Errors
/// A name that is none, a name or reference that is another's, or a plan that the configuration does not know.
pub async fn create(service: &Service, new: &NewAccount, origin: &Origin) -> Result<AccountView, Failure> {
    let account = AccountRecord {
        id: service.new_id("acc"),
        name: fields::name(&new.name)?,
        external_id: new.external_id.as_deref().map(fields::external_id).transpose()?,
        created_at: origin.at,
        disabled_at: None,
        allowed_ips: fields::networks(&new.allowed_ips)?,
        terms: Terms {
            plan: new.plan.as_deref().map(|name| known_plan(service, name)).transpose()?,
            limits: budgets::paces(&new.limits)?,
            budget: new.budget.as_deref().map(budgets::read).transpose()?,
        },
    };
    let mut event = origin.event(Action::AccountCreated, &account.id);
    event.detail.push(("name", account.name.clone()));
    if !account.allowed_ips.is_empty() {
        event.detail.push(("allowedIps", listed(&account.allowed_ips)));
    }
    let terms = &account.terms;
    event.detail.extend(terms.plan.iter().map(|plan| ("plan", plan.clone())));
    if !terms.limits.is_empty() {
        event.detail.push(("limits", listed_paces(&terms.limits)));
    }
    event.detail.extend(terms.budget.map(|budget| ("budget", budgets::said(Some(budget)))));
    match service.store.insert_account(&account, &event).await? {
        Made::Done(account) => Ok(view(service, &account).await),
        Made::Taken => Err(Failure {
            kind: Kind::Conflict,
            message: format!(
                "there is an account {:?}, or one with this external id, already; nothing was changed",
                account.name
            ),
        }),
    }
}

/// Which accounts to list, as it is written; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountQuestion {
    /// With this text in its name, id or reference.
    pub search: Option<String>,
    /// With this reference.
    pub external_id: Option<String>,
    /// On this plan, by the name that it was given; one without a plan of its own is on none here.
    pub plan: Option<String>,
    /// `active` or `disabled`.
    pub status: Option<String>,
}

/// A page of accounts, newest first.
///
/// # Errors
/// A cursor that is none of ours, or a question that cannot be read.
pub async fn list(
    service: &Service,
    question: &AccountQuestion,
    (cursor, limit): (Option<&str>, u32),
) -> Result<Listing<AccountView>, Failure> {
    let (page, limit) = listing::page(cursor, limit)?;
    let filter = AccountFilter {
        search: question.search.as_deref().map(fields::search).transpose()?.flatten(),
        external_id: question.external_id.as_deref().map(Into::into),
        plan: question.plan.as_deref().map(Into::into),
        paused: listing::paused(question.status.as_deref())?,
    };
    let accounts = service.store.accounts(&filter, &page).await?;
    let mut listing = listing::of(&accounts, limit, |account| AccountView::from(account));
    let terms: Vec<Terms> = accounts.into_iter().map(|account| account.terms).collect();
    budgets::look_up_accounts(service, &terms, &mut listing.data).await?;
    Ok(listing)
}

/// Pauses an account, ends its pause or gives it another list of addresses or another plan, and waits for the receipt.
///
/// # Errors
/// No such account.
pub async fn change(
    service: &Service,
    which: &str,
    change: AccountChange,
    origin: &Origin,
) -> Result<ChangedAccount, Failure> {
    change_if(service, which, (change, &Expected::Any), origin).await
}

/// As [`change`], if the account is in a version that is expected.
///
/// # Errors
/// As [`change`], and that it is in another.
pub async fn change_if(
    service: &Service,
    which: &str,
    (change, expected): (AccountChange, &Expected),
    origin: &Origin,
) -> Result<ChangedAccount, Failure> {
    let account = find(service, which).await?;
    let action = match change {
        AccountChange::Disable(_) => Action::AccountDisabled,
        AccountChange::Enable => Action::AccountEnabled,
        AccountChange::Addresses(_) => Action::AccountAddresses,
        AccountChange::Plan(_) => Action::AccountPlan,
        AccountChange::Limits(_) => Action::AccountLimits,
        AccountChange::Budget(_) => Action::AccountBudget,
        AccountChange::ExternalId(_) => Action::AccountReference,
    };
    let mut event = origin.event(action, &account.id);
    event.detail.push(("name", account.name.clone()));
    match &change {
        AccountChange::Addresses(list) => event.detail.push(("allowedIps", listed(list))),
        AccountChange::Plan(plan) => {
            let word = |plan: &Option<Box<str>>| plan.clone().unwrap_or_else(|| "default".into());
            event.detail.extend([("before", word(&account.terms.plan)), ("plan", word(plan))]);
        }
        AccountChange::Limits(limits) => event.detail.push(("limits", listed_paces(limits))),
        AccountChange::Budget(budget) => {
            let before = ("before", budgets::said(account.terms.budget));
            event.detail.extend([before, ("budget", budgets::said(*budget))]);
        }
        AccountChange::ExternalId(reference) => {
            event.detail.extend(account.external_id.clone().map(|before| ("before", before)));
            event.detail.extend(reference.clone().map(|reference| ("externalId", reference)));
        }
        AccountChange::Disable(_) | AccountChange::Enable => {}
    }
    match service.store.change_account_if(&account.id, expected, &change, &event).await? {
        None => Err(Failure::moved()),
        Some(Changed::NotFound) => Err(no_such_account(which)),
        Some(Changed::Refused(_)) => Err(Failure {
            kind: Kind::Conflict,
            message: "there is an account with this external id already; nothing was changed".to_owned(),
        }),
        Some(Changed::Done(head, account)) => {
            let receipt = service.receipt(head, service.now()).await;
            Ok(ChangedAccount { view: view(service, &account).await, receipt })
        }
    }
}

/// An account, with what is left of its budget, and its version.
///
/// # Errors
/// No such account, or more than one.
pub async fn show(service: &Service, which: &str) -> Result<(Version, AccountView), Failure> {
    let account = find(service, which).await?;
    Ok((account.version(), view(service, &account).await))
}

/// An account by id, name or reference.
///
/// # Errors
/// No such account, or more than one.
pub async fn find(service: &Service, which: &str) -> Result<AccountRecord, Failure> {
    let found = service.store.accounts_called(which).await?;
    listing::only(found, which, "account", |account| &account.id)?.ok_or_else(|| no_such_account(which))
}

/// An account, and what is left of its budget where that can be looked up: a change that was made is told all the same.
async fn view(service: &Service, account: &AccountRecord) -> AccountView {
    let mut view = AccountView::from(account);
    let terms = std::slice::from_ref(&account.terms);
    let _ = budgets::look_up_accounts(service, terms, std::slice::from_mut(&mut view)).await;
    view
}

/// Limits of its own as the audit log tells them.
fn listed_paces(limits: &[Pace]) -> Box<str> {
    if limits.is_empty() {
        return "those of its plan".into();
    }
    limits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ").into()
}

/// A plan by its name.
///
/// # Errors
/// The configuration does not know it.
pub fn known_plan(service: &Service, name: &str) -> Result<Box<str>, Failure> {
    let configuration = service.configuration();
    let plans = &configuration.rules.plans;
    if plans.find(name).is_some() {
        return Ok(name.into());
    }
    let known: Vec<&str> = plans.names().collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(Failure::invalid(format!("there is no plan {name:?}; `plans` in the configuration has: {known}")))
}

fn listed(networks: &[IpNet]) -> Box<str> {
    networks.iter().map(network).collect::<Vec<_>>().join(", ").into()
}

fn no_such_account(which: &str) -> Failure {
    let message = format!("there is no account {which:?}; `keyward account list` tells which there are");
    Failure { kind: Kind::NotFound, message }
}
