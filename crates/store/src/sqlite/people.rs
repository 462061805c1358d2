//! The port to people on SQLite: which statement or transaction answers which call.

use keyward_core::digest::ApiKeyDigest;
use keyward_core::session::SessionRecord;
use keyward_core::time::Timestamp;
use keyward_engine::audit::AuditEvent;
use keyward_engine::factors::{Begun, Proof};
use keyward_engine::people::{
    AccountChange, AccountRecord, Changed, Fits, KeptRefreshToken, Made, NewRefreshToken, Past, People,
    ShownRefreshToken, Spent, UserChange, UserRecord,
};
use keyward_engine::ports::{AccountFilter, Answer, FeedHead, JoinedSession, NewUser, Page, SessionsBy, UserFilter};
use keyward_engine::signing::SigningKeyRecord;
use keyward_engine::version::Expected;

use super::transaction::Transaction;
use super::{SqliteStore, accounts, past_sessions, sessions, signing_keys, users};

impl People for SqliteStore {
    fn insert_user<'a>(&'a self, user: &'a NewUser, event: &'a AuditEvent) -> Answer<'a, Made<UserRecord>> {
        Box::pin(self.writer.write(async move |transaction| users::make(transaction, user, event).await))
    }

    fn find_user<'a>(&'a self, username: &'a str) -> Answer<'a, Option<UserRecord>> {
        Box::pin(async move { self.read(users::select_name(username)).await?.first().map(users::record).transpose() })
    }

    fn users_called<'a>(&'a self, who: &'a str) -> Answer<'a, Vec<UserRecord>> {
        Box::pin(async move { self.read(users::select_called(who)).await?.iter().map(users::record).collect() })
    }

    fn user_as_of<'a>(&'a self, id: &'a str) -> Answer<'a, (FeedHead, Option<UserRecord>)> {
        Box::pin(async move { users::read_as_of(&self.read(users::select_as_of(id)).await?) })
    }

    fn users<'a>(&'a self, filter: &'a UserFilter, page: &'a Page) -> Answer<'a, Vec<UserRecord>> {
        Box::pin(async move { self.read(users::select_page(filter, page)).await?.iter().map(users::record).collect() })
    }

    fn change_user_if<'a>(
        &'a self,
        id: &'a str,
        expected: &'a Expected,
        change: &'a UserChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<Changed<UserRecord>>> {
        let write =
            async move |transaction: &mut Transaction| users::change(transaction, (id, expected), change, event).await;
        Box::pin(self.writer.write(write))
    }

    fn insert_account<'a>(
        &'a self,
        account: &'a AccountRecord,
        event: &'a AuditEvent,
    ) -> Answer<'a, Made<AccountRecord>> {
        Box::pin(self.writer.write(async move |transaction| accounts::make(transaction, account, event).await))
    }

    fn accounts_called<'a>(&'a self, which: &'a str) -> Answer<'a, Vec<AccountRecord>> {
        Box::pin(async move { self.read(accounts::select_called(which)).await?.iter().map(accounts::record).collect() })
    }

    fn accounts<'a>(&'a self, filter: &'a AccountFilter, page: &'a Page) -> Answer<'a, Vec<AccountRecord>> {
        Box::pin(
            async move { self.read(accounts::select_page(filter, page)).await?.iter().map(accounts::record).collect() },
        )
    }

    fn change_account_if<'a>(
        &'a self,
        id: &'a str,
        expected: &'a Expected,
        change: &'a AccountChange,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<Changed<AccountRecord>>> {
        let write = async move |transaction: &mut Transaction| {
            accounts::change(transaction, (id, expected), change, event).await
        };
        Box::pin(self.writer.write(write))
    }

    fn begin_session<'a>(
        &'a self,
        session: &'a SessionRecord,
        proof: &'a Proof,
        refresh: &'a NewRefreshToken,
        event: &'a AuditEvent,
    ) -> Answer<'a, Begun<JoinedSession>> {
        let holds = sessions::Holds::Refresh(refresh);
        Box::pin(
            self.writer
                .write(async move |transaction| sessions::begin(transaction, session, proof, holds, event).await),
        )
    }

    fn begin_cookie_session<'a>(
        &'a self,
        session: &'a SessionRecord,
        proof: &'a Proof,
        cookie: &'a ApiKeyDigest,
        event: &'a AuditEvent,
    ) -> Answer<'a, Begun<JoinedSession>> {
        let holds = sessions::Holds::Cookie(cookie);
        Box::pin(
            self.writer
                .write(async move |transaction| sessions::begin(transaction, session, proof, holds, event).await),
        )
    }

    fn begin_client_session<'a>(
        &'a self,
        session: &'a SessionRecord,
        refresh: &'a NewRefreshToken,
        event: &'a AuditEvent,
    ) -> Answer<'a, Option<JoinedSession>> {
        let holds = sessions::Holds::Refresh(refresh);
        Box::pin(self.writer.write(async move |transaction| sessions::insert(transaction, session, holds, event).await))
    }

    fn find_refresh_token<'a>(&'a self, digest: &'a ApiKeyDigest) -> Answer<'a, Option<KeptRefreshToken>> {
        Box::pin(async move {
            self.read(sessions::select_refresh_token(digest)).await?.first().map(sessions::refresh_token).transpose()
        })
    }

    fn spend_refresh_token<'a>(
        &'a self,
        shown: &'a ShownRefreshToken<'a>,
        fits: Fits<'a>,
        reuse: &'a AuditEvent,
    ) -> Answer<'a, Spent> {
        Box::pin(self.writer.write(async move |transaction| sessions::spend(transaction, *shown, fits, reuse).await))
    }

    fn end_session<'a>(
        &'a self,
        id: &'a str,
        reason: &'static str,
        event: &'a AuditEvent,
    ) -> Answer<'a, Changed<SessionRecord>> {
        Box::pin(self.writer.write(async move |transaction| sessions::end(transaction, id, reason, event).await))
    }

    fn sessions<'a>(&'a self, by: Option<SessionsBy>, after: &'a str, limit: u32) -> Answer<'a, Vec<SessionRecord>> {
        Box::pin(async move {
            self.read(sessions::select_after(by, after, limit)).await?.iter().map(sessions::record).collect()
        })
    }

    fn sessions_of<'a>(&'a self, user: &'a str, at: Timestamp, limit: u32) -> Answer<'a, Vec<SessionRecord>> {
        Box::pin(async move {
            self.read(sessions::select_of_user(user, at, limit)).await?.iter().map(sessions::record).collect()
        })
    }

    fn forget_sessions(&self, past: Past, limit: u32) -> Answer<'_, u64> {
        Box::pin(async move {
            // Their times have no index: looking for them takes a while, and is done where it holds up no write.
            let tokens =
                past_sessions::read(&self.read(past_sessions::select_tokens(past.refresh_tokens, limit)).await?)?;
            let cookies = past_sessions::read(&self.read(past_sessions::select_cookies(past.cookies, limit)).await?)?;
            if tokens.is_empty() && cookies.is_empty() {
                return Ok(0);
            }
            self.writer.write(async |transaction| past_sessions::forget(transaction, &tokens, cookies).await).await
        })
    }

    fn insert_signing_key<'a>(&'a self, key: &'a SigningKeyRecord, event: &'a AuditEvent) -> Answer<'a, FeedHead> {
        Box::pin(self.writer.write(async move |transaction| signing_keys::insert(transaction, key, event).await))
    }

    fn retire_signing_key<'a>(
        &'a self,
        id: &'a str,
        at: Timestamp,
        event: &'a AuditEvent,
    ) -> Answer<'a, Changed<SigningKeyRecord>> {
        Box::pin(self.writer.write(async move |transaction| signing_keys::retire(transaction, id, at, event).await))
    }
}
