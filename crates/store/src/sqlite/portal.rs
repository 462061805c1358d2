//! The customer portal on SQLite: who stands for an account, and links that let in once.

use keyward_core::api_key::Owner;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::session::SessionRecord;
use keyward_engine::audit::AuditEvent;
use keyward_engine::links::NewLink;
use keyward_engine::ports::{JoinedSession, NewUser, StoreError};
use sqlx::query;

use super::rows::{column, owner};
use super::sessions::Holds;
use super::transaction::Transaction;
use super::{audit, sessions, users};

/// The user who stands for an account, made where there is none.
pub(super) async fn user(
    transaction: &mut Transaction,
    account: &str,
    new: &NewUser,
    event: &AuditEvent,
) -> Result<Option<Owner>, StoreError> {
    let rows = transaction.run(query("SELECT portal_user FROM accounts WHERE id = ?1").bind(account)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if let Some(known) = column::<Option<&str>>(row, "portal_user")? {
        return transaction.run(users::select_id(known)).await?.first().map(owner).transpose();
    }
    let Some(made) = users::make(transaction, new, event).await?.done() else { return Ok(None) };
    let update = query("UPDATE accounts SET portal_user = ?2 WHERE id = ?1").bind(account).bind(&*new.id);
    transaction.run(update).await?;
    Ok(Some(made.owner))
}

/// Keeps a link of a user who may come in; those that are too old are let go in passing.
pub(super) async fn keep(
    transaction: &mut Transaction,
    user: &str,
    link: &NewLink,
    event: &AuditEvent,
) -> Result<bool, StoreError> {
    let old = query("DELETE FROM portal_links WHERE expires_at <= ?1").bind(link.created_at.as_millis());
    transaction.run(old).await?;
    let insert = "INSERT INTO portal_links (digest, user, created_at, expires_at) \
         SELECT ?2, u.id, ?3, ?4 FROM users u LEFT JOIN accounts ua ON ua.id = u.account \
         WHERE u.id = ?1 AND u.disabled_at IS NULL AND ua.disabled_at IS NULL RETURNING user";
    let insert = query(insert)
        .bind(user)
        .bind(link.digest.as_bytes().as_slice())
        .bind(link.created_at.as_millis())
        .bind(link.expires_at.as_millis());
    if transaction.run(insert).await?.is_empty() {
        return Ok(false);
    }
    audit::insert(transaction, event).await.map(|()| true)
}

/// Uses up a link and begins a session by it.
pub(super) async fn begin(
    transaction: &mut Transaction,
    session: &SessionRecord,
    link: &ApiKeyDigest,
    cookie: &ApiKeyDigest,
    event: &AuditEvent,
) -> Result<Option<JoinedSession>, StoreError> {
    // Compare and set: of two that come at once, one finds it.
    let delete = "DELETE FROM portal_links WHERE digest = ?1 AND user = ?2 AND expires_at > ?3 AND user IN \
         (SELECT u.id FROM users u LEFT JOIN accounts ua ON ua.id = u.account \
          WHERE u.disabled_at IS NULL AND ua.disabled_at IS NULL) RETURNING user";
    let delete =
        query(delete).bind(link.as_bytes().as_slice()).bind(&*session.user).bind(session.created_at.as_millis());
    if transaction.run(delete).await?.is_empty() {
        return Ok(None);
    }
    sessions::insert(transaction, session, Holds::Cookie(cookie), event).await
}
