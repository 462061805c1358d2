//! `POST revoke` (RFC 7009): the end of a token and of its whole family.

use keyward_core::api_key::CredentialEntry;
use keyward_engine::audit::Action;
use keyward_engine::people::{Bearer, Changed};
use keyward_engine::ports::JoinedSession;
use keyward_http::own::OwnRequest;
use serde::Serialize;

use super::client::authenticate;
use super::error::{Code, Error};
use super::parameters;
use super::read::read;
use crate::origin::Origin;
use crate::own::origin;
use crate::service::Service;

/// What is answered to a revocation that is in force; RFC 7009 §2.2 leaves the body to us.
#[derive(Serialize)]
pub(super) struct Revoked {
    revoked: bool,
}

/// A client ends what it was given; a bearer of an access token ends the session of that, and that of a refresh token that it
/// names.
pub(super) async fn answer(service: &Service, request: &OwnRequest) -> Result<Revoked, Error> {
    let parameters = parameters(request)?;
    if let Some(caller) = request.permit.credential() {
        let origin = origin(request);
        let named = parameters.get("refresh_token")?.or(parameters.get("token")?);
        let mut revoked = false;
        if let Some(text) = named
            && let Some(token) = read(service, text, origin.at).await?
            && is_own(caller, token.family())
        {
            revoked |= end(service, &token.family().session.id, &origin).await?;
        }
        revoked |= end(service, caller.principal.credential.text(), &origin).await?;
        return Ok(Revoked { revoked });
    }
    let client = authenticate(service, request, &parameters).await?;
    let Some(text) = parameters.get("token")? else {
        return Err(Error::new(Code::InvalidRequest, "token is missing."));
    };
    match read(service, text, client.origin.at).await? {
        // RFC 7009 §2.2: what is no token is as good as revoked.
        None => Ok(Revoked { revoked: false }),
        Some(token) => {
            let session = &token.family().session;
            if !Bearer::Client(&client.joined.key.id).holds(session) {
                return Err(Error::new(Code::UnauthorizedClient, "The token was given to another client."));
            }
            Ok(Revoked { revoked: end(service, &session.id, &client.origin).await? })
        }
    }
}

/// Whether a family is the caller's: the one of its token, or another of the user who signed in. A client speaks for its
/// key's owner, and is not it.
fn is_own(caller: &CredentialEntry, family: &JoinedSession) -> bool {
    let (session, of_client) = (&family.session, caller.line.is_some());
    *session.id == *caller.principal.credential.text()
        || (!of_client && session.client.is_none() && *session.user == *caller.principal.id)
}

/// Ends a session, on every node before this returns; whether it was still there.
async fn end(service: &Service, session: &str, origin: &Origin) -> Result<bool, Error> {
    let event = origin.event(Action::TokenRevoked, session);
    match service.store.end_session(session, "token revoked", &event).await? {
        Changed::Done(head, _) => {
            service.receipt(head, service.now()).await;
            Ok(true)
        }
        Changed::NotFound | Changed::Refused(_) => Ok(false),
    }
}
