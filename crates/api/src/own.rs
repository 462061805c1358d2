//! Keyward's own endpoints on the data plane: health, readiness, signing in and out, and a caller's own keys and usage.

pub(crate) mod me;
pub mod password;
pub mod second_factor;
pub mod sessions;
pub(crate) mod usage;

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use keyward_core::api_key::CredentialEntry;
use keyward_core::route::Endpoint;
use keyward_core::rules::Rules;
use keyward_core::scheme::CredentialKind;
use keyward_engine::change::KeyChange;
use keyward_http::bounds::{self, Lane};
use keyward_http::names::RECEIPT;
use keyward_http::own::{OwnCall, OwnReceiver, OwnReply, OwnRequest};
use keyward_http::problem::Answer;
use keyward_http::templates::AlsoTold;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, mpsc};

use crate::actor::{self, Actor, Door};
use crate::failure::{Failure, Kind};
use crate::keys::{self, KeyQuestion, NewKey, overlaps::Ending};
use crate::origin::Origin;
use crate::portal::{self, links};
use crate::refusal::refused;
use crate::service::Service;
use crate::sign_in::cookie::CookieSession;
use crate::sign_in::passwords::Password;
use crate::sign_in::{self, Shown, Tokens, set_cookie};
use crate::signing_keys::jwks;
use crate::view::ReceiptView;
use crate::{fields, oauth};

/// Answers requests until every door is closed. None of them waits here: what may take long does so in a lane of its own,
/// so that health, readiness and whatever else asks for nothing is answered at once. All bounds: `keyward_http::bounds`.
pub async fn run(service: Arc<Service>, mut requests: OwnReceiver) {
    let callers = lane(&service, bounds::CALLERS);
    let refreshes = lane(&service, bounds::REFRESHES);
    let clients = lane(&service, bounds::CLIENTS);
    while let Some(call) = requests.next().await {
        let lane = match call.0.endpoint {
            // A secret that a stranger may show, as a refresh token is.
            Endpoint::Portal if call.0.method == Method::POST => &refreshes,
            // A sign-in has its turn, or is turned away, where passwords are checked.
            Endpoint::Health
            | Endpoint::Ready
            | Endpoint::Jwks
            | Endpoint::Metadata
            | Endpoint::Me
            | Endpoint::Portal
            | Endpoint::Login => {
                tokio::spawn(serve(Arc::clone(&service), call));
                continue;
            }
            Endpoint::Refresh => &refreshes,
            Endpoint::Token | Endpoint::Exchange | Endpoint::Revoke | Endpoint::Introspect => &clients,
            Endpoint::ApiKeys | Endpoint::ApiKey | Endpoint::ApiKeyRotate | Endpoint::Logout | Endpoint::Usage => {
                &callers
            }
        };
        if let Err(error) = lane.try_send(call) {
            let (request, reply) = error.into_inner();
            let _ = reply.send(refused(&request, &crowded()));
        }
    }
}

/// A queue of requests of which so many are worked on at once.
fn lane(service: &Arc<Service>, bounds: Lane) -> mpsc::Sender<OwnCall> {
    let (sender, mut calls) = mpsc::channel(bounds.waiting);
    let (service, turns) = (Arc::clone(service), Arc::new(Semaphore::new(bounds.at_once)));
    tokio::spawn(async move {
        // A turn first: what is received has left the queue and waits unseen.
        while let Ok(turn) = Arc::clone(&turns).acquire_owned().await {
            let Some(call) = calls.recv().await else { return };
            let service = Arc::clone(&service);
            tokio::spawn(async move {
                serve(service, call).await;
                drop(turn);
            });
        }
    });
    sender
}

fn crowded() -> Failure {
    Failure { kind: Kind::Unavailable, message: "too many requests wait; try again in a moment".to_owned() }
}

async fn serve(service: Arc<Service>, (request, reply): OwnCall) {
    let answer = answer(&service, &request).await;
    // A caller that hung up has no use for its answer; the operation is done all the same.
    let _ = reply.send(answer);
}

/// Answers one request.
pub async fn answer(service: &Service, request: &OwnRequest) -> OwnReply {
    let result = match (request.endpoint, request.permit.credential()) {
        (Endpoint::Login, _) => login(service, request).await,
        (Endpoint::Portal, _) if request.method == Method::POST => enter(service, request).await,
        (Endpoint::Portal, _) => portal::answer(service, request),
        (Endpoint::Refresh, _) => refresh(service, request).await,
        (Endpoint::Jwks, _) => Ok(jwks(service)),
        (Endpoint::Token | Endpoint::Exchange | Endpoint::Revoke | Endpoint::Introspect | Endpoint::Metadata, _) => {
            return oauth::answer(service, request).await;
        }
        (Endpoint::Logout, Some(caller)) => logout(service, caller, request).await,
        (Endpoint::Me, Some(caller)) => me::answer(service, caller).await,
        (Endpoint::Health, _) => Ok(json(StatusCode::OK, &serde_json::json!({"status": "ok"}))),
        (Endpoint::Ready, _) => Ok(ready(service).await),
        (Endpoint::Usage, Some(caller)) => usage::answer(service, caller, request).await,
        (_, Some(caller)) => on_keys(service, caller, request).await,
        // The route table asks for a credential on each of these; without one nothing is done.
        (_, None) => Err(Failure::forbidden("this endpoint wants a credential")),
    };
    match result {
        Ok(answer) => OwnReply { answer, refusal: None },
        Err(failure) => refused(request, &failure),
    }
}

/// Ready means: memory is proven fresh, and the store answers as soon as a request may wait for it.
pub async fn ready(service: &Service) -> Answer {
    let fresh = service.refresher.as_ref().is_none_or(|refresher| refresher.is_fresh());
    if service.pulse.ask(&*service.clock, service.store.ping()).await && fresh {
        return json(StatusCode::OK, &serde_json::json!({"status": "ready"}));
    }
    let mut answer = json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({"status": "not ready"}));
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// Who asks through a door.
pub(crate) fn origin(request: &OwnRequest) -> Origin {
    let caller = request.permit.principal();
    Origin {
        actor: caller.map_or("stranger", actor::name).into(),
        client: Some(request.client),
        ids: Some(request.ids.clone()),
        at: request.now.wall,
    }
}

async fn login(service: &Service, request: &OwnRequest) -> Result<Answer, Failure> {
    #[derive(serde::Deserialize)]
    struct Login {
        username: String,
        password: Password,
        code: Option<Password>,
        #[serde(default)]
        session: bool,
    }
    let login: Login = secret_body(request, "{\"username\": …, \"password\": …}")?;
    let shown = Shown { username: &login.username, password: login.password, code: login.code };
    if login.session {
        return by_cookie(service, shown, request).await;
    }
    let gives_tokens = |rules: &Rules| rules.schemes.iter().any(|scheme| scheme.kind == CredentialKind::Jwt);
    if !gives_tokens(&service.configuration().rules) {
        return Err(Failure::invalid("no tokens are given here; send \"session\": true for a session by cookie"));
    }
    let tokens = sign_in::sign_in(service, shown, &origin(request)).await?;
    Ok(handed_out(&tokens))
}

async fn by_cookie(service: &Service, shown: Shown<'_>, request: &OwnRequest) -> Result<Answer, Failure> {
    begun(service, &sign_in::cookie::sign_in(service, shown, &origin(request)).await?)
}

/// By a link to the portal.
async fn enter(service: &Service, request: &OwnRequest) -> Result<Answer, Failure> {
    #[derive(serde::Deserialize)]
    struct Enter {
        token: Password,
    }
    let Enter { token } = secret_body(request, "{\"token\": …}")?;
    begun(service, &links::enter(service, &token, &origin(request)).await?)
}

/// What a browser is told whose session began.
fn begun(service: &Service, begun: &CookieSession) -> Result<Answer, Failure> {
    let rules = &service.configuration().rules.guarding.sessions;
    let mut answer = json(StatusCode::OK, begun);
    answer.headers_mut().insert(SET_COOKIE, set_cookie::begin(rules, &begun.cookie)?);
    Ok(answer)
}

/// Signs out; a browser is told to forget its cookie.
async fn logout(service: &Service, caller: &CredentialEntry, request: &OwnRequest) -> Result<Answer, Failure> {
    let receipt = sign_in::sign_out(service, &caller.principal, &origin(request)).await?;
    let mut answer = no_content(&receipt);
    if caller.csrf.is_some() {
        let rules = &service.configuration().rules.guarding.sessions;
        answer.headers_mut().insert(SET_COOKIE, set_cookie::end(rules)?);
    }
    Ok(answer)
}

async fn refresh(service: &Service, request: &OwnRequest) -> Result<Answer, Failure> {
    #[derive(Default, serde::Deserialize)]
    struct Refresh {
        refresh_token: Option<Password>,
    }
    const FORM: &str = "{\"refresh_token\": …}";
    let refresh: Refresh = if request.body.is_empty() { Refresh::default() } else { secret_body(request, FORM)? };
    let origin = origin(request);
    let tokens = match (refresh.refresh_token, request.permit.credential()) {
        // The route asks for it, or takes it where no refresh token is shown.
        (None, Some(caller)) => sign_in::renew(service, caller, &origin).await?,
        (Some(_), Some(_)) => {
            return Err(Failure::invalid("show the access token or a refresh token, not both"));
        }
        (Some(token), None) => sign_in::refresh(service, token.expose(), &origin).await?,
        (None, None) => return Err(Failure::invalid(format!("the JSON body does not fit: send {FORM}"))),
    };
    Ok(handed_out(&tokens))
}

/// Tokens, and for templates when they end.
fn handed_out(tokens: &Tokens) -> Answer {
    let mut answer = json(StatusCode::OK, tokens);
    let ends = Map::from_iter([("access_expires_at".to_owned(), tokens.access_expires_at().into())]);
    answer.extensions_mut().insert(AlsoTold(ends));
    answer
}

/// The public halves of the signing keys.
fn jwks(service: &Service) -> Answer {
    let keys = service.refresher.as_ref().map(|refresher| refresher.signing_keys()).unwrap_or_default();
    json(StatusCode::OK, &jwks::set(&keys))
}

async fn on_keys(service: &Service, caller: &CredentialEntry, request: &OwnRequest) -> Result<Answer, Failure> {
    let actor = Actor::Caller(caller, Door { client: request.client, decision: request.ids.permitted() });
    match (request.endpoint, &request.method) {
        (Endpoint::ApiKeys, &Method::POST) => create(service, actor, request).await,
        (Endpoint::ApiKeys, _) => list(service, actor, request).await,
        (Endpoint::ApiKeyRotate, _) => rotate(service, actor, request).await,
        (_, &Method::PATCH) => patch(service, actor, request).await,
        (_, &Method::DELETE) => {
            let at = service.now().wall;
            let changed = keys::change(service, actor, key_id(request), &KeyChange::Revoke(at, None)).await?;
            Ok(no_content(&changed.receipt))
        }
        (_, _) => Ok(json(StatusCode::OK, &keys::show(service, actor, key_id(request)).await?)),
    }
}

async fn create(service: &Service, actor: Actor<'_>, request: &OwnRequest) -> Result<Answer, Failure> {
    let new: NewKey = body(request)?;
    let created = keys::create(service, actor, &new).await?;
    let location = format!("{}/{}", path(request), created.view.id);
    let mut answer = json(StatusCode::CREATED, &created);
    if let Ok(location) = HeaderValue::from_str(&location) {
        answer.headers_mut().insert(LOCATION, location);
    }
    Ok(answer)
}

async fn list(service: &Service, actor: Actor<'_>, request: &OwnRequest) -> Result<Answer, Failure> {
    let (mut cursor, mut limit, mut question) = (None, 100, KeyQuestion::default());
    for (name, value) in query(request) {
        match name {
            "cursor" => cursor = Some(value),
            "limit" => limit = page_size(value)?,
            "unused" => question.unused = Some(decoded(value)),
            "older" => question.older = Some(decoded(value)),
            // As forms write it: a plus that is meant is encoded.
            "search" => question.search = Some(decoded(&value.replace('+', " "))),
            "status" => question.status = Some(value.to_owned()),
            "mode" => question.mode = Some(value.to_owned()),
            "sort" => question.sort = Some(value.to_owned()),
            "order" => question.order = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(json(StatusCode::OK, &keys::list(service, actor, &question, (cursor, limit)).await?))
}

/// Times hold colons, which programs like to encode.
pub(crate) fn decoded(value: &str) -> String {
    percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()
}

pub(crate) fn page_size(value: &str) -> Result<u32, Failure> {
    let number = value.parse().ok().filter(|number| (1..=1000).contains(number));
    number.ok_or_else(|| Failure::invalid("limit is a number from 1 to 1000"))
}

async fn rotate(service: &Service, actor: Actor<'_>, request: &OwnRequest) -> Result<Answer, Failure> {
    let ending: Ending = if request.body.is_empty() { Ending::default() } else { body(request)? };
    let (created, receipt) = keys::rotate(service, actor, key_id(request), &ending).await?;
    let mut answer = json(StatusCode::CREATED, &created);
    set_receipt(&mut answer, &receipt);
    Ok(answer)
}

/// Name and pause can change; what a key may do cannot, because whoever holds it would not notice.
async fn patch(service: &Service, actor: Actor<'_>, request: &OwnRequest) -> Result<Answer, Failure> {
    let fields: Map<String, Value> = body(request)?;
    for fixed in ["scopes", "mode", "expiresAt", "allowedIps", "owner", "externalId", "budget", "metadata"] {
        if fields.contains_key(fixed) {
            return Err(Failure::invalid(format!("{fixed} of a key cannot change; make a new key")));
        }
    }
    let change = match (fields.get("name"), fields.get("disabled")) {
        (Some(Value::String(name)), None) => KeyChange::Rename(fields::name(name)?),
        (None, Some(Value::Bool(true))) => KeyChange::Disable(service.now().wall),
        (None, Some(Value::Bool(false))) => KeyChange::Enable,
        (Some(_), Some(_)) => return Err(Failure::invalid("change name or disabled, one at a time")),
        (Some(_), None) => return Err(Failure::invalid("name is a text")),
        (None, Some(_)) => return Err(Failure::invalid("disabled is true or false")),
        (None, None) => return Err(Failure::invalid("give {\"name\": …} or {\"disabled\": true or false}")),
    };
    let changed = keys::change(service, actor, key_id(request), &change).await?;
    let mut answer = json(StatusCode::OK, &changed.view);
    set_receipt(&mut answer, &changed.receipt);
    Ok(answer)
}

pub(crate) fn path(request: &OwnRequest) -> &str {
    request.target.split('?').next().unwrap_or_default()
}

/// Pairs of the query. Cursors and numbers need no percent-decoding; anything else fails its own check.
pub(crate) fn query(request: &OwnRequest) -> impl Iterator<Item = (&str, &str)> {
    let (_, query) = request.target.split_once('?').unwrap_or_default();
    query.split('&').filter_map(|pair| pair.split_once('='))
}

/// `…/api-keys/{id}` and `…/api-keys/{id}/rotate`.
fn key_id(request: &OwnRequest) -> &str {
    let path = path(request);
    let path = match request.endpoint {
        Endpoint::ApiKeyRotate => path.rsplit_once('/').map_or(path, |(head, _)| head),
        _ => path,
    };
    path.rsplit('/').next().unwrap_or_default()
}

/// As [`body`], for bodies that hold secrets: the complaint repeats nothing of what was sent.
fn secret_body<T: DeserializeOwned>(request: &OwnRequest, form: &str) -> Result<T, Failure> {
    body(request).map_err(|failure| match failure.kind {
        Kind::Invalid => Failure::invalid(format!("the JSON body does not fit: send {form}")),
        _ => failure,
    })
}

fn body<T: DeserializeOwned>(request: &OwnRequest) -> Result<T, Failure> {
    if !request.json {
        return Err(Failure {
            kind: Kind::Media,
            message: "send JSON, with Content-Type: application/json".to_owned(),
        });
    }
    if !request.body.trim_ascii_start().starts_with(b"{") {
        // A list of values in the right order would be read as one too.
        return Err(Failure::invalid("the JSON body does not fit: it must be an object"));
    }
    let read = if request.names.rename(request.endpoint) {
        serde_json::from_slice(&request.body)
            .and_then(|body| T::deserialize(Value::Object(request.names.read(request.endpoint, body))))
    } else {
        serde_json::from_slice(&request.body)
    };
    read.map_err(|error| Failure::invalid(format!("the JSON body does not fit: {error}")))
}

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let mut bytes = serde_json::to_vec(body).unwrap_or_default();
    bytes.push(b'\n');
    let length = HeaderValue::from(bytes.len());
    let mut answer = Answer::new(bytes.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.headers_mut().insert(CONTENT_LENGTH, length);
    answer
}

fn no_content(receipt: &ReceiptView) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    set_receipt(&mut answer, receipt);
    answer
}

fn set_receipt(answer: &mut Answer, receipt: &ReceiptView) {
    if let Ok(value) = HeaderValue::from_str(&receipt.line()) {
        answer.headers_mut().insert(RECEIPT, value);
    }
}
