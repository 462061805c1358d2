//! Answers in a dialect of the operator's: what Keyward would say is told to a template by its fields, and the template says it
//! in other words. Who is let in, challenges, `Retry-After`, limits' fields and the decision's id are not a template's affair.

pub mod names;
pub mod requests;
pub mod tree;

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use keyward_core::route::Endpoint;
use serde_json::{Map, Value};

use crate::names::DECISION;
use crate::problem::Answer;
use tree::Tree;

/// One answer in other words.
#[derive(Clone, Debug)]
pub struct Response {
    status: Option<StatusCode>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// What Keyward says itself.
    Own,
    /// Always the same.
    Fixed(Bytes),
    /// Made from what is told.
    Made(Tree),
}

impl Response {
    /// With another status, another body, or both.
    pub fn new(status: Option<StatusCode>, body: Option<Tree>) -> Self {
        let body = match body {
            None => Body::Own,
            Some(Tree::Fixed(value)) => Body::Fixed(text(&value)),
            Some(tree) => Body::Made(tree),
        };
        Self { status, body }
    }
}

/// The templates of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Responses(HashMap<Box<str>, Response>);

impl FromIterator<(Box<str>, Response)> for Responses {
    fn from_iter<T: IntoIterator<Item = (Box<str>, Response)>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

/// What an endpoint tells a template beside what its own answer says; it lies in the answer's extensions.
#[derive(Clone, Debug)]
pub struct AlsoTold(pub Map<String, Value>);

/// What a refusal tells a template beside what its own answer says.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// The own endpoint that it happened at.
    pub endpoint: Option<Endpoint>,
    /// Its name in [`names::REASONS`].
    pub reason: &'a str,
    /// More of it.
    pub cause: Option<&'a str>,
    /// The limit that was exceeded.
    pub limit: Option<&'a str>,
}

impl Responses {
    /// Puts the answer of an endpoint that did as it was asked into other words.
    pub fn answer(&self, endpoint: Endpoint, method: &Method, answer: &mut Answer) {
        if answer.status().is_success()
            && let Some(response) = self.0.get(names::operation(endpoint, method))
        {
            response.reword(answer, |_| {});
        }
    }

    /// Puts a refusal into other words: those for the endpoint, else for the cause, else for the reason.
    pub fn refuse(&self, refusal: Refusal<'_>, answer: &mut Answer) {
        if let Some(response) = self.of(refusal) {
            response.reword(answer, |told| {
                told.insert("reason".to_owned(), refusal.reason.into());
                told.insert("cause".to_owned(), refusal.cause.into());
                told.insert("limit".to_owned(), refusal.limit.into());
            });
        }
    }

    /// Whether an answer has other words.
    pub fn reword(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The status that a refusal has in other words.
    pub fn status(&self, refusal: Refusal<'_>, otherwise: StatusCode) -> StatusCode {
        self.of(refusal).and_then(|response| response.status).unwrap_or(otherwise)
    }

    fn of(&self, Refusal { endpoint, reason, cause, .. }: Refusal<'_>) -> Option<&Response> {
        if self.0.is_empty() {
            return None;
        }
        let at = |name: &str| self.0.get(name);
        let at_endpoint = endpoint.and_then(|endpoint| at(&format!("{}.{reason}", names::name(endpoint))));
        at_endpoint.or_else(|| cause.and_then(|cause| at(&format!("{reason}.{cause}")))).or_else(|| at(reason))
    }
}

impl Response {
    fn reword(&self, answer: &mut Answer, tell: impl FnOnce(&mut Map<String, Value>)) {
        if let Some(status) = self.status {
            *answer.status_mut() = status;
        }
        let body = match &self.body {
            Body::Own if self.status.is_none() => return,
            Body::Own => own(answer),
            Body::Fixed(body) => Some(body.clone()),
            Body::Made(tree) => {
                let mut told = told(answer);
                tell(&mut told);
                Some(text(&tree.make(&Value::Object(told))))
            }
        };
        if let Some(body) = body {
            if !matches!(self.body, Body::Own) {
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            *answer.body_mut() = body;
            // RFC 9110 §15.3.5: 204 has no body.
            if answer.status() == StatusCode::NO_CONTENT {
                *answer.status_mut() = StatusCode::OK;
            }
        }
        // RFC 9110 §15.5.2: a 401 says how one signs in.
        if answer.status() == StatusCode::UNAUTHORIZED && !answer.headers().contains_key(WWW_AUTHENTICATE) {
            let challenge = HeaderValue::from_static("ApiKey realm=\"keyward\"");
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
    }
}

/// What an answer says itself, in its body and its headers.
fn told(answer: &Answer) -> Map<String, Value> {
    let mut told = match serde_json::from_slice(answer.body()) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    if let Some(AlsoTold(more)) = answer.extensions().get() {
        told.extend(more.clone());
    }
    // `status` of health and readiness is a word of their own.
    if !matches!(told.get("status"), Some(Value::String(_))) {
        told.insert("status".to_owned(), answer.status().as_u16().into());
    }
    let header = |name: HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(seconds) = header(RETRY_AFTER).and_then(|text| text.parse::<u64>().ok()) {
        told.insert("retry_after".to_owned(), seconds.into());
    }
    if let Some(decision) = header(DECISION) {
        told.insert("decision".to_owned(), decision.into());
    }
    told
}

/// Keyward's own body under another status, which a problem document repeats (RFC 9457 §3.1.2).
fn own(answer: &Answer) -> Option<Bytes> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(answer.body()) else { return None };
    if !fields.get("status").is_some_and(Value::is_number) {
        return None;
    }
    fields.insert("status".to_owned(), answer.status().as_u16().into());
    fields.insert("title".to_owned(), answer.status().canonical_reason().into());
    Some(text(&Value::Object(fields)))
}

fn text(value: &Value) -> Bytes {
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes.into()
}
