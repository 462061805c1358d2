//! Accounts: how they are made, found, listed and changed.

use keyward_core::plan::Terms;
use keyward_core::time::Timestamp;
use keyward_engine::audit::AuditEvent;
use keyward_engine::people::{AccountChange, AccountRecord, Changed, Made};
use keyward_engine::ports::{Page, StoreError};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

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

/// One page of accounts, newest first.
pub(super) fn select_page(page: &Page) -> Statement {
    let select = "SELECT id, name, external_id, created_at, disabled_at, allowed_ips, plan, limits, budget FROM accounts \
         WHERE (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3";
    let (time, id) = page.place();
    query(select).bind(time).bind(id).bind(page.limit)
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
    id: &str,
    change: &AccountChange,
    event: &AuditEvent,
) -> Result<Changed<AccountRecord>, StoreError> {
    let Some(mut account) = transaction.run(select_id(id)).await?.first().map(record).transpose()? else {
        return Ok(Changed::NotFound);
    };
    if !change.apply(&mut account) {
        return Ok(Changed::Done(stand(transaction).await?, account));
    }
    let update = query(
        "UPDATE accounts SET disabled_at = ?2, allowed_ips = ?3, plan = ?4, limits = ?5, budget = ?6 WHERE id = ?1",
    )
    .bind(&*account.id)
    .bind(account.disabled_at.map(Timestamp::as_millis))
    .bind(json_list(&account.allowed_ips));
    transaction.run(bind_terms(update, &account.terms)).await?;
    if let AccountChange::Disable(at) = change {
        transaction.run(sessions::end_all_of_account(&account.id, *at, "account disabled")).await?;
    }
    audit::insert(transaction, event).await?;
    Ok(Changed::Done(tell(transaction, ACCOUNT, &[&account.id]).await?, account))
}

/// Binds the next three columns.
fn bind_terms(statement: Statement, terms: &Terms) -> Statement {
    statement
        .bind(terms.plan.as_deref())
        .bind(json_list(&terms.limits))
        .bind(terms.budget.map(|budget| budget.to_string()))
}
