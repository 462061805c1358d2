//! Accounts: who owns users and keys, and what they may use together.

use http::StatusCode;
use keyward_api::budgets;
use keyward_api::failure::Failure;
use keyward_api::fields;
use keyward_api::people::accounts::{self, AccountQuestion, AccountView, ChangedAccount, NewAccount};
use keyward_api::portal;
use keyward_api::portal::links::PortalLink;
use keyward_api::view::{Listing, ReceiptView};
use keyward_engine::people::AccountChange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::{Access, Given, Operation, Sent, Verb, shape};
use crate::operations::keys::page;
use crate::operations::said;

const READ: Access = Access::Scope("keyward:accounts:read");
const WRITE: Access = Access::Scope("keyward:accounts:write");
const CHANGED: Given = Given::Json(StatusCode::OK, shape::<AccountChanged>);

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "accounts.list",
        path: "/accounts",
        access: READ,
        summary: "List accounts, newest first",
        query: Some(shape::<Which>),
        given: Given::Json(StatusCode::OK, shape::<Listing<AccountView>>),
        run: |call| Box::pin(list(call)),
        ..Operation::NEW
    },
    Operation {
        id: "accounts.create",
        verb: Verb::Post,
        path: "/accounts",
        access: WRITE,
        summary: "Make an account",
        sent: Sent::Json(shape::<ToMake>),
        given: Given::Json(StatusCode::CREATED, shape::<AccountView>),
        refuses: &[409],
        run: |call| Box::pin(create(call)),
        is_once: true,
        ..Operation::NEW
    },
    Operation {
        id: "accounts.show",
        path: "/accounts/{id}",
        access: READ,
        summary: "Show an account",
        given: Given::Json(StatusCode::OK, shape::<AccountView>),
        refuses: &[404, 409],
        run: |call| Box::pin(show(call)),
        ..Operation::NEW
    },
    Operation {
        id: "accounts.change",
        verb: Verb::Patch,
        path: "/accounts/{id}",
        access: WRITE,
        summary: "Give an account another plan, limits of its own, a list of addresses or another reference, one at a time",
        sent: Sent::Json(shape::<Changing>),
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(change(call)),
        is_conditional: true,
        ..Operation::NEW
    },
    Operation {
        id: "accounts.disable",
        verb: Verb::Post,
        path: "/accounts/{id}/disable",
        access: WRITE,
        summary: "Pause an account, with all of its users and keys",
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(disable(call)),
        ..Operation::NEW
    },
    Operation {
        id: "accounts.enable",
        verb: Verb::Post,
        path: "/accounts/{id}/enable",
        access: WRITE,
        summary: "End an account's pause",
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(enable(call)),
        ..Operation::NEW
    },
    Operation {
        id: "accounts.budget",
        verb: Verb::Post,
        path: "/accounts/{id}/budget",
        access: WRITE,
        summary: "Change what an account may use",
        sent: Sent::Json(shape::<Budgeting>),
        given: CHANGED,
        refuses: &[404, 409],
        run: |call| Box::pin(budget(call)),
        ..Operation::NEW
    },
    Operation {
        id: "accounts.portalLinks.make",
        verb: Verb::Post,
        path: "/accounts/{id}/portal-links",
        access: Access::Scope("keyward:portal:write"),
        summary: "Make a link by which the account's people come into the customer portal: good once, within ten minutes",
        given: Given::Json(StatusCode::CREATED, shape::<PortalLink>),
        refuses: &[404, 409],
        run: |call| Box::pin(portal_link(call)),
        ..Operation::NEW
    },
];

/// An account that was changed, and how far the change has come.
#[derive(Serialize, JsonSchema)]
struct AccountChanged {
    /// The account as it is now.
    account: AccountView,
    /// Which nodes know.
    receipt: ReceiptView,
}

impl From<ChangedAccount> for AccountChanged {
    fn from(changed: ChangedAccount) -> Self {
        Self { account: changed.view, receipt: changed.receipt }
    }
}

/// Which accounts to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Which {
    /// A `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// With this text in its name, id or reference.
    search: Option<String>,
    /// With this reference.
    external_id: Option<String>,
    /// On this plan.
    plan: Option<String>,
    /// `active` or `disabled`.
    #[schemars(extend("enum" = ["active", "disabled"]))]
    status: Option<String>,
}

async fn list(call: &Call) -> Result<Reply, Failure> {
    let Which { cursor, limit, search, external_id, plan, status } = call.query()?;
    let question = AccountQuestion { search, external_id, plan, status };
    Ok(answer::ok(&accounts::list(call.service(), &question, (cursor.as_deref(), page(limit)?)).await?))
}

/// An account to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ToMake {
    /// What people call it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// An operator's own reference.
    #[schemars(length(min = 1, max = 255))]
    external_id: Option<String>,
    /// Where its keys and tokens may be used from; absent or empty = anywhere.
    #[schemars(length(max = 100))]
    allowed_ips: Option<Vec<String>>,
    /// Its plan, by the name in the configuration.
    plan: Option<String>,
    /// Limits of its own, in place of those of its plan, each such as `1000/1h`.
    #[schemars(length(max = 100))]
    limits: Option<Vec<String>>,
    /// What it may use over all of its keys and users: `1000`, or `1000/30d` in each 30 days.
    budget: Option<String>,
}

async fn create(call: &Call) -> Result<Reply, Failure> {
    let ToMake { name, external_id, allowed_ips, plan, limits, budget } = call.body()?;
    let (allowed_ips, limits) = (allowed_ips.unwrap_or_default(), limits.unwrap_or_default());
    let new = NewAccount { name, external_id, allowed_ips, plan, limits, budget };
    let account = accounts::create(call.service(), &new, &call.origin()).await?;
    Ok(answer::made(&format!("/accounts/{}", account.id), &account))
}

async fn show(call: &Call) -> Result<Reply, Failure> {
    let (version, account) = accounts::show(call.service(), call.parameter(0)).await?;
    Ok(answer::versioned(version, &account))
}

async fn apply(call: &Call, change: AccountChange) -> Result<Reply, Failure> {
    let changed = accounts::change(call.service(), call.parameter(0), change, &call.origin()).await?;
    Ok(answer::ok(&AccountChanged::from(changed)))
}

/// What is to change: one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
struct Changing {
    /// Another plan, by its name in the configuration; null = the one for whoever has none.
    #[serde(default, deserialize_with = "said")]
    #[schemars(with = "Option<String>")]
    plan: Option<Option<String>>,
    /// Limits of its own, each such as `1000/1h`; empty = those of its plan.
    #[schemars(with = "Vec<String>", length(max = 100))]
    #[serde(default, deserialize_with = "said")]
    limits: Option<Vec<String>>,
    /// Where its keys and tokens may be used from; empty = anywhere.
    #[schemars(with = "Vec<String>", length(max = 100))]
    #[serde(default, deserialize_with = "said")]
    allowed_ips: Option<Vec<String>>,
    /// An operator's own reference; null = none.
    #[serde(default, deserialize_with = "said")]
    #[schemars(with = "Option<String>", length(min = 1, max = 255))]
    external_id: Option<Option<String>>,
}

async fn change(call: &Call) -> Result<Reply, Failure> {
    let expected = call.expected()?;
    let Changing { plan, limits, allowed_ips, external_id } = call.body()?;
    let wanted = match (plan, limits, allowed_ips, external_id) {
        (Some(plan), None, None, None) => {
            AccountChange::Plan(plan.map(|name| accounts::known_plan(call.service(), &name)).transpose()?)
        }
        (None, Some(limits), None, None) => AccountChange::Limits(budgets::paces(&limits)?),
        (None, None, Some(list), None) => AccountChange::Addresses(fields::networks(&list)?),
        (None, None, None, Some(reference)) => {
            AccountChange::ExternalId(reference.as_deref().map(fields::external_id).transpose()?)
        }
        _ => return Err(Failure::invalid("change plan, limits, allowedIps or externalId, one at a time")),
    };
    let origin = call.origin();
    let changing = accounts::change_if(call.service(), call.parameter(0), (wanted, &expected), &origin);
    Ok(answer::ok(&AccountChanged::from(changing.await?)))
}

async fn disable(call: &Call) -> Result<Reply, Failure> {
    apply(call, AccountChange::Disable(call.at.wall)).await
}

async fn enable(call: &Call) -> Result<Reply, Failure> {
    apply(call, AccountChange::Enable).await
}

/// Another budget.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Budgeting {
    /// `+500`, `=500`, `=1000/30d` or `none`.
    change: String,
}

async fn budget(call: &Call) -> Result<Reply, Failure> {
    let Budgeting { change } = call.body()?;
    let changed = budgets::change_of_account(call.service(), call.parameter(0), &change, &call.origin()).await?;
    Ok(answer::ok(&AccountChanged::from(changed)))
}

async fn portal_link(call: &Call) -> Result<Reply, Failure> {
    let link = portal::links::make(call.service(), call.parameter(0), &call.origin()).await?;
    Ok(answer::json(StatusCode::CREATED, &link))
}
