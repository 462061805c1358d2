//! The built-in upstream of a first try: it answers what an upstream sees, so that a newcomer sees it too.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http_body_util::BodyExt as _;
use keyward_core::principal::Principal;
use keyward_http::problem::Answer;
use serde_json::{Map, Value, json};

use crate::body::{Broken, Upload};

const NOTE: &str = "this is Keyward's built-in demo upstream; start with --upstream URL to put Keyward before your API";

/// How much of a body the demo reads; the connection closes after a longer one.
const MOST: usize = 1024 * 1024;

/// Reads a body and forgets it.
pub(crate) async fn drain(mut body: Upload) -> Result<(), Broken> {
    let mut left = MOST;
    while let Some(frame) = body.frame().await {
        let length = frame?.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(length) else { break };
        left = rest;
    }
    Ok(())
}

/// Answers a request, whose headers were edited already.
pub(crate) fn echo(request: &Parts, principal: Option<&Principal>) -> Answer {
    let seen = json!({
        "method": request.method.as_str(),
        "path": request.uri.path(),
        "query": request.uri.query(),
        "headers": headers(&request.headers),
        "identity": principal.map(identity),
        "note": NOTE,
    });
    let mut body = serde_json::to_vec_pretty(&seen).unwrap_or_default();
    body.push(b'\n');
    let mut answer = Answer::new(Bytes::from(body));
    let length = HeaderValue::from(answer.body().len());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CONTENT_LENGTH, length);
    answer
}

/// Repeated fields as one, separated by commas (RFC 9110 §5.3).
fn headers(headers: &HeaderMap) -> Value {
    let joined = headers.keys().map(|name| {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (name.as_str().to_owned(), Value::from(values.join(", ")))
    });
    Value::Object(joined.collect::<Map<_, _>>())
}

fn identity(principal: &Principal) -> Value {
    let scopes: Vec<&str> = principal.grants.scopes().iter().map(|scope| scope.as_str()).collect();
    json!({
        "principal": &*principal.id,
        "name": &*principal.name,
        "kind": principal.kind.as_str(),
        "account": principal.account.as_deref(),
        "scopes": scopes,
        "credential": &*principal.credential,
        "mode": principal.mode.as_str(),
    })
}
