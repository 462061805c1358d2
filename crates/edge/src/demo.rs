//! The built-in upstream of a first try: it answers what an upstream sees, so that a newcomer sees it too.

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use keyward_core::machine::Permit;
use keyward_core::principal::Principal;
use keyward_engine::worker::Judged;
use keyward_http::edits::Passing;
use keyward_http::h1::request::Request;
use keyward_http::problem::Answer;
use serde_json::{Map, Value, json};

use crate::client::Visit;
use crate::exchange::{Outcome, Reply};
use crate::forward::{Forwarded, passing, token, told};
use crate::upstream::Upstream;

const NOTE: &str = "this is Keyward's built-in demo upstream; start with --upstream URL to put Keyward before your API";

/// The name that the demo goes by.
const HOST: &[u8] = b"demo";

/// Answers a request with what an upstream would see of it. Its body is left to whoever clears the connection.
pub(crate) fn answer(
    visit: Visit<'_>,
    (upstream, target): (&Upstream, Forwarded<'_>),
    judged: Judged<'_>,
    permit: &Permit,
) -> Outcome {
    let mut headers = Map::new();
    let token = token(upstream, judged, permit);
    let passing = Passing { token: token.as_deref(), ..passing(visit, judged, permit, HOST) };
    let put = &mut |name: &[u8], value: &[u8]| join(&mut headers, name, value);
    upstream.edits.visit(visit.request.fields, &passing, put);
    let target = format!("{}{}", target.slash(), target.rest);
    let mut answer = echo(visit.request, &target, headers, permit.principal());
    told(judged, permit).set(answer.headers_mut());
    upstream.answered(answer.status());
    Ok(Reply::Own(answer))
}

/// Repeated fields as one, separated by commas (RFC 9110 §5.3).
fn join(headers: &mut Map<String, Value>, name: &[u8], value: &[u8]) {
    let (name, value) = (String::from_utf8_lossy(name).to_ascii_lowercase(), String::from_utf8_lossy(value));
    let joined = match headers.get(&name).and_then(Value::as_str) {
        Some(before) => format!("{before}, {value}"),
        None => value.into_owned(),
    };
    headers.insert(name, joined.into());
}

fn echo(request: &Request<'_>, target: &str, headers: Map<String, Value>, principal: Option<&Principal>) -> Answer {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let seen = json!({
        "method": request.method.as_str(),
        "path": path,
        "query": query,
        "headers": headers,
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

fn identity(principal: &Principal) -> Value {
    let scopes: Vec<&str> = principal.grants.scopes().iter().map(|scope| scope.as_str()).collect();
    json!({
        "principal": &*principal.id,
        "name": &*principal.name,
        "kind": principal.kind.as_str(),
        "account": principal.account.as_deref(),
        "scopes": scopes,
        "credential": principal.credential.text(),
        "mode": principal.mode.as_str(),
    })
}
