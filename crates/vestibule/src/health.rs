//! Whether the server lives (`GET /health`) and whether it can work (`GET /ready`).

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use serde_json::json;
use store::{Store, StoreError};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(2);

/// Both endpoints; they answer anybody and tell nothing of the installation.
pub(crate) fn router(store: Store) -> Router {
    Router::new().route("/health", get(health)).route("/ready", get(ready)).with_state(store)
}

/// Touches nothing: a process with a lost database is alive, and restarting it would not help.
async fn health() -> Response {
    answer(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Whoever asks has a deadline of their own, so a database that hangs counts as lost.
async fn ready(State(store): State<Store>) -> Response {
    let reason = match timeout(PATIENCE, store.ready()).await {
        Ok(Ok(())) => return answer(StatusCode::OK, &json!({ "status": "ready" })),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            reason(&error)
        }
        Err(_) => "the database does not answer",
    };
    answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not ready", "reason": reason }))
}

fn reason(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotMigrated { .. } | StoreError::NewerSchema { .. } => {
            "the database has another schema than this version needs"
        }
        _ => "the database cannot be reached",
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use store::Location;
    use tower::ServiceExt as _;

    use super::*;

    async fn status(router: Router, path: &str) -> StatusCode {
        router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap().status()
    }

    #[tokio::test]
    async fn ready_needs_a_migrated_database_and_health_needs_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let location = format!("sqlite:{}", directory.path().join("v.sqlite3").display());
        let store = Store::open(Location::parse(&location).unwrap()).unwrap();
        let router = router(store.clone());
        assert_eq!(status(router.clone(), "/health").await, StatusCode::OK);
        assert_eq!(status(router.clone(), "/ready").await, StatusCode::SERVICE_UNAVAILABLE);
        store.migrate().await.unwrap();
        assert_eq!(status(router, "/ready").await, StatusCode::OK);
    }
}
