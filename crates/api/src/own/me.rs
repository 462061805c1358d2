//! `GET me`: who calls, as the caller sees itself.

use http::StatusCode;
use keyward_core::api_key::CredentialEntry;
use keyward_engine::people::AccountRecord;
use keyward_http::problem::Answer;
use keyward_http::templates::AlsoTold;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::own;
use crate::service::Service;
use crate::view::CallerView;

/// Who calls. Where a template says it, it is also told what only the store knows: what user and account are called.
///
/// # Errors
/// The store does not answer, where it is asked.
pub(crate) async fn answer(service: &Service, caller: &CredentialEntry) -> Result<Answer, Failure> {
    let configuration = service.configuration();
    let mut view = CallerView::of(caller, &configuration.rules);
    if caller.csrf.is_some() {
        // People know their account by its name, and programs by its id.
        view.account_name = account(service, caller).await?.map(|account| account.name.to_string());
    }
    let mut answer = own::json(StatusCode::OK, &view);
    if configuration.responses.reword("me") {
        answer.extensions_mut().insert(AlsoTold(names(service, caller).await?));
    }
    Ok(answer)
}

async fn account(service: &Service, caller: &CredentialEntry) -> Result<Option<AccountRecord>, Failure> {
    let Some(id) = &caller.principal.account else { return Ok(None) };
    Ok(service.store.accounts_called(id).await?.into_iter().find(|account| account.id == *id))
}

async fn names(service: &Service, caller: &CredentialEntry) -> Result<Map<String, Value>, Failure> {
    let principal = &caller.principal;
    // An operator's key, and whoever another issuer speaks for, are no users here.
    let user = service.store.user(&principal.id).await?;
    let username = user.map_or_else(|| principal.name.clone(), |user| user.username);
    let account = account(service, caller).await?;
    let status = account.as_ref().map(|account| if account.disabled_at.is_some() { "disabled" } else { "active" });
    Ok(Map::from_iter([
        ("user".to_owned(), json!({"id": principal.id, "username": username})),
        ("account_name".to_owned(), json!(account.as_ref().map(|account| &account.name))),
        ("account_status".to_owned(), json!(status)),
    ]))
}
