//! A permitted request to one of Keyward's own endpoints: buffered, sent to the control side, answered.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;
use keyward_core::decision::Fault;
use keyward_core::machine::Permit;
use keyward_core::route::Endpoint;
use keyward_engine::worker::Judged;
use keyward_http::own::{MAX_BODY, OwnRequest};

use crate::body::{Upload, Wire};
use crate::client::{Client, Reply, Visit, dress};
use crate::refused::Refused;
use crate::watch::{Late, Uploaded};

/// Calls an own endpoint.
pub(crate) async fn call(
    visit: Visit<'_>,
    judged: Judged<'_>,
    permit: Permit,
    endpoint: Endpoint,
    request: Request<Wire>,
) -> Reply {
    let client = visit.client;
    let (parts, body) = request.into_parts();
    let bodiless = parts.method == Method::HEAD;
    let own = OwnRequest {
        endpoint,
        method: parts.method,
        target: parts.uri.path_and_query().map_or("", |target| target.as_str()).into(),
        json: is_json(&parts.headers),
        body: collect(client, judged, body).await?,
        client: visit.caller.address,
        permit,
        decision: judged.id(),
        now: judged.now(),
    };
    match client.watch.bounded(client.core.own.call(own)).await {
        Ok(Some(answer)) => Ok(dress(answer, bodiless, &client.watch)),
        Ok(None) => Err(Refused::faulted(Fault::Busy, judged.id())),
        Err(Late) => Err(Refused::faulted(Fault::Timeout, judged.id())),
    }
}

async fn collect(client: &Client, judged: Judged<'_>, body: Wire) -> Result<Bytes, Box<Refused>> {
    let id = judged.id();
    let limit = client.core.limits.body_bytes.unwrap_or(u64::MAX).min(MAX_BODY as u64);
    if body.size_hint().lower() > limit {
        return Err(Refused::too_large(limit, id));
    }
    let upload = Upload::new(body, Some(limit), Rc::clone(&client.watch));
    match client.watch.bounded(whole(upload)).await {
        Ok(Some(body)) => Ok(body),
        Ok(None) if client.watch.uploaded() == Uploaded::Outgrown => Err(Refused::too_large(limit, id)),
        Ok(None) => Err(Refused::body_missing(StatusCode::BAD_REQUEST, id)),
        Err(Late) => Err(Refused::body_missing(StatusCode::REQUEST_TIMEOUT, id)),
    }
}

async fn whole(mut upload: Upload) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(frame) = upload.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Some(whole.freeze())
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
