//! The OAuth 2.0 endpoints: tokens for clients (RFC 6749), their end (RFC 7009), what they are worth (RFC 7662), and where
//! all of this is (RFC 8414).

mod client;
mod error;
mod introspection;
mod metadata;
pub(crate) mod read;
mod revocation;
mod token;

use http::header::PRAGMA;
use http::{HeaderValue, StatusCode};
use keyward_core::route::Endpoint;
use keyward_http::oauth::{Fault, Parameters};
use keyward_http::own::{OwnReply, OwnRequest};
use keyward_http::problem::Answer;
use keyward_http::templates::AlsoTold;
use serde_json::Map;

use crate::own::json;
use crate::service::Service;
use error::{Code, Error};

/// Answers a request to one of them.
pub async fn answer(service: &Service, request: &OwnRequest) -> OwnReply {
    let answered = match request.endpoint {
        Endpoint::Token | Endpoint::Exchange => {
            token::answer(service, request).await.map(|told| no_cache(handed_out(&told)))
        }
        Endpoint::Revoke => revocation::answer(service, request).await.map(|done| json(StatusCode::OK, &done)),
        Endpoint::Introspect => {
            introspection::answer(service, request).await.map(|told| no_cache(json(StatusCode::OK, &told)))
        }
        _ => Ok(json(StatusCode::OK, &metadata::of(&service.configuration().rules))),
    };
    match answered {
        Ok(answer) => OwnReply { answer, refusal: None },
        Err(error) => error.reply(request),
    }
}

/// RFC 6749 §5.1: beside `Cache-Control: no-store`, for caches of old.
fn no_cache(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}

/// Tokens, and for templates when they end.
fn handed_out(told: &token::TokenAnswer) -> Answer {
    let mut answer = json(StatusCode::OK, told);
    let ends = Map::from_iter([("access_expires_at".to_owned(), told.access_expires_at().into())]);
    answer.extensions_mut().insert(AlsoTold(ends));
    answer
}

/// The parameters of a request: form-encoded as the RFCs have it, or a JSON object.
fn parameters(request: &OwnRequest) -> Result<Parameters, Error> {
    match (request.json, request.form) {
        (true, _) => Ok(Parameters::of_json(&request.body, |body| request.names.read(request.endpoint, body))?),
        (_, true) => Ok(Parameters::of_form(&request.body)?),
        _ if request.body.is_empty() => Ok(Parameters::of_form(b"")?),
        _ => Err(Error::new(
            Code::InvalidRequest,
            "Send the parameters as application/x-www-form-urlencoded, or as application/json.",
        )),
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(Code::InvalidRequest, fault.text())
    }
}
