//! What operators do with one token that they hold: look at what it is worth, and end it.

use keyward_core::api_key::Rejection;
use keyward_core::time::Timestamp;
use keyward_core::token::Unverified;
use keyward_engine::audit::Action;
use keyward_engine::people::Changed;
use keyward_engine::ports::JoinedSession;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::fields::rfc3339;
use crate::oauth::read::{Token, read};
use crate::origin::Origin;
use crate::service::Service;
use crate::sessions::SessionView;
use crate::sessions::tokens;
use crate::sign_in::passwords::Password;
use crate::view::ReceiptView;

/// What to do with a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "token", rename_all = "camelCase")]
pub enum TokenCommand {
    /// Say what it is worth.
    Inspect {
        /// The token.
        text: Password,
    },
    /// End its session, and with it every token of it.
    Revoke {
        /// The token.
        text: Password,
    },
}

/// A token of this server, as it counts now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// `active`, `expired`, `revoked`, `disabled`, or of a refresh token `spent`.
    pub status: String,
    /// `access` or `refresh`.
    pub kind: String,
    /// The session that it belongs to: what `session end` ends.
    pub session: String,
    /// The id of the user whose it is.
    pub user: String,
    /// The username.
    pub username: String,
    /// The id of the pair's key, where a client was given it.
    pub client: Option<String>,
    /// What it may do now.
    pub scopes: Vec<String>,
    /// When it was issued.
    pub issued_at: String,
    /// From when on it is refused.
    pub expires_at: String,
}

/// The session that ended with a token of it, and how far that has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedToken {
    /// The session as it is now.
    #[serde(flatten)]
    pub session: SessionView,
    /// Which nodes know.
    pub receipt: ReceiptView,
}

/// What a token is worth now.
///
/// # Errors
/// It is none of this server's, or the store does not answer.
pub async fn inspect(service: &Service, text: &Password) -> Result<TokenView, Failure> {
    let now = service.now().wall;
    Ok(view(service, &find(service, text, now).await?, now))
}

/// Ends the session of a token.
///
/// # Errors
/// It is none of this server's, or the store does not answer.
pub async fn revoke(service: &Service, text: &Password, origin: &Origin) -> Result<RevokedToken, Failure> {
    let token = find(service, text, origin.at).await?;
    let id = &token.family().session.id;
    match service.store.end_session(id, "token revoked", &origin.event(Action::TokenRevoked, id)).await? {
        Changed::Done(head, session) => {
            let receipt = service.receipt(head, service.now()).await;
            Ok(RevokedToken { session: SessionView::from(&session), receipt })
        }
        Changed::NotFound | Changed::Refused(_) => Err(none("its session is gone")),
    }
}

async fn find(service: &Service, text: &Password, now: Timestamp) -> Result<Token, Failure> {
    let text = text.expose().trim();
    if let Some(token) = read(service, text, now).await? {
        return Ok(token);
    }
    // What it lacks is no secret from whoever holds it; the text itself is not repeated.
    let why = match Unverified::read(text.as_bytes()) {
        Err(fault) => format!("it {}", fault.text()),
        Ok(_) => "it was not signed by a key of this server, is meant for another audience, or its session is gone"
            .to_owned(),
    };
    Err(none(&why))
}

fn none(why: &str) -> Failure {
    Failure { kind: Kind::NotFound, message: format!("this is no token of this server: {why}") }
}

fn view(service: &Service, token: &Token, now: Timestamp) -> TokenView {
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let seconds = |at: i64| rfc3339(Timestamp::from_millis(at.saturating_mul(1000)));
    match token {
        Token::Access(claims, held) => {
            let entry = held.resolve(rules, claims);
            let status = match entry.check(now) {
                Ok(()) => "active",
                Err(Rejection::Expired) => "expired",
                Err(Rejection::Disabled) => "disabled",
                Err(Rejection::Revoked | Rejection::Unknown | Rejection::Repeated) => "revoked",
            };
            let scopes = entry.principal.grants.scopes().iter().map(ToString::to_string).collect();
            TokenView {
                issued_at: seconds(claims.iat),
                expires_at: seconds(claims.exp),
                scopes,
                ..of(held, "access", status)
            }
        }
        Token::Refresh(kept) => {
            let status = if kept.spent_at.is_some() {
                "spent"
            } else if kept.family.is_over(now) {
                "revoked"
            } else if kept.expires_at <= now {
                "expired"
            } else {
                "active"
            };
            let scopes = tokens::scopes_of(rules, &kept.family, None).iter().map(ToString::to_string).collect();
            let (issued_at, expires_at) = (rfc3339(kept.created_at), rfc3339(kept.expires_at));
            TokenView { issued_at, expires_at, scopes, ..of(&kept.family, "refresh", status) }
        }
    }
}

fn of(held: &JoinedSession, kind: &str, status: &str) -> TokenView {
    TokenView {
        status: status.to_owned(),
        kind: kind.to_owned(),
        session: held.session.id.to_string(),
        user: held.user.id.to_string(),
        username: held.user.username.to_string(),
        client: held.session.client.as_ref().map(|client| client.key.to_string()),
        scopes: Vec::new(),
        issued_at: String::new(),
        expires_at: String::new(),
    }
}
