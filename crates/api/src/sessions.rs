//! Sessions as operators see them: who signed in, when, and how it ended.

pub mod families;
pub mod past;
pub mod token_command;
pub mod tokens;

use keyward_core::session::SessionRecord;
use keyward_engine::audit::Action;
use keyward_engine::people::{Changed, UserChange};
use keyward_engine::ports::SessionsBy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::rfc3339;
use crate::origin::Origin;
use crate::people::users::{self, ChangedUser};
use crate::service::Service;
use crate::view::{Listing, ReceiptView};

/// The most sessions of one page.
const MOST: u32 = 1000;

/// A session. Its tokens are nowhere, and their digests are not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Where it counts: `data` or `control`.
    pub plane: String,
    /// The address that it was begun from, as far as that is known.
    pub client: Option<String>,
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
            plane: session.plane.as_str().to_owned(),
            client: session.client_address.map(|address| address.to_string()),
            created_at: rfc3339(session.created_at),
            seen_at: session.seen_at.map(rfc3339),
            ended_at: session.ended_at.map(rfc3339),
            ended_reason: session.ended_reason.as_deref().map(str::to_owned),
        }
    }
}

/// Which sessions to list, as it is written; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionQuestion {
    /// Of this user, by name, id or reference: those that count, all on one page.
    pub user: Option<String>,
    /// `cookie` or `tokens`.
    pub by: Option<String>,
}

/// A page of sessions in the order of their ids; the cursor is the last one's.
///
/// # Errors
/// A question that cannot be read; the store's.
pub async fn list(
    service: &Service,
    question: &SessionQuestion,
    (cursor, limit): (Option<&str>, u32),
) -> Result<Listing<SessionView>, Failure> {
    let by = match question.by.as_deref() {
        None => None,
        Some("cookie") => Some(SessionsBy::Cookie),
        Some("tokens") => Some(SessionsBy::Tokens),
        Some(_) => return Err(Failure::invalid("sessions are by cookie or by tokens")),
    };
    if let Some(user) = &question.user {
        let mut listing = list_of(service, user).await?;
        listing.data.retain(|session| question.by.as_ref().is_none_or(|by| session.by == *by));
        return Ok(listing);
    }
    let limit = limit.clamp(1, MOST);
    let mut records = service.store.sessions(by, cursor.unwrap_or_default(), limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = records.len() > most;
    records.truncate(most);
    let next_cursor = records.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Listing { data: records.iter().map(SessionView::from).collect(), next_cursor })
}

/// The sessions of a user that count now, the last begun first; those of clients with its keys are not among them.
pub(crate) async fn live(service: &Service, user: &str) -> Result<Vec<SessionView>, Failure> {
    let now = service.now().wall;
    let configuration = service.configuration();
    let goes_on = |session: &SessionRecord| {
        let rules = configuration.rules.guarding.sessions_of(session.plane);
        session
            .seen_at
            .is_none_or(|seen| now < session.created_at.after(rules.absolute) && now < seen.after(rules.idle))
    };
    let found = service.store.sessions_of(user, now, MOST).await?;
    Ok(found.iter().filter(|session| goes_on(session)).map(SessionView::from).collect())
}

/// What a user is signed in by, for operators.
///
/// # Errors
/// No such user.
pub async fn list_of(service: &Service, who: &str) -> Result<Listing<SessionView>, Failure> {
    let user = users::find(service, who).await?;
    Ok(Listing { data: live(service, &user.owner.id).await?, next_cursor: None })
}

/// Ends a session, as an operator, and waits for the receipt.
///
/// # Errors
/// No such session.
pub async fn end(service: &Service, id: &str, origin: &Origin) -> Result<ReceiptView, Failure> {
    let event = origin.event(Action::SessionEnded, id);
    match service.store.end_session(id, "ended by an operator", &event).await? {
        Changed::Done(head, _) => Ok(service.receipt(head, service.now()).await),
        Changed::NotFound | Changed::Refused(_) => Err(no_such_session()),
    }
}

/// Ends all sessions of a user, as an operator, and waits for the receipt. Those of clients with its keys go on.
///
/// # Errors
/// No such user.
pub async fn end_all_of(service: &Service, who: &str, origin: &Origin) -> Result<ChangedUser, Failure> {
    users::change(service, who, &UserChange::SignOut(origin.at), origin).await
}

/// No such session, or somebody else's.
pub(crate) fn no_such_session() -> Failure {
    Failure { kind: Kind::NotFound, message: "there is no such session".to_owned() }
}
