//! Users, as far as keys need owners.

use keyward_core::api_key::Owner;
use keyward_engine::audit::AuditEvent;
use keyward_engine::ports::{NewUser, StoreError};
use sqlx::query;

use super::audit;
use super::rows::{first, json_list, owner};
use super::transaction::{Statement, Transaction};

/// A user by name.
pub(super) fn select_name(username: &str) -> Statement {
    query("SELECT id, username, roles, disabled_at FROM users WHERE username = ?1").bind(username)
}

/// A user by id.
pub(super) fn select_id(id: &str) -> Statement {
    query("SELECT id, username, roles, disabled_at FROM users WHERE id = ?1").bind(id)
}

/// Makes a user unless the name is taken; answers with whoever has it then. The feed is not told: nobody's memory can
/// know of a user before its first key.
pub(super) async fn ensure(
    transaction: &mut Transaction,
    user: &NewUser,
    event: &AuditEvent,
) -> Result<Owner, StoreError> {
    let insert = "INSERT INTO users (id, username, roles, created_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (username) DO NOTHING RETURNING id";
    let statement = query(insert)
        .bind(&*user.id)
        .bind(&*user.username)
        .bind(json_list(&user.roles))
        .bind(user.created_at.as_millis());
    if !transaction.run(statement).await?.is_empty() {
        audit::insert(transaction, event).await?;
    }
    owner(first(&transaction.run(select_name(&user.username)).await?)?)
}
