//! One-time links on SQLite: kept, looked at, and used up by compare and set.

use keyward_core::api_key::Owner;
use keyward_core::digest::ApiKeyDigest;
use keyward_core::session::SessionRecord;
use keyward_engine::audit::AuditEvent;
use keyward_engine::links::{Invitation, Links, NewLink};
use keyward_engine::people::{PasswordHash, UserChange};
use keyward_engine::ports::{Answer, FeedHead, JoinedSession, NewUser, StoreError};
use keyward_engine::version::Expected;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::rows::{column, time, unreadable};
use super::transaction::{Statement, Transaction};
use super::{SqliteStore, audit, portal, users};

impl Links for SqliteStore {
    fn invite<'a>(&'a self, user: &'a str, link: &'a NewLink, event: &'a AuditEvent) -> Answer<'a, bool> {
        Box::pin(self.writer.write(async move |transaction| invite(transaction, user, link, event).await))
    }

    fn invitation<'a>(&'a self, digest: &'a ApiKeyDigest) -> Answer<'a, Option<Invitation>> {
        Box::pin(async move { self.read(users::select_invited(digest)).await?.first().map(read).transpose() })
    }

    fn accept_invitation<'a>(
        &'a self,
        digest: &'a ApiKeyDigest,
        password: &'a PasswordHash,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<FeedHead>> {
        Box::pin(self.writer.write(async move |transaction| accept(transaction, digest, password, event).await))
    }

    fn portal_user<'a>(
        &'a self,
        account: &'a str,
        new: &'a NewUser,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<Owner>> {
        Box::pin(self.writer.write(async move |transaction| portal::user(transaction, account, new, event).await))
    }

    fn keep_portal_link<'a>(&'a self, user: &'a str, link: &'a NewLink, event: &'a AuditEvent) -> Answer<'a, bool> {
        Box::pin(self.writer.write(async move |transaction| portal::keep(transaction, user, link, event).await))
    }

    fn portal_link<'a>(&'a self, digest: &'a ApiKeyDigest) -> Answer<'a, Option<Owner>> {
        Box::pin(self.read_user(users::select_by_link(digest)))
    }

    fn begin_portal_session<'a>(
        &'a self,
        session: &'a SessionRecord,
        link: &'a ApiKeyDigest,
        cookie: &'a ApiKeyDigest,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<JoinedSession>> {
        let write =
            async move |transaction: &mut Transaction| portal::begin(transaction, session, link, cookie, event).await;
        Box::pin(self.writer.write(write))
    }
}

fn read(row: &SqliteRow) -> Result<Invitation, StoreError> {
    let expires_at = time(row, "good_until")?.ok_or_else(|| unreadable("expires_at"))?;
    Ok(Invitation { user: users::record(row)?, expires_at })
}

async fn invite(
    transaction: &mut Transaction,
    user: &str,
    link: &NewLink,
    event: &AuditEvent,
) -> Result<bool, StoreError> {
    let insert = "INSERT INTO invitations (user, digest, created_at, expires_at) \
         SELECT u.id, ?2, ?3, ?4 FROM users u LEFT JOIN accounts ua ON ua.id = u.account \
         WHERE u.id = ?1 AND u.disabled_at IS NULL AND ua.disabled_at IS NULL \
         ON CONFLICT (user) DO UPDATE SET digest = excluded.digest, created_at = excluded.created_at, \
           expires_at = excluded.expires_at RETURNING user";
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

async fn accept(
    transaction: &mut Transaction,
    digest: &ApiKeyDigest,
    password: &PasswordHash,
    event: &AuditEvent,
) -> Result<Option<FeedHead>, StoreError> {
    // Compare and set: of two that come at once, one finds it.
    let delete = "DELETE FROM invitations WHERE digest = ?1 AND expires_at > ?2 AND user IN \
         (SELECT u.id FROM users u LEFT JOIN accounts ua ON ua.id = u.account \
          WHERE u.disabled_at IS NULL AND ua.disabled_at IS NULL) RETURNING user";
    let delete = query(delete).bind(digest.as_bytes().as_slice()).bind(event.at.as_millis());
    let rows = transaction.run(delete).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let user: Box<str> = column(row, "user")?;
    let change = UserChange::Password(event.at, password.clone());
    match users::change(transaction, (&user, &Expected::Any), &change, event).await? {
        Some(keyward_engine::people::Changed::Done(head, _)) => Ok(Some(head)),
        Some(_) | None => Err(unreadable("user")),
    }
}

/// Ends the invitation of a user, whatever became of it.
pub(super) fn end_of(user: &str) -> Statement {
    query("DELETE FROM invitations WHERE user = ?1").bind(user)
}
