//! What OAuth endpoints answer to a request that they refuse (RFC 6749 §5.2).

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use keyward_http::names::DECISION;
use keyward_http::own::{OwnReply, OwnRequest};
use keyward_http::templates::AlsoTold;
use serde::Serialize;

use crate::failure::{Failure, Kind};
use crate::own::json;
use crate::refusal::refusal;
use crate::sessions::families::Stopped;

/// The error codes, of RFC 6749 §5.2 and, where the fault is ours, §4.1.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    TemporarilyUnavailable,
    /// Too much was wrong; after so many seconds it is looked at again.
    Throttled(u64),
    /// Likewise, of one client, some of it from this address.
    SubjectThrottled(u64),
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            // The RFC has no word for it.
            Self::TemporarilyUnavailable | Self::Throttled(_) | Self::SubjectThrottled(_) => "temporarily_unavailable",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Throttled(_) | Self::SubjectThrottled(_) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// What the decision was in the end.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::InvalidRequest | Self::UnsupportedGrantType | Self::InvalidScope => Kind::Invalid,
            Self::InvalidClient => Kind::WrongClient,
            Self::InvalidGrant => Kind::Unauthorized,
            Self::UnauthorizedClient => Kind::Forbidden,
            Self::TemporarilyUnavailable => Kind::Unavailable,
            Self::Throttled(seconds) => Kind::Throttled(seconds),
            Self::SubjectThrottled(seconds) => Kind::SubjectThrottled(seconds),
        }
    }
}

/// A refusal.
#[derive(Debug)]
pub(super) struct Error {
    code: Code,
    description: String,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'static str,
    error_description: &'a str,
}

impl Error {
    pub(super) fn new(code: Code, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }

    /// The answer, and what the decision was.
    pub(super) fn reply(&self, request: &OwnRequest) -> OwnReply {
        let refusal = refusal(request.endpoint, self.code.kind());
        // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E.
        let is_plain = |c: &char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
        let description: String = self.description.chars().filter(is_plain).collect();
        let body = Body { error: self.code.as_str(), error_description: &description };
        let mut answer = super::no_cache(json(self.code.status(), &body));
        // What a problem document would say, for templates.
        let told =
            [("detail", description.as_str()), ("title", self.code.status().canonical_reason().unwrap_or_default())];
        let told = told.into_iter().map(|(name, text)| (name.to_owned(), text.into()));
        answer.extensions_mut().insert(AlsoTold(told.collect()));
        let headers = answer.headers_mut();
        if let Ok(decision) = HeaderValue::from_str(&request.ids.refused(refusal).to_string()) {
            headers.insert(DECISION, decision);
        }
        match self.code {
            Code::InvalidClient => {
                // RFC 7617 §2.1: in which letters.
                let challenge = HeaderValue::from_static("Basic realm=\"keyward\", charset=\"UTF-8\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Code::TemporarilyUnavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Code::Throttled(seconds) | Code::SubjectThrottled(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        OwnReply { answer, refusal: Some(refusal) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let code = match failure.kind {
            Kind::Unavailable => Code::TemporarilyUnavailable,
            Kind::Throttled(seconds) => Code::Throttled(seconds),
            Kind::SubjectThrottled(seconds) => Code::SubjectThrottled(seconds),
            Kind::Unauthorized => Code::InvalidGrant,
            Kind::WrongClient => Code::InvalidClient,
            Kind::Forbidden => Code::UnauthorizedClient,
            _ => Code::InvalidRequest,
        };
        Self::new(code, failure.message)
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::NotGranted => Self::new(Code::InvalidScope, "A scope is asked for that was not given."),
            other => Failure::from(other).into(),
        }
    }
}

impl From<keyward_engine::ports::StoreError> for Error {
    fn from(error: keyward_engine::ports::StoreError) -> Self {
        Failure::from(error).into()
    }
}
