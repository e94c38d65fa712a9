//! The bare bodies of early MCP-over-HTTP demos: the path names the method, the body is the parameters, the answer is
//! the result, with no JSON-RPC around either. A body that has a `jsonrpc` member is answered as JSON-RPC.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use guard::Permit;
use http::request::Parts;
use http::{Method, StatusCode};
use mcp::{Era, InitializeParams, InvalidParams, Params, ProtocolVersion};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Reply;
use crate::body;
use crate::endpoint::{CallRefusal, Endpoint, Refusal, admitted, call_tool, message};

/// The methods that have a path of their own below `base`.
pub(crate) fn router(base: &str, endpoint: Arc<Endpoint>) -> Router {
    ["initialize", "tools/list", "tools/call"]
        .into_iter()
        .fold(Router::new(), |router, method| router.route(&format!("{base}/{method}"), any(handle)))
        .with_state(endpoint)
}

async fn handle(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    admitted(&endpoint.front, &endpoint.guard, request, async |permit, parts, body| match parts.method {
        Method::POST => post(&endpoint, permit, &parts, body).await,
        _ => Err(Refusal::Method("POST")),
    })
    .await
}

async fn post(endpoint: &Endpoint, permit: Permit, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    // No media type is asked for: `tools/list` is called with no body at all.
    let body = body::read(&parts.headers, body, endpoint.front.body).await?;
    let text =
        if body.is_empty() { "{}" } else { mcp::json::check(&body).map_err(mcp::InvalidMessage::from)? };
    let raw: &RawValue =
        serde_json::from_str(text.trim_ascii()).map_err(|_| mcp::InvalidMessage::NotAnObject)?;
    let params = match Params::read(Some(raw)) {
        Ok(params) => params,
        Err(error) => return Ok(bad_request(&error)),
    };
    if params.get("jsonrpc").is_none() {
        return Ok(bare(endpoint, permit, parts.uri.path(), &params).await);
    }
    message(endpoint, permit, parts, &body).await
}

async fn bare(endpoint: &Endpoint, permit: Permit, path: &str, params: &Params<'_>) -> Response {
    if path.ends_with("/tools/list") {
        return result(&endpoint.tools(&permit, Era::Legacy));
    }
    if path.ends_with("/initialize") {
        return match InitializeParams::read(params) {
            Ok(asked) => result(
                &endpoint.server.initialize_result(ProtocolVersion::negotiate(&asked.protocol_version)),
            ),
            Err(error) => bad_request(&error),
        };
    }
    match call_tool(endpoint, permit, ProtocolVersion::V2024_11_05, params).await {
        Ok(answered) => result(&answered),
        Err(CallRefusal::Params(error)) => bad_request(&error),
        Err(CallRefusal::UnknownTool) => error(StatusCode::NOT_FOUND, "unknown tool"),
        Err(CallRefusal::Challenge(challenge)) => challenge.into_response(),
        Err(CallRefusal::Denied(told)) => error(StatusCode::FORBIDDEN, &told),
        Err(refusal @ CallRefusal::TooMany(_)) => Refusal::from(refusal).into_response(),
        Err(CallRefusal::NotRecorded(reason)) => error(StatusCode::SERVICE_UNAVAILABLE, &reason.to_string()),
        Err(CallRefusal::Unavailable(reason)) => error(StatusCode::SERVICE_UNAVAILABLE, &reason.to_string()),
    }
}

fn result<R: Serialize>(result: &R) -> Response {
    Reply::new(StatusCode::OK, result).into_response()
}

fn bad_request(reason: &InvalidParams) -> Response {
    error(StatusCode::BAD_REQUEST, &reason.to_string())
}

fn error(status: StatusCode, message: &str) -> Response {
    Reply::error(status, message).into_response()
}
