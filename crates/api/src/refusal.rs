//! What a failure at an own endpoint is called: in its problem document, in the record of the decision, and in its id.

use http::HeaderValue;
use http::StatusCode;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use keyward_core::decision::DecisionId;
use keyward_core::route::Endpoint;
use keyward_http::own::{OwnReply, OwnRequest, Refusal};
use keyward_http::problem::{Answer, Problem};

use crate::failure::{Failure, Kind};

/// What the decision was in the end, where an endpoint fails like this.
pub const fn refusal(endpoint: Endpoint, kind: Kind) -> Refusal {
    let (outcome, detail) = match (kind, endpoint) {
        (Kind::Invalid, _) => ("Invalid", "body or query"),
        (Kind::Media, _) => ("Invalid", "media type"),
        (Kind::NotFound, Endpoint::Login | Endpoint::Portal) => ("NotFound", "no such link"),
        (Kind::NotFound, _) => ("NotFound", "no such key"),
        (Kind::Forbidden, Endpoint::Login | Endpoint::Refresh) => ("Forbidden", "roles beyond a token"),
        (Kind::Forbidden, Endpoint::Token | Endpoint::Exchange | Endpoint::Revoke | Endpoint::Introspect) => {
            ("Forbidden", "client")
        }
        (Kind::WrongClient, _) => ("Rejected", "key or secret"),
        (Kind::SecondFactor, _) => ("Rejected", "second factor"),
        (Kind::Forbidden, _) => ("Forbidden", "beyond the caller"),
        (Kind::Conflict, _) => ("Conflict", "state"),
        (Kind::Moved, _) => ("Moved", "version"),
        (Kind::Unconditional, _) => ("Unconditional", "version"),
        (Kind::Reused, _) => ("Reused", "idempotency key"),
        (Kind::Unauthorized, Endpoint::Refresh | Endpoint::Token | Endpoint::Exchange) => ("Rejected", "refresh token"),
        (Kind::Unauthorized, _) => ("Rejected", "name or password"),
        (Kind::Throttled(_), _) => ("Throttled", "address"),
        (Kind::SubjectThrottled(_), _) => ("Throttled", "subject"),
        (Kind::Unavailable, _) => ("Unavailable", "own endpoint"),
    };
    Refusal { outcome, detail }
}

/// The answer to a request that an endpoint refuses.
pub(crate) fn refused(request: &OwnRequest, failure: &Failure) -> OwnReply {
    let refusal = refusal(request.endpoint, failure.kind);
    let answer = problem(failure, refusal, request.ids.refused(refusal));
    OwnReply { answer, refusal: Some(refusal) }
}

/// The problem document of a failure.
pub fn problem(failure: &Failure, refusal: Refusal, decision: DecisionId) -> Answer {
    let (status, title) = match failure.kind {
        Kind::Invalid => (StatusCode::BAD_REQUEST, "Bad Request"),
        Kind::Media => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
        Kind::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
        Kind::Conflict => (StatusCode::CONFLICT, "Conflict"),
        Kind::Moved => (StatusCode::PRECONDITION_FAILED, "Precondition Failed"),
        Kind::Unconditional => (StatusCode::PRECONDITION_REQUIRED, "Precondition Required"),
        Kind::Reused => (StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Content"),
        Kind::Unauthorized | Kind::SecondFactor | Kind::WrongClient => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        Kind::Throttled(_) | Kind::SubjectThrottled(_) => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    };
    let mut answer = Problem::new(status, title, refusal.outcome, failure.message.clone()).answer(decision);
    match failure.kind {
        Kind::Unavailable => {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Kind::Throttled(seconds) | Kind::SubjectThrottled(seconds) => {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // RFC 9110 §15.5.2: a 401 says how one signs in.
        Kind::Unauthorized | Kind::SecondFactor | Kind::WrongClient => {
            let challenge = HeaderValue::from_static("Bearer realm=\"keyward\", error=\"invalid_token\"");
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        _ => {}
    }
    answer
}
