//! The control plane over HTTP: health and readiness on the admin port, commands on the data directory's socket.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::command::{Command, Reply, run};
use crate::metrics::{self, Metrics};
use crate::own::ready;
use crate::service::Service;

/// What the admin port serves beside the console.
pub fn admin_routes(service: Arc<Service>, metrics: Metrics) -> Router {
    let metrics = Arc::new(metrics);
    let scrape = move || {
        let metrics = Arc::clone(&metrics);
        async move { told(&metrics) }
    };
    let router = Router::new().route("/health", get(health)).route("/ready", get(readiness));
    router.route("/metrics", get(scrape)).fallback(nothing).with_state(service)
}

fn told(metrics: &Metrics) -> Response {
    match metrics.text() {
        Some(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What the socket serves. Whoever can open it may use the data directory, and so is an operator.
pub fn socket_routes(service: Arc<Service>) -> Router {
    Router::new().route("/command", post(command)).fallback(nothing).with_state(service)
}

async fn health() -> Json<serde_json::Value> {
    Json(serde_json::json!({"status": "ok"}))
}

async fn readiness(State(service): State<Arc<Service>>) -> Response {
    let (parts, body) = ready(&service).await.into_parts();
    Response::from_parts(parts, axum::body::Body::from(body))
}

async fn command(State(service): State<Arc<Service>>, Json(command): Json<Command>) -> Json<Reply> {
    // On its own task: a command that was begun is finished, even when whoever asked hangs up.
    let task = tokio::spawn(async move { run(&service, command).await });
    Json(task.await.unwrap_or_else(|_| Reply::Failed {
        failure: crate::failure::Failure {
            kind: crate::failure::Kind::Unavailable,
            message: "the command was cut off; look at the state before you repeat it".to_owned(),
        },
    }))
}

async fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "404: nothing of Keyward's is here in this version\n").into_response()
}
