//! What operations answer.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use keyward_api::failure::Kind;
use keyward_api::refusal;
use keyward_api::view::ReceiptView;
use keyward_engine::version::Version;
use keyward_http::names::RECEIPT;
use keyward_http::own::Refusal;
use serde::Serialize;

use crate::operation::{Operation, PREFIX};

/// An answer of an operation.
pub(crate) type Reply = Response<Body>;

/// JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    json_text(status, serde_json::to_string(body).unwrap_or_default() + "\n")
}

/// JSON that is written already.
pub(crate) fn json_text(status: StatusCode, text: String) -> Reply {
    let mut reply = Response::new(Body::from(text));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// 200 with JSON.
pub(crate) fn ok(body: &impl Serialize) -> Reply {
    json(StatusCode::OK, body)
}

/// 200 with JSON of a record in this version.
pub(crate) fn versioned(version: Version, body: &impl Serialize) -> Reply {
    let mut reply = ok(body);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply
}

/// 201 with JSON, and where what was made is.
pub(crate) fn made(path: &str, body: &impl Serialize) -> Reply {
    let mut reply = json(StatusCode::CREATED, body);
    if let Ok(location) = HeaderValue::from_str(&format!("{PREFIX}{path}")) {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}

/// 204.
pub(crate) fn nothing() -> Reply {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// 204, with how far a change has come in a header.
pub(crate) fn done(receipt: &ReceiptView) -> Reply {
    let mut reply = nothing();
    if let Ok(line) = HeaderValue::from_str(&receipt.line()) {
        reply.headers_mut().insert(RECEIPT, line);
    }
    reply
}

/// What a failure is called in the record.
pub(crate) fn refusal(operation: &Operation, kind: Kind) -> Refusal {
    if let Some(endpoint) = operation.as_endpoint {
        return refusal::refusal(endpoint, kind);
    }
    let (outcome, detail) = match kind {
        Kind::Invalid => ("Invalid", "body or query"),
        Kind::Media => ("Invalid", "media type"),
        Kind::NotFound => ("NotFound", "no such thing"),
        Kind::Forbidden => ("Forbidden", "beyond the caller"),
        Kind::Conflict => ("Conflict", "state"),
        Kind::Moved => ("Moved", "version"),
        Kind::Unconditional => ("Unconditional", "version"),
        Kind::Reused => ("Reused", "idempotency key"),
        Kind::SecondFactor => ("Rejected", "second factor"),
        Kind::Unauthorized | Kind::WrongClient => ("Rejected", "name or password"),
        Kind::Throttled(_) => ("Throttled", "address"),
        Kind::SubjectThrottled(_) => ("Throttled", "subject"),
        Kind::Unavailable => ("Unavailable", "operation"),
    };
    Refusal { outcome, detail }
}
