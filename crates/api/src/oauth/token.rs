//! `POST token` (RFC 6749): a client's key and secret, or its refresh token, for tokens.

use keyward_core::plane::Plane;
use keyward_core::principal::Grants;
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::session::{ClientGrant, SessionRecord};
use keyward_engine::audit::Action;
use keyward_engine::people::Bearer;
use keyward_http::oauth::Parameters;
use keyward_http::own::OwnRequest;
use serde::Serialize;

use super::client::{Client, authenticate};
use super::error::{Code, Error};
use super::parameters;
use crate::fields::rfc3339;
use crate::service::Service;
use crate::sessions::families::{self, Carry, Issued, issue, signing_key, too_many_scopes};
use crate::sessions::tokens;

/// What a client gets (RFC 6749 §5.1).
#[derive(Serialize)]
pub(super) struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    refresh_token: String,
    /// What the access token may do; a list of none has no form (RFC 6749 §3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    /// When the access token ends, for templates; programs go by `expires_in`.
    #[serde(skip)]
    access_expires_at: String,
}

impl TokenAnswer {
    /// When the access token ends (RFC 3339).
    pub(super) fn access_expires_at(&self) -> &str {
        &self.access_expires_at
    }
}

impl From<Issued> for TokenAnswer {
    fn from(issued: Issued) -> Self {
        Self {
            access_token: issued.access_token,
            token_type: "Bearer",
            expires_in: issued.expires_in,
            refresh_token: issued.refresh_token.expose().to_owned(),
            scope: issued.scopes.as_list().to_owned(),
            access_expires_at: rfc3339(issued.expires_at),
        }
    }
}

pub(super) async fn answer(service: &Service, request: &OwnRequest) -> Result<TokenAnswer, Error> {
    let parameters = parameters(request)?;
    let client = authenticate(service, request, &parameters).await?;
    let wanted = parameters.get("scope")?.map(scopes).transpose()?;
    let issued = match parameters.get("grant_type")? {
        Some("client_credentials") => begin(service, &client, wanted).await?,
        // Not the RFC's form, so not its rule either: clients that speak JSON show their pair, and mean it.
        None if request.json => begin(service, &client, wanted).await?,
        Some("refresh_token") => carry_on(service, request, &client, (&parameters, wanted.as_ref())).await?,
        Some(_) => {
            let message = "grant_type is client_credentials or refresh_token here.";
            return Err(Error::new(Code::UnsupportedGrantType, message));
        }
        None => return Err(Error::new(Code::InvalidRequest, "grant_type is missing.")),
    };
    Ok(issued.into())
}

/// `scope = scope-token *( SP scope-token )` (RFC 6749 §3.3).
fn scopes(text: &str) -> Result<ScopeSet, Error> {
    let scopes = text.split(' ').map(Scope::parse).collect::<Result<ScopeSet, _>>();
    scopes.map_err(|error| Error::new(Code::InvalidScope, format!("scope: {error}.")))
}

/// `client_credentials` (RFC 6749 §4.4): the first tokens of a family.
async fn begin(service: &Service, client: &Client, wanted: Option<ScopeSet>) -> Result<Issued, Error> {
    let Client { joined, origin } = client;
    let configuration = service.configuration();
    let rules = &configuration.rules;
    let scopes = narrowed(&joined.resolve(rules).principal.grants, wanted)?;
    if !tokens::fits(rules, &scopes) {
        return Err(too_many_scopes().into());
    }
    let key = signing_key(service).await?;
    let mut event = origin.event(Action::ClientSignedIn, "");
    event.detail.push(("key", joined.key.id.clone()));
    event.detail.push(("scopes", scopes.as_list().into()));
    let session = SessionRecord {
        id: service.new_id("ses"),
        user: joined.owner.id.clone(),
        created_at: origin.at,
        ended_at: None,
        ended_reason: None,
        client: Some(ClientGrant { key: joined.key.id.clone(), scopes }),
        seen_at: None,
        plane: Plane::Data,
        portal: false,
        client_address: origin.client,
    };
    event.subject.clone_from(&session.id);
    let (refresh, kept) = tokens::refresh_token(service, origin.at);
    match service.store.begin_client_session(&session, &kept, &event).await? {
        Some(held) => Ok(issue(service, &key, (Box::new(held), None), refresh, origin.at)?),
        None => Err(Error::new(Code::TemporarilyUnavailable, "Nothing was issued; try again.")),
    }
}

/// What is wanted, or all that there is.
fn narrowed(grants: &Grants, wanted: Option<ScopeSet>) -> Result<ScopeSet, Error> {
    let Some(wanted) = wanted else { return Ok(grants.scopes().clone()) };
    if wanted.iter().all(|scope| grants.grant(scope)) {
        return Ok(wanted);
    }
    Err(Error::new(Code::InvalidScope, "The key does not have every scope that is asked for."))
}

/// `refresh_token` (RFC 6749 §6).
async fn carry_on(
    service: &Service,
    request: &OwnRequest,
    client: &Client,
    (parameters, wanted): (&Parameters, Option<&ScopeSet>),
) -> Result<Issued, Error> {
    let Some(presented) = parameters.get("refresh_token")? else {
        return Err(Error::new(Code::InvalidRequest, "refresh_token is missing."));
    };
    let carry = Carry { presented, bearer: Bearer::Client(&client.joined.key.id), wanted };
    Ok(families::carry_on(service, carry, (&client.origin, request.endpoint)).await?)
}
