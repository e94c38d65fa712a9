//! Paths at which no server is. They are 404 and never another server's, and say what to do about it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::StatusCode;
use mcp::{ErrorCode, ErrorObject};

use crate::endpoint::{Refusal, json};
use crate::settings::Front;

/// Every path below which servers are, except those of the servers that there are. `prefix` is the path of the public
/// URL.
pub(crate) fn router(prefix: &str, front: &Arc<Front>) -> Router {
    let prefix = prefix.trim_end_matches('/');
    ["/mcp", "/mcp/", "/mcp/{*rest}", "/accounts/{*rest}"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route(&format!("{prefix}{path}"), any(answer)))
        .with_state(front.clone())
}

/// Whoever asks is told before they are asked for a token: there is nothing that one could be for.
async fn answer(State(front): State<Arc<Front>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match front.admission.admit(&parts) {
        Ok(admitted) => {
            let response = admitted.preflight(&parts).unwrap_or_else(|| not_found(parts.uri.path()));
            admitted.grant(response)
        }
        Err(error) => Refusal::NotAdmitted(error).into_response(),
    }
}

fn not_found(path: &str) -> Response {
    // A stranger's long path is not worth repeating.
    let named = if path.len() <= 128 { path } else { "this path" };
    let message = format!(
        "there is no MCP server at {named}: it was removed, is not configured, or its name is misspelled; the front page of this installation lists the servers that there are"
    );
    json(StatusCode::NOT_FOUND, mcp::failure(None, &ErrorObject::new(ErrorCode::INVALID_REQUEST, message)))
}
