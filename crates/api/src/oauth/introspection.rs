//! `POST introspect` (RFC 7662): what a token is worth now. A client is told of its own tokens alone.

use keyward_core::api_key::CredentialEntry;
use keyward_core::time::Timestamp;
use keyward_engine::people::Bearer;
use keyward_engine::ports::JoinedSession;
use keyward_http::own::OwnRequest;
use serde::Serialize;

use super::client::authenticate;
use super::error::{Code, Error};
use super::parameters;
use super::read::{Token, read};
use crate::own::origin;
use crate::service::Service;
use crate::sessions::tokens;

/// What is told of a token (RFC 7662 §2.2).
#[derive(Default, Serialize)]
pub(super) struct Told {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

pub(super) async fn answer(service: &Service, request: &OwnRequest) -> Result<Told, Error> {
    let parameters = parameters(request)?;
    // Whoever came in by a credential has the scope that the route asks for, and is told of every token.
    let client = match request.permit.principal() {
        Some(_) => None,
        None => Some(authenticate(service, request, &parameters).await?.joined.key.id),
    };
    let Some(text) = parameters.get("token")? else {
        return Err(Error::new(Code::InvalidRequest, "token is missing."));
    };
    let now = origin(request).at;
    let Some(token) = read(service, text, now).await? else { return Ok(Told::default()) };
    let is_its_own = |id: &str| Bearer::Client(id).holds(&token.family().session);
    if client.is_some_and(|id| !is_its_own(&id)) {
        return Ok(Told::default());
    }
    Ok(tell(service, &token, now))
}

/// What counts now, by the session, user and key as they are: the same rule by which requests are let pass.
fn tell(service: &Service, token: &Token, now: Timestamp) -> Told {
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let seconds = |at: Timestamp| Some(at.as_millis().div_euclid(1000));
    match token {
        Token::Access(claims, held) => {
            let entry = held.resolve(rules, claims);
            if entry.check(now).is_err() {
                return Told::default();
            }
            Told {
                token_type: Some("Bearer"),
                exp: entry.ends_at.and_then(seconds),
                iat: Some(claims.iat),
                nbf: Some(claims.nbf),
                aud: Some(claims.aud.clone()),
                jti: Some(claims.jti.clone()),
                scope: scope(&entry),
                ..told_of(service, held)
            }
        }
        Token::Refresh(kept) => {
            if kept.spent_at.is_some() || kept.expires_at <= now || kept.family.is_over(now) {
                return Told::default();
            }
            let scopes = tokens::scopes_of(rules, &kept.family, None);
            Told {
                exp: seconds(kept.expires_at),
                iat: seconds(kept.created_at),
                scope: Some(scopes.as_list().to_owned()).filter(|list| !list.is_empty()),
                ..told_of(service, &kept.family)
            }
        }
    }
}

fn scope(entry: &CredentialEntry) -> Option<String> {
    Some(entry.principal.grants.scopes().as_list().to_owned()).filter(|list| !list.is_empty())
}

fn told_of(service: &Service, held: &JoinedSession) -> Told {
    Told {
        active: true,
        client_id: held.session.client.as_ref().map(|client| client.key.to_string()),
        username: Some(held.user.username.to_string()),
        sub: Some(held.user.id.to_string()),
        iss: Some(service.configuration().rules.tokens.issuer.to_string()),
        ..Told::default()
    }
}
