//! One client's connection as an exchange sees it, and the shape of what goes back to it.

use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Response};
use keyward_engine::worker::Snapshot;
use keyward_http::caller::Caller;
use keyward_http::problem::Answer;

use crate::body::Download;
use crate::per_core::{Core, Ways};
use crate::refused::Refused;
use crate::watch::Watch;

/// One client's connection: what all its requests have in common.
pub(crate) struct Client {
    pub(crate) core: Rc<Core>,
    pub(crate) watch: Rc<Watch>,
    /// Who connected: the caller, or a proxy before us.
    pub(crate) peer: IpAddr,
}

/// One request on its way through: what is known of it once its head is taken.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub(crate) client: &'a Client,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) ways: &'a Ways,
    pub(crate) caller: &'a Caller,
}

/// An answer, or why the request got none of anybody else's.
pub(crate) type Reply = Result<Response<Download>, Box<Refused>>;

/// An answer of ours as a response. To HEAD it has the same fields and no content (RFC 9110 §9.3.2).
pub(crate) fn dress(answer: Answer, bodiless: bool, watch: &Rc<Watch>) -> Response<Download> {
    let (mut parts, mut body) = answer.into_parts();
    if bodiless {
        if !body.is_empty() {
            parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(body.len()));
        }
        body = Bytes::new();
    }
    Response::from_parts(parts, Download::own(body, watch))
}
