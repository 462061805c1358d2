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
use keyward_http::bounds;
use keyward_http::own::{OwnReply, OwnRequest, Refusal};

use crate::body::{Upload, Wire};
use crate::client::{Client, Reply, Visit, dress};
use crate::note::Note;
use crate::refused::Refused;
use crate::watch::{Late, Uploaded};

/// Calls an own endpoint.
pub(crate) async fn call(
    visit: Visit<'_>,
    note: &mut Note<'_>,
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
        body: collect(client, note, endpoint, body).await?,
        client: visit.caller.address,
        permit,
        ids: note.ids(),
        now: note.now(),
    };
    match client.watch.bounded(client.core.own.call(own)).await {
        Ok(Some(OwnReply { answer, refusal: None })) => Ok(dress(answer, bodiless, &client.watch)),
        Ok(Some(OwnReply { answer, refusal: Some(refusal) })) => {
            note.retract(refusal);
            Err(Refused::by_endpoint(answer, refusal))
        }
        Ok(None) => {
            let id = note.retract(Refusal { outcome: "Unavailable", detail: Fault::Busy.as_str() });
            Err(Refused::faulted(Fault::Busy, id))
        }
        // It may be done all the same, under the id that it was given.
        Err(Late) => Err(Refused::faulted(Fault::Timeout, note.id())),
    }
}

/// The whole body, of which nothing was given to the endpoint where it is refused.
async fn collect(client: &Client, note: &mut Note<'_>, endpoint: Endpoint, body: Wire) -> Result<Bytes, Box<Refused>> {
    let most = u64::try_from(bounds::body(endpoint)).unwrap_or(u64::MAX);
    let limit = client.core.limits.body_bytes.unwrap_or(u64::MAX).min(most);
    let mut too_large = || Refused::too_large(limit, note.retract(Refusal { outcome: "TooLarge", detail: "body" }));
    if body.size_hint().lower() > limit {
        return Err(too_large());
    }
    let upload = Upload::new(body, Some(limit), Rc::clone(&client.watch));
    let status = match client.watch.bounded(whole(upload)).await {
        Ok(Some(body)) => return Ok(body),
        Ok(None) if client.watch.uploaded() == Uploaded::Outgrown => return Err(too_large()),
        Ok(None) => StatusCode::BAD_REQUEST,
        Err(Late) => StatusCode::REQUEST_TIMEOUT,
    };
    Err(Refused::body_missing(status, note.retract(Refusal { outcome: "Incomplete", detail: "body" })))
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
