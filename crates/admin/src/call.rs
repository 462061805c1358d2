//! What an operation is given: who calls, from where, what for, and what operations work with.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Query;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_MATCH};
use http::{HeaderMap, Uri};
use keyward_api::actor::{self, Actor, Door};
use keyward_api::failure::{Failure, Kind};
use keyward_api::origin::Origin;
use keyward_api::service::Service;
use keyward_core::api_key::CredentialEntry;
use keyward_core::time::Now;
use keyward_engine::version::{Expected, Version};
use keyward_http::own::Ids;
use serde::de::DeserializeOwned;

use crate::door::Control;
use crate::guard::Ask;

/// A permitted call.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) control: Arc<Control>,
    pub(crate) caller: Option<Arc<CredentialEntry>>,
    pub(crate) client: IpAddr,
    /// As it was judged.
    pub(crate) ask: Arc<Ask>,
    pub(crate) ids: Ids,
    pub(crate) at: Now,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// What varies in the path.
    pub(crate) parameters: Vec<String>,
    pub(crate) body: Bytes,
}

impl Call {
    /// What operations work with.
    pub(crate) fn service(&self) -> &Service {
        &self.control.service
    }

    /// Who calls, on operations that want a credential.
    ///
    /// # Errors
    /// Nobody: the route table has let in whom it should not.
    pub(crate) fn caller(&self) -> Result<&CredentialEntry, Failure> {
        self.caller.as_deref().ok_or_else(|| Failure::forbidden("this operation wants a credential"))
    }

    /// Who calls, as operations on keys know it.
    ///
    /// # Errors
    /// As [`Call::caller`].
    pub(crate) fn actor(&self) -> Result<Actor<'_>, Failure> {
        let door = Door { client: self.client, decision: self.ids.permitted() };
        Ok(Actor::Administrator(self.caller()?, door))
    }

    /// Who calls, as all other operations know it.
    pub(crate) fn origin(&self) -> Origin {
        let caller = self.caller.as_deref().map(|entry| &entry.principal);
        Origin {
            actor: caller.map_or("stranger", actor::name).into(),
            client: Some(self.client),
            ids: Some(self.ids.clone()),
            at: self.at.wall,
        }
    }

    /// Whether it would still pass, for what runs for long.
    pub(crate) async fn may_go_on(&self) -> bool {
        self.control.gate.ask_again(Arc::clone(&self.ask)).await
    }

    /// What varies in the path, by its place.
    pub(crate) fn parameter(&self, place: usize) -> &str {
        self.parameters.get(place).map_or("", String::as_str)
    }

    /// The versions that a change is meant for (RFC 9110 §13.1.1). A weak one is never the same.
    ///
    /// # Errors
    /// It does not say.
    pub(crate) fn expected(&self) -> Result<Expected, Failure> {
        let mut fields = self.headers.get_all(IF_MATCH).iter().peekable();
        if fields.peek().is_none() {
            return Err(Failure {
                kind: Kind::Unconditional,
                message: "send If-Match with the ETag of what you read, or * for whatever is there".to_owned(),
            });
        }
        let texts = fields.filter_map(|field| field.to_str().ok()).flat_map(|field| field.split(','));
        let tags: Vec<&str> = texts.map(str::trim).collect();
        if tags == ["*"] {
            return Ok(Expected::Any);
        }
        let strong = |tag: &&str| Version::parse(tag.strip_prefix('"')?.strip_suffix('"')?);
        Ok(Expected::OneOf(tags.iter().filter_map(strong).collect()))
    }

    /// What the query says.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let read = Query::try_from_uri(&self.uri);
        read.map(|Query(query)| query).map_err(|error| Failure::invalid(format!("the query does not fit: {error}")))
    }

    /// What the body says. Its complaint repeats no value that was sent.
    ///
    /// # Errors
    /// It is no JSON, or does not fit.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.media("application/json", "send JSON, with Content-Type: application/json")?;
        if !self.body.trim_ascii_start().starts_with(b"{") {
            // A list of values in the right order would be read as one too.
            return Err(Failure::invalid("the JSON body does not fit: it must be an object"));
        }
        serde_json::from_slice(&self.body).map_err(|error| Failure::invalid(complaint(&error)))
    }

    /// The same where nothing at all may be sent.
    ///
    /// # Errors
    /// As [`Call::body`].
    pub(crate) fn body_or_nothing<T: DeserializeOwned + Default>(&self) -> Result<T, Failure> {
        if self.body.is_empty() { Ok(T::default()) } else { self.body() }
    }

    /// The body is declared to be of a kind.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn media(&self, kind: &str, message: &str) -> Result<(), Failure> {
        let declared = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is = declared.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind);
        is.then_some(()).ok_or_else(|| Failure { kind: Kind::Media, message: message.to_owned() })
    }
}

/// Where it does not fit, without what stands there: it may be a password.
fn complaint(error: &serde_json::Error) -> String {
    let said = error.to_string();
    // serde names a value that is of the wrong type or variant as it is.
    let quiet =
        !said.starts_with("invalid type") && !said.starts_with("invalid value") && !said.starts_with("unknown v");
    let what = if quiet {
        said
    } else {
        format!("a value is of the wrong kind at line {} column {}", error.line(), error.column())
    };
    format!("the JSON body does not fit: {what}")
}
