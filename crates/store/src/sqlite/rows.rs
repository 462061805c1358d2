//! Rows and records: how keys and users stand in columns.

use std::str::FromStr;

use ipnet::IpNet;
use keyward_core::api_key::{ApiKeyRecord, Owner, OwningAccount};
use keyward_core::digest::ApiKeyDigest;
use keyward_core::plan::Terms;
use keyward_core::principal::Mode;
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::time::Timestamp;
use keyward_engine::ports::{FeedHead, Joined, Metadata, StoreError};
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use super::error::store_error;
use super::transaction::Statement;

/// The columns of a key `k` with its owner `u` and their accounts `ka` and `ua`, for `concat!`.
macro_rules! joined_columns {
    () => {
        "k.id, k.owner, k.account, k.name, k.prefix, k.digest, k.mode, k.scopes, k.allowed_ips, k.external_id, \
         k.created_at, k.expires_at, k.last_used_at, k.disabled_at, k.revoked_at, k.revoked_reason, k.replaces, \
         k.overlap_ends_at, k.line, k.secret, ka.disabled_at AS account_disabled_at, ka.allowed_ips AS account_allowed_ips, \
         ka.plan AS account_plan, ka.limits AS account_limits, ka.budget AS account_budget, kb.budget AS key_budget, u.username, u.roles, u.disabled_at AS user_disabled_at, u.account AS user_account, \
         ua.disabled_at AS user_account_disabled_at, ua.allowed_ips AS user_account_allowed_ips, \
         ua.plan AS user_account_plan, ua.limits AS user_account_limits, ua.budget AS user_account_budget"
    };
}
pub(super) use joined_columns;

/// The joins of a key `k` to its owner, to their accounts and to the budget of its line.
macro_rules! joins {
    () => {
        " LEFT JOIN users u ON u.id = k.owner LEFT JOIN accounts ua ON ua.id = u.account \
          LEFT JOIN accounts ka ON ka.id = k.account LEFT JOIN key_budgets kb ON kb.line = coalesce(k.line, k.id)"
    };
}
pub(super) use joins;

/// The columns of a user `u` with its account `ua`.
macro_rules! user_columns {
    () => {
        "u.id AS user_id, u.username, u.roles, u.disabled_at AS user_disabled_at, u.account AS user_account, \
         ua.disabled_at AS user_account_disabled_at, ua.allowed_ips AS user_account_allowed_ips, \
         ua.plan AS user_account_plan, ua.limits AS user_account_limits, ua.budget AS user_account_budget"
    };
}
pub(super) use user_columns;

/// Binds a whole record as ?1 to ?20, in the order of the table.
pub(super) fn bind_key(statement: Statement, key: &ApiKeyRecord) -> Statement {
    let scopes = key.scopes.as_ref().map(|scopes| json_list(scopes.iter()));
    statement
        .bind(&*key.id)
        .bind(&*key.owner)
        .bind(key.account.as_deref())
        .bind(&*key.name)
        .bind(&*key.prefix)
        .bind(key.digest.as_bytes().as_slice())
        .bind(key.mode.as_str())
        .bind(scopes)
        .bind(json_list(&key.allowed_ips))
        .bind(key.external_id.as_deref())
        .bind(key.created_at.as_millis())
        .bind(key.expires_at.map(Timestamp::as_millis))
        .bind(key.last_used_at.map(Timestamp::as_millis))
        .bind(key.disabled_at.map(Timestamp::as_millis))
        .bind(key.revoked_at.map(Timestamp::as_millis))
        .bind(key.revoked_reason.as_deref())
        .bind(key.replaces.as_deref())
        .bind(key.overlap_ends_at.map(Timestamp::as_millis))
        .bind(key.line.as_deref())
        .bind(key.secret.as_ref().map(|secret| secret.as_bytes().as_slice()))
}

/// A JSON list of texts.
pub(super) fn json_list(items: impl IntoIterator<Item = impl ToString>) -> String {
    let items = items.into_iter().map(|item| serde_json::Value::String(item.to_string()));
    serde_json::Value::Array(items.collect()).to_string()
}

/// The same with what operators keep beside the key, in a row that has `k.metadata` as well: for operations, not for decisions.
pub(super) fn kept(row: &SqliteRow) -> Result<Option<Joined>, StoreError> {
    let Some(joined) = joined(row)? else { return Ok(None) };
    let metadata = serde_json::from_str(column(row, "metadata")?).map_err(|_| unreadable("metadata"))?;
    Ok(Some(Joined { metadata, ..joined }))
}

/// The key and owner in a row of [`joined_columns`]; `None` where an outer join found no key.
pub(super) fn joined(row: &SqliteRow) -> Result<Option<Joined>, StoreError> {
    if column::<Option<&str>>(row, "id")?.is_none() {
        return Ok(None);
    }
    let key = key(row)?;
    let owner = owner_named(row, key.owner.clone())?;
    let account = account(row, key.account.clone(), OF_KEY)?;
    let budget = read(row, "key_budget")?;
    Ok(Some(Joined { key, account, owner, budget, metadata: Metadata::new() }))
}

fn key(row: &SqliteRow) -> Result<ApiKeyRecord, StoreError> {
    let secret = match column::<Option<&[u8]>>(row, "secret")? {
        Some(_) => Some(ApiKeyDigest::from_bytes(bytes(row, "secret")?)),
        None => None,
    };
    Ok(ApiKeyRecord {
        id: column(row, "id")?,
        owner: column(row, "owner")?,
        account: column(row, "account")?,
        name: column(row, "name")?,
        prefix: column(row, "prefix")?,
        digest: ApiKeyDigest::from_bytes(bytes(row, "digest")?),
        secret,
        mode: Mode::parse(column(row, "mode")?).ok_or_else(|| unreadable("mode"))?,
        scopes: scopes(row, "scopes")?,
        allowed_ips: networks(row, "allowed_ips")?,
        external_id: column(row, "external_id")?,
        created_at: time(row, "created_at")?.ok_or_else(|| unreadable("created_at"))?,
        expires_at: time(row, "expires_at")?,
        last_used_at: time(row, "last_used_at")?,
        disabled_at: time(row, "disabled_at")?,
        revoked_at: time(row, "revoked_at")?,
        revoked_reason: column(row, "revoked_reason")?,
        replaces: column(row, "replaces")?,
        overlap_ends_at: time(row, "overlap_ends_at")?,
        line: column(row, "line")?,
    })
}

/// The user in a row of [`user_columns`].
pub(super) fn owner(row: &SqliteRow) -> Result<Owner, StoreError> {
    owner_named(row, column(row, "user_id")?)
}

/// The user of an id, in the other columns of [`user_columns`].
pub(super) fn owner_named(row: &SqliteRow, id: Box<str>) -> Result<Owner, StoreError> {
    let account = column::<Option<Box<str>>>(row, "user_account")?;
    let account = self::account(row, account, OF_USER)?;
    Ok(Owner {
        id,
        username: column(row, "username")?,
        roles: list(row, "roles", |text| Some(text.into()))?,
        disabled_at: time(row, "user_disabled_at")?,
        account,
    })
}

/// The columns of an account: its pause, its list, and its terms.
type AccountColumns = (&'static str, &'static str, TermsColumns);
/// The columns of an account's plan, own limits and budget.
type TermsColumns = (&'static str, &'static str, &'static str);

const OF_KEY: AccountColumns =
    ("account_disabled_at", "account_allowed_ips", ("account_plan", "account_limits", "account_budget"));
const OF_USER: AccountColumns = (
    "user_account_disabled_at",
    "user_account_allowed_ips",
    ("user_account_plan", "user_account_limits", "user_account_budget"),
);

/// An account of which the id is known.
fn account(
    row: &SqliteRow,
    id: Option<Box<str>>,
    (pause, networks, columns): AccountColumns,
) -> Result<Option<OwningAccount>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    // Accounts are never deleted; an outer join that finds none finds no list either.
    let (allowed_ips, terms) = match column::<Option<&str>>(row, networks)? {
        Some(_) => (self::networks(row, networks)?, terms(row, columns)?),
        None => (Vec::new(), Terms::default()),
    };
    Ok(Some(OwningAccount { id, disabled_at: time(row, pause)?, allowed_ips, terms }))
}

/// How an account is counted.
pub(super) fn terms(row: &SqliteRow, (plan, limits, budget): TermsColumns) -> Result<Terms, StoreError> {
    Ok(Terms {
        plan: column(row, plan)?,
        limits: list(row, limits, |text| text.parse().ok())?,
        budget: read(row, budget)?,
    })
}

/// A column of what is read from text.
fn read<T: FromStr>(row: &SqliteRow, name: &'static str) -> Result<Option<T>, StoreError> {
    column::<Option<&str>>(row, name)?.map(|text| text.parse().map_err(|_| unreadable(name))).transpose()
}

/// A column of scopes; NULL is none.
pub(super) fn scopes(row: &SqliteRow, name: &'static str) -> Result<Option<ScopeSet>, StoreError> {
    if column::<Option<&str>>(row, name)?.is_none() {
        return Ok(None);
    }
    Ok(Some(ScopeSet::from_iter(list(row, name, |text| Scope::parse(text).ok())?)))
}

/// A column of networks.
pub(super) fn networks(row: &SqliteRow, name: &'static str) -> Result<Vec<IpNet>, StoreError> {
    list(row, name, |text| IpNet::from_str(text).ok())
}

/// The feed's head in the columns `epoch` and `head`.
pub(super) fn head(row: &SqliteRow) -> Result<FeedHead, StoreError> {
    Ok(FeedHead { epoch: column::<i64>(row, "epoch")?.cast_unsigned(), position: position(column(row, "head")?)? })
}

/// A number of the feed.
pub(super) fn position(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| unreadable("position"))
}

/// The first row of a table that always has one.
pub(super) fn first(rows: &[SqliteRow]) -> Result<&SqliteRow, StoreError> {
    rows.first().ok_or_else(|| StoreError::Corrupt("a row that every store has is gone".to_owned()))
}

/// One column.
pub(super) fn column<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(
    row: &'r SqliteRow,
    name: &'static str,
) -> Result<T, StoreError> {
    row.try_get(name).map_err(store_error)
}

/// A column of 32 bytes.
pub(super) fn bytes(row: &SqliteRow, name: &'static str) -> Result<[u8; 32], StoreError> {
    column::<&[u8]>(row, name)?.try_into().map_err(|_| unreadable(name))
}

/// A column of a point in time.
pub(super) fn time(row: &SqliteRow, name: &'static str) -> Result<Option<Timestamp>, StoreError> {
    Ok(column::<Option<i64>>(row, name)?.map(Timestamp::from_millis))
}

fn list<T>(row: &SqliteRow, name: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, StoreError> {
    let items: Vec<String> = serde_json::from_str(column(row, name)?).map_err(|_| unreadable(name))?;
    items.iter().map(|item| read(item).ok_or_else(|| unreadable(name))).collect()
}

/// A value that no version wrote.
pub(super) fn unreadable(column: &str) -> StoreError {
    StoreError::Corrupt(format!("a value in column {column} cannot be read"))
}
