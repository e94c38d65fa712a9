//! `GET /metrics`, on a listener of its own.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::get,
};
use guard::admission::Admission;
use http::{StatusCode, Uri, header};

use super::Metrics;

const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The route. Where `address` is a loopback one, so must be the host that a request names: a web page that lets its own
/// name resolve to this computer reads nothing here.
pub(super) fn router(metrics: Metrics, address: SocketAddr) -> Router {
    let router = Router::new().route("/metrics", get(tell)).with_state(metrics);
    if !address.ip().is_loopback() {
        return router;
    }
    let own: Uri = format!("http://{address}").parse().unwrap_or_default();
    let admission = Arc::new(Admission::new(&own, &[], &[]));
    router.layer(middleware::from_fn_with_state(admission, admit))
}

async fn tell(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, FORMAT)], metrics.text()).into_response()
}

async fn admit(State(admission): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match admission.admit(&parts) {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(reason) => (StatusCode::FORBIDDEN, reason.to_string()).into_response(),
    }
}
