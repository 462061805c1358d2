//! The pages of the console and of the customer portal, inside the binary: what npm built, and how it is served.
//!
//! The server knows of files only. Where one is in the console stands behind `#`, which no browser sends.

mod serve;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{Redirect, Response};
use axum::routing::get;
use http::HeaderMap;

pub use serve::{POLICY, answer};

/// One file of a build.
pub struct File {
    /// Its path within the build, such as `assets/index-B8Tnw3MC.js`.
    pub path: &'static str,
    /// Its entity tag, in quotes.
    pub tag: &'static str,
    /// What is in it.
    pub body: &'static [u8],
    /// The same packed with gzip, where that is worth it.
    pub gzip: Option<&'static [u8]>,
}

mod built {
    use crate::File;
    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}
pub use built::{CONSOLE, PORTAL};

/// Where the console stands on the admin port.
const PLACE: &str = "/console/";

/// The console on the admin port: its files below `/console/`, and the way there from `/`.
pub fn routes() -> Router {
    let there = || async { Redirect::temporary(PLACE) };
    Router::new()
        .route("/", get(there))
        .route("/console", get(there))
        .route(PLACE, get(page))
        .route("/console/{*path}", get(file))
}

async fn page(asked: HeaderMap) -> Response {
    answer(CONSOLE, "", &asked).map(Body::from)
}

async fn file(Path(path): Path<String>, asked: HeaderMap) -> Response {
    answer(CONSOLE, &path, &asked).map(Body::from)
}
