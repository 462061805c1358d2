//! Sessions as operators see them: who signed in, when, and how it ended.

use keyward_core::session::SessionRecord;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fields::rfc3339;
use crate::service::Service;
use crate::view::Listing;

/// The most sessions of one page.
const MOST: u32 = 1000;

/// A session. Its tokens are nowhere, and their digests are not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// `ses_…`.
    pub id: String,
    /// The id of the user who signed in.
    pub user: String,
    /// `active` or `ended`.
    pub status: String,
    /// By what: `tokens` or `cookie`.
    pub by: String,
    /// When it began.
    pub created_at: String,
    /// By cookie: about when it was last used.
    pub seen_at: Option<String>,
    /// Since when it is over.
    pub ended_at: Option<String>,
    /// Why.
    pub ended_reason: Option<String>,
}

impl From<&SessionRecord> for SessionView {
    fn from(session: &SessionRecord) -> Self {
        Self {
            id: session.id.to_string(),
            user: session.user.to_string(),
            status: if session.ended_at.is_some() { "ended" } else { "active" }.to_owned(),
            by: if session.seen_at.is_some() { "cookie" } else { "tokens" }.to_owned(),
            created_at: rfc3339(session.created_at),
            seen_at: session.seen_at.map(rfc3339),
            ended_at: session.ended_at.map(rfc3339),
            ended_reason: session.ended_reason.as_deref().map(str::to_owned),
        }
    }
}

/// A page of sessions in the order of their ids; the cursor is the last one's.
///
/// # Errors
/// The store's.
pub async fn list(service: &Service, cursor: Option<&str>, limit: u32) -> Result<Listing<SessionView>, Failure> {
    let limit = limit.clamp(1, MOST);
    let mut records = service.store.sessions(cursor.unwrap_or_default(), limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = records.len() > most;
    records.truncate(most);
    let next_cursor = records.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Listing { data: records.iter().map(SessionView::from).collect(), next_cursor })
}
