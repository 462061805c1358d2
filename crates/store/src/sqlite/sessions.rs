//! Sessions and their refresh tokens: begun, carried on one use at a time, and ended.

use std::net::IpAddr;

use keyward_core::digest::ApiKeyDigest;
use keyward_core::plane::Plane;
use keyward_core::session::{ClientGrant, SessionRecord};
use keyward_core::time::Timestamp;
use keyward_engine::audit::AuditEvent;
use keyward_engine::factors::{Begun, Proof};
use keyward_engine::people::{Changed, Ending, Fits, KeptRefreshToken, NewRefreshToken, ShownRefreshToken, Spent};
use keyward_engine::ports::{FeedHead, FoundSessions, JoinedSession, SessionsBy, StoreError, Use};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use super::feed::{SESSION, stand, tell};
use super::keys::hex;
use super::many::Many;
use super::rows::{
    column, first, head, joined as key_of, joined_columns, json_list, owner_named, scopes, time, unreadable,
};
use super::transaction::{Statement, Transaction};
use super::{audit, factors};

/// How the ids of sessions begin.
pub(super) const ID_PREFIX: &str = "ses_";

/// The columns of a session `s` alone, under names that no key has.
macro_rules! own_columns {
    () => {
        "s.id AS session, s.user AS session_user, s.created_at AS session_created_at, s.ended_at, s.ended_reason, \
         s.client, s.scopes AS client_scopes, s.seen_at, s.plane, s.portal, s.client_address"
    };
}

macro_rules! session_columns {
    () => {
        concat!(own_columns!(), ", ", joined_columns!())
    };
}

/// The joins of a session `s` to its user, to the key of its client, to their accounts, and to the budget of the key's line.
macro_rules! session_joins {
    () => {
        " LEFT JOIN users u ON u.id = s.user LEFT JOIN accounts ua ON ua.id = u.account \
          LEFT JOIN api_keys k ON k.id = s.client LEFT JOIN accounts ka ON ka.id = k.account \
          LEFT JOIN key_budgets kb ON kb.line = coalesce(k.line, k.id)"
    };
}

/// The head, and each session of a list of ids: one statement, so one snapshot.
pub(super) fn select_ids(ids: &[Box<str>]) -> Statement {
    const SELECT: &str = concat!(
        "SELECT h.epoch, h.position AS head, ",
        session_columns!(),
        " FROM feed_head h LEFT JOIN sessions s ON s.id IN (SELECT value FROM json_each(?1))",
        session_joins!()
    );
    query(SELECT).bind(json_list(ids))
}

/// Reads what [`select_ids`] found, in the order of the ids.
pub(super) fn read_found(ids: &[Box<str>], rows: &[SqliteRow]) -> Result<FoundSessions, StoreError> {
    let head = head(first(rows)?)?;
    let mut known = Vec::with_capacity(rows.len());
    for row in rows {
        known.extend(joined(row)?);
    }
    let find = |id: &str| known.iter().find(|joined: &&JoinedSession| *joined.session.id == *id).cloned();
    Ok(FoundSessions { head, sessions: ids.iter().map(|id| find(id)).collect() })
}

/// The head, and each session of a list of cookies' digests: one statement, so one snapshot.
pub(super) fn select_cookies(digests: &[ApiKeyDigest]) -> Statement {
    const SELECT: &str = concat!(
        "SELECT h.epoch, h.position AS head, s.cookie, ",
        session_columns!(),
        " FROM feed_head h LEFT JOIN sessions s ON s.cookie IN (SELECT unhex(value) FROM json_each(?1))",
        session_joins!()
    );
    query(SELECT).bind(json_list(digests.iter().map(|digest| hex(digest.as_bytes()))))
}

/// Reads what [`select_cookies`] found, in the order of the digests.
pub(super) fn read_cookies(digests: &[ApiKeyDigest], rows: &[SqliteRow]) -> Result<FoundSessions, StoreError> {
    let head = head(first(rows)?)?;
    let mut known: Vec<(&[u8], JoinedSession)> = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(joined) = joined(row)? {
            known.push((column(row, "cookie")?, joined));
        }
    }
    let find = |digest: &ApiKeyDigest| known.iter().find(|(cookie, _)| cookie == digest.as_bytes());
    Ok(FoundSessions {
        head,
        sessions: digests.iter().map(|digest| find(digest).map(|(_, one)| one.clone())).collect(),
    })
}

fn joined(row: &SqliteRow) -> Result<Option<JoinedSession>, StoreError> {
    if column::<Option<&str>>(row, "session")?.is_none() {
        return Ok(None);
    }
    let session = record(row)?;
    let user = owner_named(row, session.user.clone())?;
    Ok(Some(JoinedSession { session, user, client: key_of(row)?.map(Box::new) }))
}

/// Sessions in the order of their ids, which their primary key has; by age they have no index.
pub(super) fn select_after(by: Option<SessionsBy>, after: &str, limit: u32) -> Statement {
    macro_rules! select {
        ($by:literal) => {
            concat!("SELECT ", own_columns!(), " FROM sessions s WHERE s.id > ?1", $by, " ORDER BY s.id LIMIT ?2")
        };
    }
    let select = match by {
        None => select!(""),
        // As the index of them says it, so that SQLite takes it.
        Some(SessionsBy::Cookie) => select!(" AND s.seen_at IS NOT NULL"),
        Some(SessionsBy::Tokens) => select!(" AND s.seen_at IS NULL"),
    };
    query(select).bind(after).bind(limit)
}

/// What a user has that can still be carried on at a time, as far as the store knows: the last begun first.
pub(super) fn select_of_user(user: &str, at: Timestamp, limit: u32) -> Statement {
    const SELECT: &str = concat!(
        "SELECT ",
        own_columns!(),
        " FROM sessions s WHERE s.user = ?1 AND s.ended_at IS NULL AND s.client IS NULL AND (s.cookie IS NOT NULL OR EXISTS \
         (SELECT 1 FROM refresh_tokens r WHERE r.session = s.id AND r.spent_at IS NULL AND r.expires_at > ?2)) \
         ORDER BY s.created_at DESC, s.id LIMIT ?3"
    );
    query(SELECT).bind(user).bind(at.as_millis()).bind(limit)
}

/// The session in a row.
pub(super) fn record(row: &SqliteRow) -> Result<SessionRecord, StoreError> {
    let client = match (column(row, "client")?, scopes(row, "client_scopes")?) {
        (Some(key), Some(scopes)) => Some(ClientGrant { key, scopes }),
        (None, None) => None,
        _ => return Err(unreadable("client")),
    };
    Ok(SessionRecord {
        id: column(row, "session")?,
        user: column(row, "session_user")?,
        created_at: time(row, "session_created_at")?.ok_or_else(|| unreadable("created_at"))?,
        ended_at: time(row, "ended_at")?,
        ended_reason: column(row, "ended_reason")?,
        client,
        seen_at: time(row, "seen_at")?,
        plane: Plane::parse(column(row, "plane")?).ok_or_else(|| unreadable("plane"))?,
        portal: column(row, "portal")?,
        client_address: address(row)?,
    })
}

fn address(row: &SqliteRow) -> Result<Option<IpAddr>, StoreError> {
    let text: Option<&str> = column(row, "client_address")?;
    text.map(|text| text.parse().map_err(|_| unreadable("client_address"))).transpose()
}

/// Begins a session, if its user may, the password that was verified is still the user's, and what was shown beside it is good. The
/// feed is not told: nobody's memory can know of a session before its first token.
pub(super) async fn begin(
    transaction: &mut Transaction,
    session: &SessionRecord,
    proof: &Proof,
    holds: Holds<'_>,
    event: &AuditEvent,
) -> Result<Begun<JoinedSession>, StoreError> {
    let select = query(
        "SELECT 1 FROM users u LEFT JOIN accounts ua ON ua.id = u.account \
         WHERE u.id = ?1 AND u.password = ?2 AND u.disabled_at IS NULL AND ua.disabled_at IS NULL",
    );
    if transaction.run(select.bind(&*session.user).bind(&*proof.password.0)).await?.is_empty() {
        return Ok(Begun::Stale);
    }
    let is_proven = match &proof.second {
        Some(second) => factors::spend(transaction, &session.user, second, session.created_at).await?,
        None => !factors::guard(transaction, &session.user).await?,
    };
    if !is_proven {
        return Ok(Begun::Unproven);
    }
    Ok(insert(transaction, session, holds, event).await?.map_or(Begun::Stale, Begun::Done))
}

/// Keeps a session with what is held of it. The key of a client may have been revoked since it was looked at; every use of a
/// token looks again.
pub(super) async fn insert(
    transaction: &mut Transaction,
    session: &SessionRecord,
    holds: Holds<'_>,
    event: &AuditEvent,
) -> Result<Option<JoinedSession>, StoreError> {
    let client = session.client.as_ref();
    let insert = "INSERT INTO sessions (id, user, created_at, client, scopes, cookie, seen_at, plane, client_address, portal) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let insert = query(insert)
        .bind(&*session.id)
        .bind(&*session.user)
        .bind(session.created_at.as_millis())
        .bind(client.map(|client| &*client.key))
        .bind(client.map(|client| json_list(client.scopes.iter())))
        .bind(holds.cookie().map(|digest| digest.as_bytes().as_slice()))
        .bind(session.seen_at.map(Timestamp::as_millis))
        .bind(session.plane.as_str())
        .bind(session.client_address.map(|address| address.to_string()))
        .bind(session.portal);
    transaction.run(insert).await?;
    if let Holds::Refresh(refresh) = holds {
        keep(transaction, &session.id, refresh).await?;
    }
    audit::insert(transaction, event).await?;
    let rows = transaction.run(select_ids(std::slice::from_ref(&session.id))).await?;
    joined(first(&rows)?)
}

/// What whoever begins a session gets of it.
#[derive(Clone, Copy)]
pub(super) enum Holds<'a> {
    /// Tokens, of which the refresh token is kept.
    Refresh(&'a NewRefreshToken),
    /// A cookie of this digest.
    Cookie(&'a ApiKeyDigest),
}

impl Holds<'_> {
    fn cookie(&self) -> Option<&ApiKeyDigest> {
        match self {
            Self::Cookie(digest) => Some(digest),
            Self::Refresh(_) => None,
        }
    }
}

/// Notes when sessions by cookie were last used.
pub(super) async fn note_uses(transaction: &mut Transaction, uses: &[&Use]) -> Result<(), StoreError> {
    NOTE_USES.run(transaction, uses, |note, used| note.bind(&*used.id).bind(used.at.as_millis())).await
}

const NOTE_USES: Many = Many {
    before: "UPDATE sessions SET seen_at = max(seen_at, used.at) \
         FROM (SELECT column1 AS session, max(column2) AS at FROM (",
    columns: 2,
    after: ") GROUP BY 1) used WHERE id = used.session AND seen_at IS NOT NULL",
};

async fn keep(transaction: &mut Transaction, session: &str, refresh: &NewRefreshToken) -> Result<(), StoreError> {
    let insert = "INSERT INTO refresh_tokens (digest, session, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)";
    let insert = query(insert)
        .bind(refresh.digest.as_bytes().as_slice())
        .bind(session)
        .bind(refresh.created_at.as_millis())
        .bind(refresh.expires_at.as_millis());
    transaction.run(insert).await.map(drop)
}

/// A refresh token of a digest, with its session.
pub(super) fn select_refresh_token(digest: &ApiKeyDigest) -> Statement {
    const SELECT: &str = concat!(
        "SELECT r.created_at AS made_at, r.expires_at AS good_until, r.spent_at, ",
        session_columns!(),
        " FROM refresh_tokens r JOIN sessions s ON s.id = r.session",
        session_joins!(),
        " WHERE r.digest = ?1"
    );
    query(SELECT).bind(digest.as_bytes().as_slice())
}

/// The token in a row of [`select_refresh_token`].
pub(super) fn refresh_token(row: &SqliteRow) -> Result<KeptRefreshToken, StoreError> {
    Ok(KeptRefreshToken {
        family: joined(row)?.ok_or_else(|| unreadable("session"))?,
        created_at: time(row, "made_at")?.ok_or_else(|| unreadable("created_at"))?,
        expires_at: time(row, "good_until")?.ok_or_else(|| unreadable("expires_at"))?,
        spent_at: time(row, "spent_at")?,
    })
}

/// Spends a refresh token (RFC 9700 §4.14.2): one use and a successor, or the end of the whole family.
pub(super) async fn spend(
    transaction: &mut Transaction,
    ShownRefreshToken { digest, bearer, successor }: ShownRefreshToken<'_>,
    fits: Fits<'_>,
    reuse: &AuditEvent,
) -> Result<Spent, StoreError> {
    let rows = transaction.run(select_refresh_token(digest)).await?;
    let Some(row) = rows.first() else { return Ok(Spent::Unknown) };
    let KeptRefreshToken { mut family, expires_at, spent_at, .. } = refresh_token(row)?;
    // Whose it is not learns nothing of it, and ends nothing by it.
    if !bearer.holds(&family.session) {
        return Ok(Spent::Foreign(family.session.id));
    }
    let now = successor.created_at;
    if family.is_over(now) {
        return Ok(Spent::Over(family.session.id));
    }
    if spent_at.is_none() && expires_at <= now {
        return Ok(Spent::Expired(family.session.id));
    }
    if spent_at.is_none()
        && let Err(why) = fits(&family)
    {
        return Ok(Spent::Unfit(family.session.id, why));
    }
    // Compare and set: of two that come at once, one finds it unspent.
    let spend =
        query("UPDATE refresh_tokens SET spent_at = ?2 WHERE digest = ?1 AND spent_at IS NULL RETURNING session");
    let spent = transaction.run(spend.bind(digest.as_bytes().as_slice()).bind(now.as_millis())).await?;
    if spent.is_empty() {
        let event = AuditEvent { actor: family.user.id.clone(), subject: family.session.id.clone(), ..reuse.clone() };
        let head = finish(transaction, &mut family.session, now, "refresh token reused", &event).await?;
        return Ok(Spent::Reused(head, Box::new(family)));
    }
    keep(transaction, &family.session.id, successor).await?;
    Ok(Spent::Done(Box::new(family)))
}

/// Ends a session and tells the feed.
pub(super) async fn end(
    transaction: &mut Transaction,
    id: &str,
    reason: &'static str,
    event: &AuditEvent,
) -> Result<Changed<SessionRecord>, StoreError> {
    let rows = transaction.run(select_ids(&[id.into()])).await?;
    let Some(JoinedSession { mut session, .. }) = joined(first(&rows)?)? else {
        return Ok(Changed::NotFound);
    };
    if session.ended_at.is_some() {
        return Ok(Changed::Done(stand(transaction).await?, session));
    }
    let head = finish(transaction, &mut session, event.at, reason, event).await?;
    Ok(Changed::Done(head, session))
}

async fn finish(
    transaction: &mut Transaction,
    session: &mut SessionRecord,
    at: Timestamp,
    reason: &'static str,
    event: &AuditEvent,
) -> Result<FeedHead, StoreError> {
    session.ended_at = Some(at);
    session.ended_reason = Some(reason.into());
    let update = query("UPDATE sessions SET ended_at = ?2, ended_reason = ?3 WHERE id = ?1");
    transaction.run(update.bind(&*session.id).bind(at.as_millis()).bind(reason)).await?;
    audit::insert(transaction, event).await?;
    tell(transaction, SESSION, &[&session.id]).await
}

/// Ends the sessions of a user that a change of it ends. The feed is told of the user, whom all of them rest on.
pub(super) fn end_of_user(user: &str, end: &Ending<'_>) -> Statement {
    let update = "UPDATE sessions SET ended_at = ?2, ended_reason = ?3 \
         WHERE user = ?1 AND ended_at IS NULL AND (?4 OR client IS NULL) AND id IS NOT ?5";
    query(update).bind(user).bind(end.at.as_millis()).bind(end.reason).bind(end.clients).bind(end.but)
}

/// Ends every session of an account's users, and of clients with keys of the account. The feed is told of the account.
pub(super) fn end_all_of_account(account: &str, at: Timestamp, reason: &'static str) -> Statement {
    let update = "UPDATE sessions SET ended_at = ?2, ended_reason = ?3 \
         WHERE ended_at IS NULL AND (user IN (SELECT id FROM users WHERE account = ?1) \
           OR client IN (SELECT id FROM api_keys WHERE account = ?1))";
    query(update).bind(account).bind(at.as_millis()).bind(reason)
}
