//! Calls that come twice and are carried out once: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! The answer may hold a new key's text, which nobody can read out of the store: what it is sealed with comes of the caller's
//! own key for the call, of which the store has a digest alone.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use keyward_api::actor;
use keyward_api::failure::{Failure, Kind};
use keyward_api::signing_keys::sealing::MasterKey;
use keyward_core::digest::MacKey;
use keyward_core::time::Timestamp;
use keyward_engine::once::{Begun, Once};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::answer::{self, Reply};
use crate::call::Call;
use crate::operation::Operation;

/// The field that has the caller's key.
pub(crate) const FIELD: HeaderName = HeaderName::from_static("idempotency-key");
/// On an answer that was given before.
const AGAIN: HeaderName = HeaderName::from_static("idempotency-replayed");
/// For how long a call is known.
const KNOWN: Duration = Duration::from_secs(24 * 3600);
/// The shortest key: it must not be guessed by whoever has a copy of the store.
const SHORTEST: usize = 16;
/// The longest.
const LONGEST: usize = 255;
/// What the seal is for.
const PURPOSE: &str = "answer of a call";

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    location: Option<String>,
    body: String,
}

/// A call under a key of the caller's.
pub(crate) struct Keyed {
    once: Once,
    seal: MasterKey,
}

impl Keyed {
    /// Of a call that brings a key along.
    ///
    /// # Errors
    /// A key that is none.
    pub(crate) fn of(operation: &Operation, call: &Call) -> Result<Option<Self>, Failure> {
        let mut given = call.headers.get_all(FIELD).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return if call.headers.contains_key(FIELD) { Err(unfit()) } else { Ok(None) };
        };
        let text = value.to_str().map_err(|_| unfit())?.trim();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(unfit());
        }
        // Each part with its length, so that no two calls share a name.
        let who = actor::name(&call.caller()?.principal);
        let parts: [&[u8]; 3] = [who.as_bytes(), operation.id.as_bytes(), text.as_bytes()];
        let digest = |what: &[u8], parts: &[&[u8]]| MacKey::from_bytes([0; 32]).mac(&[&[what], parts].concat());
        let once = Once {
            name: digest(b"keyward once name", &parts),
            request: digest(b"keyward once request", &[&call.body]),
            at: call.at.wall,
        };
        Ok(Some(Self { once, seal: MasterKey::from_bytes(Zeroizing::new(digest(b"keyward once seal", &parts))) }))
    }

    /// The answer that was given before; `None`: it is to be carried out.
    ///
    /// # Errors
    /// It runs, or is another call.
    pub(crate) async fn begin(&self, call: &Call) -> Result<Option<Reply>, Failure> {
        let before = Timestamp::from_millis(self.once.at.as_millis() - i64::try_from(KNOWN.as_millis()).unwrap_or(0));
        let refused = |kind, message: &str| Err(Failure { kind, message: message.to_owned() });
        match call.service().store.begin_once(&self.once, before).await? {
            Begun::New => Ok(None),
            Begun::Running(_) => refused(
                Kind::Conflict,
                "a call under this Idempotency-Key was begun and is not answered yet; if it stays so, it was cut off: look \
                 whether it was done before you send it under another key",
            ),
            Begun::Other => refused(Kind::Reused, "under this Idempotency-Key something else was asked for"),
            Begun::Done(sealed) => self.open(&sealed).map(Some),
        }
    }

    fn open(&self, sealed: &[u8]) -> Result<Reply, Failure> {
        let kept = self.seal.open(PURPOSE, sealed).and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        let Some(kept) = kept else {
            return Err(Failure { kind: Kind::Unavailable, message: "the answer of before cannot be read".to_owned() });
        };
        let mut reply = answer::json_text(StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK), kept.body);
        if let Some(location) = kept.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            reply.headers_mut().insert(LOCATION, location);
        }
        reply.headers_mut().insert(AGAIN, HeaderValue::from_static("true"));
        Ok(reply)
    }

    /// Keeps what came of it.
    pub(crate) async fn end(&self, call: &Call, result: Result<Reply, Failure>) -> Result<Reply, Failure> {
        let store = &call.service().store;
        let reply = match result {
            Ok(reply) => reply,
            Err(failure) => {
                // Nothing was done: the same may come again. Where this fails as well, it is told as running.
                let _ = store.end_once(&self.once.name, None).await;
                return Err(failure);
            }
        };
        let (parts, body) = reply.into_parts();
        let body: Bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let location = parts.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let kept = Kept {
            status: parts.status.as_u16(),
            location: location.map(str::to_owned),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let text = Zeroizing::new(serde_json::to_vec(&kept).unwrap_or_default());
        if let Some(sealed) = self.seal.seal(PURPOSE, &text, &*call.service().random) {
            // It was done all the same: whoever asks again is told that it was begun.
            let _ = store.end_once(&self.once.name, Some(&sealed)).await;
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

fn unfit() -> Failure {
    Failure::invalid(format!(
        "Idempotency-Key is one random text of {SHORTEST} to {LONGEST} characters, such as a UUID; it stands for one call"
    ))
}
