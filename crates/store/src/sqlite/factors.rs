//! Second factors on SQLite: kept, counted once each, changed.

use keyward_core::digest::ApiKeyDigest;
use keyward_core::time::Timestamp;
use keyward_engine::audit::AuditEvent;
use keyward_engine::factors::{Authenticator, FactorChange, Factors, Second, SecondFactors};
use keyward_engine::ports::{Answer, FeedHead, StoreError};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::feed::{USER, tell};
use super::rows::{bytes, column, first, time, unreadable};
use super::transaction::{Statement, Transaction};
use super::{SqliteStore, audit};

impl SecondFactors for SqliteStore {
    fn factors<'a>(&'a self, user: &'a str) -> Answer<'a, Factors> {
        Box::pin(async move { read(&self.read(select(user)).await?) })
    }

    fn change_factors<'a>(
        &'a self,
        user: &'a str,
        change: &'a FactorChange<'a>,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<FeedHead>> {
        Box::pin(self.writer.write(async move |transaction| apply(transaction, user, change, event).await))
    }
}

/// A row for each recovery code that is left, and one at least; the authenticator, if there is one, in each of them.
fn select(user: &str) -> Statement {
    let select = "SELECT f.id, f.sealed, f.created_at, f.confirmed_at, r.digest FROM (SELECT 1) \
         LEFT JOIN factors f ON f.user = ?1 AND f.kind = 'totp' \
         LEFT JOIN recovery_codes r ON r.user = ?1 AND r.spent_at IS NULL";
    query(select).bind(user)
}

fn read(rows: &[SqliteRow]) -> Result<Factors, StoreError> {
    let row = first(rows)?;
    let authenticator = match column::<Option<Box<str>>>(row, "id")? {
        Some(id) => Some(Authenticator {
            id,
            sealed: column::<&[u8]>(row, "sealed")?.into(),
            created_at: time(row, "created_at")?.ok_or_else(|| unreadable("created_at"))?,
            confirmed_at: time(row, "confirmed_at")?,
        }),
        None => None,
    };
    let mut recovery_codes = Vec::with_capacity(rows.len());
    for row in rows {
        if column::<Option<&[u8]>>(row, "digest")?.is_some() {
            recovery_codes.push(ApiKeyDigest::from_bytes(bytes(row, "digest")?));
        }
    }
    Ok(Factors { authenticator, recovery_codes })
}

/// Whether anything beside the password is asked of a user.
pub(super) async fn guard(transaction: &mut Transaction, user: &str) -> Result<bool, StoreError> {
    let select = query("SELECT 1 FROM factors WHERE user = ?1 AND confirmed_at IS NOT NULL").bind(user);
    Ok(!transaction.run(select).await?.is_empty())
}

/// Uses up what was shown, by compare and set: of two that show the same, one finds it good. Whether it was.
pub(super) async fn spend(
    transaction: &mut Transaction,
    user: &str,
    second: &Second,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let update = match second {
        Second::Step { authenticator, step } => query(
            "UPDATE factors SET last_step = ?3 \
             WHERE id = ?2 AND user = ?1 AND confirmed_at IS NOT NULL AND last_step < ?3 RETURNING id",
        )
        .bind(user)
        .bind(&**authenticator)
        .bind(number(*step)),
        Second::Recovery(digest) => {
            query("UPDATE recovery_codes SET spent_at = ?3 WHERE user = ?1 AND digest = ?2 AND spent_at IS NULL RETURNING user")
                .bind(user)
                .bind(digest.as_bytes().as_slice())
                .bind(at.as_millis())
        }
    };
    Ok(!transaction.run(update).await?.is_empty())
}

async fn apply(
    transaction: &mut Transaction,
    user: &str,
    change: &FactorChange<'_>,
    event: &AuditEvent,
) -> Result<Option<FeedHead>, StoreError> {
    let is_done = match change {
        FactorChange::Begin(authenticator) => begin(transaction, user, authenticator).await?,
        FactorChange::Confirm { authenticator, step, at, codes } => {
            let update = "UPDATE factors SET confirmed_at = ?3, last_step = ?4 \
                 WHERE id = ?2 AND user = ?1 AND confirmed_at IS NULL RETURNING id";
            let update = query(update).bind(user).bind(*authenticator).bind(at.as_millis()).bind(number(*step));
            let is_done = !transaction.run(update).await?.is_empty();
            if is_done {
                keep_codes(transaction, user, codes).await?;
            }
            is_done
        }
        FactorChange::Codes(codes) => {
            let is_done = guard(transaction, user).await?;
            if is_done {
                keep_codes(transaction, user, codes).await?;
            }
            is_done
        }
        FactorChange::Remove(shown) => {
            let is_good = match shown {
                Some(second) => spend(transaction, user, second, event.at).await?,
                None => guard(transaction, user).await?,
            };
            if is_good {
                transaction.run(query("DELETE FROM factors WHERE user = ?1").bind(user)).await?;
                transaction.run(delete_codes(user)).await?;
            }
            is_good
        }
    };
    if !is_done {
        return Ok(None);
    }
    audit::insert(transaction, event).await?;
    tell(transaction, USER, &[user]).await.map(Some)
}

async fn begin(transaction: &mut Transaction, user: &str, new: &Authenticator) -> Result<bool, StoreError> {
    if guard(transaction, user).await? {
        return Ok(false);
    }
    transaction.run(query("DELETE FROM factors WHERE user = ?1 AND confirmed_at IS NULL").bind(user)).await?;
    let insert = "INSERT INTO factors (id, user, kind, sealed, created_at) VALUES (?1, ?2, 'totp', ?3, ?4)";
    let insert = query(insert).bind(&*new.id).bind(user).bind(&*new.sealed).bind(new.created_at.as_millis());
    transaction.run(insert).await.map(|_| true)
}

async fn keep_codes(transaction: &mut Transaction, user: &str, codes: &[ApiKeyDigest]) -> Result<(), StoreError> {
    transaction.run(delete_codes(user)).await?;
    for code in codes {
        let insert = query("INSERT INTO recovery_codes (user, digest) VALUES (?1, ?2)");
        transaction.run(insert.bind(user).bind(code.as_bytes().as_slice())).await?;
    }
    Ok(())
}

fn delete_codes(user: &str) -> Statement {
    query("DELETE FROM recovery_codes WHERE user = ?1").bind(user)
}

fn number(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}
