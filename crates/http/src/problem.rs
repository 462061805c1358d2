//! Problem documents (RFC 9457): the body of every answer that Keyward itself gives to a mistake or a refusal.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use keyward_core::decision::DecisionId;
use serde::Serialize;

use crate::names::DECISION;

/// An answer with its whole body.
pub type Answer = http::Response<Bytes>;

/// What a problem document says.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// `about:blank`: the status says it all (RFC 9457 §4.2.1).
    #[serde(rename = "type")]
    kind: &'static str,
    /// The short name of the problem, the same at each occurrence.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time and what to do.
    detail: String,
    /// The machine-readable name of the reason.
    reason: &'static str,
    /// Which decision this was; `keyward explain` knows more.
    decision: String,
    /// That Keyward answered, not the API behind it.
    server: &'static str,
    /// The HTTP status as http's type.
    #[serde(skip)]
    code: StatusCode,
}

impl Problem {
    /// A problem of a given kind. `reason` is a stable name, `detail` is for people.
    pub fn new(code: StatusCode, title: &'static str, reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title,
            status: code.as_u16(),
            detail: detail.into(),
            reason,
            decision: String::new(),
            server: "Keyward",
            code,
        }
    }

    /// The answer, with the decision's id in the body and in `Keyward-Decision`.
    pub fn answer(mut self, decision: DecisionId) -> Answer {
        self.decision = decision.to_string();
        let mut body = serde_json::to_vec_pretty(&self).unwrap_or_default();
        body.push(b'\n');
        let mut answer = Answer::new(Bytes::from(body));
        *answer.status_mut() = self.code;
        dress(answer.headers_mut(), &self.decision);
        let length = HeaderValue::from(answer.body().len());
        answer.headers_mut().insert(CONTENT_LENGTH, length);
        answer
    }
}

fn dress(headers: &mut HeaderMap, decision: &str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // A refusal depends on the credential shown: no cache may keep it.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(decision) {
        headers.insert(DECISION, value);
    }
}
