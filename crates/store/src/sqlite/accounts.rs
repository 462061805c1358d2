//! Accounts: how they are made, found, listed and changed.

use keyward_core::plan::Terms;
use keyward_core::time::Timestamp;
use keyward_engine::audit::AuditEvent;
use keyward_engine::people::{AccountChange, AccountRecord, Changed, Made, Obstacle};
use keyward_engine::ports::{AccountFilter, Page, StoreError};
use keyward_engine::version::Expected;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::asking::{Asking, anywhere};
use super::feed::{ACCOUNT, stand, tell};
use super::rows::{column, json_list, networks, terms, time, unreadable};
use super::transaction::{Statement, Transaction};
use super::{audit, sessions};

/// An account by id.
fn select_id(id: &str) -> Statement {
    query("SELECT id, name, external_id, created_at, disabled_at, allowed_ips, plan, limits, budget FROM accounts WHERE id = ?1").bind(id)
}

/// Accounts by id, name or reference.
pub(super) fn select_called(which: &str) -> Statement {
    let select = "SELECT id, name, external_id, created_at, disabled_at, allowed_ips, plan, limits, budget FROM accounts \
         WHERE id = ?1 OR name = ?1 OR external_id = ?1 ORDER BY id";
    query(select).bind(which)
}

/// One page of accounts that fit, newest first: looked for in the index that has all of this, and then read.
pub(super) fn select_page(filter: &AccountFilter, page: &Page) -> Statement {
    let (time, id) = page.place();
    let mut asking = Asking::begin(
        "SELECT a.id, a.name, a.external_id, a.created_at, a.disabled_at, a.allowed_ips, a.plan, a.limits, a.budget \
         FROM accounts a JOIN (SELECT id FROM accounts INDEXED BY accounts_listing",
    )
    .given("search LIKE ? ESCAPE '\\'", filter.search.as_deref().map(anywhere).as_deref())
    .given("external_id = ?", filter.external_id.as_deref())
    .given("plan = ?", filter.plan.as_deref());
    if let Some(paused) = filter.paused {
        asking = asking.holds(if paused { "disabled_at IS NOT NULL" } else { "disabled_at IS NULL" });
    }
    asking
        .holds("(created_at, id) < (?, ?)")
        .value(time)
        .value(id)
        .text(
            " ORDER BY created_at DESC, id DESC LIMIT ?) page ON page.id = a.id ORDER BY a.created_at DESC, a.id DESC",
        )
        .value(i64::from(page.limit))
        .statement()
}

/// The account in a row of the selects above.
pub(super) fn record(row: &SqliteRow) -> Result<AccountRecord, StoreError> {
    Ok(AccountRecord {
        id: column(row, "id")?,
        name: column(row, "name")?,
        external_id: column(row, "external_id")?,
        created_at: time(row, "created_at")?.ok_or_else(|| unreadable("created_at"))?,
        disabled_at: time(row, "disabled_at")?,
        allowed_ips: networks(row, "allowed_ips")?,
        terms: terms(row, ("plan", "limits", "budget"))?,
    })
}

/// Makes an account unless its name or reference is taken.
pub(super) async fn make(
    transaction: &mut Transaction,
    account: &AccountRecord,
    event: &AuditEvent,
) -> Result<Made<AccountRecord>, StoreError> {
    let insert = "INSERT INTO accounts (id, name, external_id, created_at, disabled_at, allowed_ips, plan, limits, budget) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         ON CONFLICT DO NOTHING RETURNING id";
    let insert = query(insert)
        .bind(&*account.id)
        .bind(&*account.name)
        .bind(account.external_id.as_deref())
        .bind(account.created_at.as_millis())
        .bind(account.disabled_at.map(Timestamp::as_millis))
        .bind(json_list(&account.allowed_ips));
    let insert = bind_terms(insert, &account.terms);
    if transaction.run(insert).await?.is_empty() {
        return Ok(Made::Taken);
    }
    audit::insert(transaction, event).await?;
    Ok(Made::Done(account.clone()))
}

/// Applies a change, ends sessions where it does, and tells the feed.
pub(super) async fn change(
    transaction: &mut Transaction,
    (id, expected): (&str, &Expected),
    change: &AccountChange,
    event: &AuditEvent,
) -> Result<Option<Changed<AccountRecord>>, StoreError> {
    let Some(mut account) = transaction.run(select_id(id)).await?.first().map(record).transpose()? else {
        return Ok(Some(Changed::NotFound));
    };
    if !expected.holds(account.version()) {
        return Ok(None);
    }
    if !change.apply(&mut account) {
        return Ok(Some(Changed::Done(stand(transaction).await?, account)));
    }
    if let AccountChange::ExternalId(Some(reference)) = change {
        let others = query("SELECT id FROM accounts WHERE external_id = ?1 AND id <> ?2").bind(&**reference).bind(id);
        if !transaction.run(others).await?.is_empty() {
            return Ok(Some(Changed::Refused(Obstacle::Taken)));
        }
    }
    let update = "UPDATE accounts SET disabled_at = ?2, allowed_ips = ?3, plan = ?4, limits = ?5, budget = ?6, \
         external_id = ?7 WHERE id = ?1";
    let update = query(update)
        .bind(&*account.id)
        .bind(account.disabled_at.map(Timestamp::as_millis))
        .bind(json_list(&account.allowed_ips));
    transaction.run(bind_terms(update, &account.terms).bind(account.external_id.as_deref())).await?;
    if let AccountChange::Disable(at) = change {
        transaction.run(sessions::end_all_of_account(&account.id, *at, "account disabled")).await?;
    }
    audit::insert(transaction, event).await?;
    Ok(Some(Changed::Done(tell(transaction, ACCOUNT, &[&account.id]).await?, account)))
}

/// Binds the next three columns.
fn bind_terms(statement: Statement, terms: &Terms) -> Statement {
    statement
        .bind(terms.plan.as_deref())
        .bind(json_list(&terms.limits))
        .bind(terms.budget.map(|budget| budget.to_string()))
}
