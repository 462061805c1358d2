//! Users: how they are made, found, listed and changed.

use keyward_core::api_key::Owner;
use keyward_core::digest::ApiKeyDigest;
use keyward_engine::audit::AuditEvent;
use keyward_engine::people::{Changed, Made, Obstacle, PasswordHash, UserChange, UserRecord};
use keyward_engine::ports::{FeedHead, NewUser, Page, StoreError, UserFilter};
use keyward_engine::version::Expected;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::asking::{Asking, anywhere};
use super::feed::{USER, stand, tell};
use super::rows::{column, first, head, json_list, owner, time, unreadable, user_columns};
use super::transaction::{Statement, Transaction};
use super::{audit, links, sessions};

/// The columns of a user `u` with its account `ua` and all that is kept of it.
macro_rules! record_columns {
    () => {
        concat!(
            user_columns!(),
            ", u.password, u.external_id, u.created_at, EXISTS \
             (SELECT 1 FROM factors f WHERE f.user = u.id AND f.confirmed_at IS NOT NULL) AS second_factor"
        )
    };
}

/// These columns and their joins.
macro_rules! select_user {
    () => {
        concat!("SELECT ", record_columns!(), " FROM users u LEFT JOIN accounts ua ON ua.id = u.account ")
    };
}

/// A user by name.
pub(super) fn select_name(username: &str) -> Statement {
    query(concat!(select_user!(), "WHERE u.username = ?1")).bind(username)
}

/// A user by id.
pub(super) fn select_id(id: &str) -> Statement {
    query(concat!(select_user!(), "WHERE u.id = ?1")).bind(id)
}

/// The head, and a user by id: one statement, so one snapshot.
pub(super) fn select_as_of(id: &str) -> Statement {
    const SELECT: &str = concat!(
        "SELECT h.epoch, h.position AS head, ",
        record_columns!(),
        " FROM feed_head h LEFT JOIN users u ON u.id = ?1 LEFT JOIN accounts ua ON ua.id = u.account"
    );
    query(SELECT).bind(id)
}

/// Reads what [`select_as_of`] found.
pub(super) fn read_as_of(rows: &[SqliteRow]) -> Result<(FeedHead, Option<UserRecord>), StoreError> {
    let row = first(rows)?;
    let is_there = column::<Option<&str>>(row, "user_id")?.is_some();
    Ok((head(row)?, is_there.then(|| record(row)).transpose()?))
}

/// Users by id, name or reference.
pub(super) fn select_called(who: &str) -> Statement {
    query(concat!(select_user!(), "WHERE u.id = ?1 OR u.username = ?1 OR u.external_id = ?1 ORDER BY u.id")).bind(who)
}

/// One page of users that fit, newest first: looked for in the index that has all of this, and then read.
pub(super) fn select_page(filter: &UserFilter, page: &Page) -> Statement {
    const PAUSED: &str =
        "disabled_at IS NOT NULL OR coalesce(account, '') IN (SELECT id FROM accounts WHERE disabled_at IS NOT NULL)";
    const NOT_PAUSED: &str =
        "disabled_at IS NULL AND coalesce(account, '') NOT IN (SELECT id FROM accounts WHERE disabled_at IS NOT NULL)";
    let (time, id) = page.place();
    let role = filter.role.as_deref().map(|role| serde_json::Value::from(role).to_string());
    let mut asking = Asking::begin(concat!(select_user!(), "JOIN (SELECT id FROM users INDEXED BY users_listing"))
        .given("search LIKE ? ESCAPE '\\'", filter.search.as_deref().map(anywhere).as_deref())
        .given("account = ?", filter.account.as_deref())
        // A JSON list of texts: with its quotes a name is no part of another.
        .given("instr(roles, ?) > 0", role.as_deref());
    if let Some(paused) = filter.paused {
        asking = asking.holds(if paused { PAUSED } else { NOT_PAUSED });
    }
    asking
        .holds("(created_at, id) < (?, ?)")
        .value(time)
        .value(id)
        .text(
            " ORDER BY created_at DESC, id DESC LIMIT ?) page ON page.id = u.id ORDER BY u.created_at DESC, u.id DESC",
        )
        .value(i64::from(page.limit))
        .statement()
}

/// The user whom an invitation of a digest is for, and how long it is good.
pub(super) fn select_invited(digest: &ApiKeyDigest) -> Statement {
    const SELECT: &str = concat!(
        "SELECT i.expires_at AS good_until, ",
        record_columns!(),
        " FROM invitations i JOIN users u ON u.id = i.user LEFT JOIN accounts ua ON ua.id = u.account WHERE i.digest = ?1"
    );
    query(SELECT).bind(digest.as_bytes().as_slice())
}

/// The user whom a link to the portal lets in.
pub(super) fn select_by_link(digest: &ApiKeyDigest) -> Statement {
    query(concat!(select_user!(), "JOIN portal_links l ON l.user = u.id WHERE l.digest = ?1"))
        .bind(digest.as_bytes().as_slice())
}

/// The user in a row of the selects above.
pub(super) fn record(row: &SqliteRow) -> Result<UserRecord, StoreError> {
    Ok(UserRecord {
        owner: owner(row)?,
        password: column::<Option<Box<str>>>(row, "password")?.map(PasswordHash),
        external_id: column(row, "external_id")?,
        second_factor: column(row, "second_factor")?,
        created_at: time(row, "created_at")?.ok_or_else(|| unreadable("created_at"))?,
    })
}

/// Makes a user unless the name is taken; answers with whoever has it then. The feed is not told: nobody's memory can
/// know of a user before its first key or session.
pub(super) async fn ensure(
    transaction: &mut Transaction,
    user: &NewUser,
    event: &AuditEvent,
) -> Result<Owner, StoreError> {
    if insert(transaction, user).await? {
        audit::insert(transaction, event).await?;
    }
    owner(first(&transaction.run(select_name(&user.username)).await?)?)
}

/// Makes a user unless its name or reference is taken.
pub(super) async fn make(
    transaction: &mut Transaction,
    user: &NewUser,
    event: &AuditEvent,
) -> Result<Made<UserRecord>, StoreError> {
    if !insert(transaction, user).await? {
        return Ok(Made::Taken);
    }
    audit::insert(transaction, event).await?;
    Ok(Made::Done(record(first(&transaction.run(select_id(&user.id)).await?)?)?))
}

/// Whether it was kept.
async fn insert(transaction: &mut Transaction, user: &NewUser) -> Result<bool, StoreError> {
    let insert = "INSERT INTO users (id, username, roles, account, external_id, password, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING RETURNING id";
    let statement = query(insert)
        .bind(&*user.id)
        .bind(&*user.username)
        .bind(json_list(&user.roles))
        .bind(user.account.as_deref())
        .bind(user.external_id.as_deref())
        .bind(user.password.as_ref().map(|hash| &*hash.0))
        .bind(user.created_at.as_millis());
    Ok(!transaction.run(statement).await?.is_empty())
}

/// Applies a change, ends sessions where it does, and tells the feed.
pub(super) async fn change(
    transaction: &mut Transaction,
    (id, expected): (&str, &Expected),
    change: &UserChange,
    event: &AuditEvent,
) -> Result<Option<Changed<UserRecord>>, StoreError> {
    let Some(mut user) = transaction.run(select_id(id)).await?.first().map(record).transpose()? else {
        return Ok(Some(Changed::NotFound));
    };
    if !expected.holds(user.version()) {
        return Ok(None);
    }
    let before = change.told_of(&user);
    if !change.apply(&mut user) {
        return Ok(Some(Changed::Done(stand(transaction).await?, user)));
    }
    if let Some(obstacle) = obstacle(transaction, id, change).await? {
        return Ok(Some(Changed::Refused(obstacle)));
    }
    let update = "UPDATE users SET roles = ?2, password = ?3, disabled_at = ?4, external_id = ?5 WHERE id = ?1";
    let update = query(update)
        .bind(id)
        .bind(json_list(&user.owner.roles))
        .bind(user.password.as_ref().map(|hash| &*hash.0))
        .bind(user.owner.disabled_at.map(keyward_core::time::Timestamp::as_millis))
        .bind(user.external_id.as_deref());
    transaction.run(update).await?;
    if let UserChange::Account(_, account) = change {
        user = take_along(transaction, (id, &user), account.as_deref()).await?;
    }
    if change.ends_invitation() {
        transaction.run(links::end_of(id)).await?;
    }
    if let Some(end) = change.ends_sessions(&user) {
        transaction.run(sessions::end_of_user(id, &end)).await?;
    }
    let detail = event.detail.iter().cloned().chain(before).collect();
    audit::insert(transaction, &AuditEvent { detail, ..event.clone() }).await?;
    Ok(Some(Changed::Done(tell(transaction, USER, &[id]).await?, user)))
}

/// What is in the way of a change.
async fn obstacle(
    transaction: &mut Transaction,
    id: &str,
    change: &UserChange,
) -> Result<Option<Obstacle>, StoreError> {
    let (found, obstacle) = match change {
        UserChange::ExternalId(Some(reference)) => {
            let others = query("SELECT id FROM users WHERE external_id = ?1 AND id <> ?2").bind(&**reference).bind(id);
            (transaction.run(others).await?, Obstacle::Taken)
        }
        UserChange::Account(..) => {
            let stands_for = query("SELECT id FROM accounts WHERE portal_user = ?1").bind(id);
            (transaction.run(stands_for).await?, Obstacle::Bound)
        }
        _ => return Ok(None),
    };
    Ok((!found.is_empty()).then_some(obstacle))
}

/// Puts a user into another account, with the keys that are of the one that it had, or of none as it was; the user as it is then.
async fn take_along(
    transaction: &mut Transaction,
    (id, before): (&str, &UserRecord),
    account: Option<&str>,
) -> Result<UserRecord, StoreError> {
    let from = before.owner.account.as_ref().map(|account| &*account.id);
    let keys = query("UPDATE api_keys SET account = ?2 WHERE owner = ?1 AND account IS ?3");
    transaction.run(keys.bind(id).bind(account).bind(from)).await?;
    transaction.run(query("UPDATE users SET account = ?2 WHERE id = ?1").bind(id).bind(account)).await?;
    record(first(&transaction.run(select_id(id)).await?)?)
}
