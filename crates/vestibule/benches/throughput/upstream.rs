//! A tiny MCP server: what the gateway stands in front of while it is measured.

use std::convert::Infallible;

use axum::{
    Router,
    body::{Body, Bytes},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures_util::StreamExt as _;
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::limits;

/// The path of its endpoint.
pub(crate) const PATH: &str = "/mcp";
/// A resource of a REST API beside it.
pub(crate) const GREETINGS: &str = "/greetings/world";
/// Its one tool.
pub(crate) const TOOL: &str = "greet";

const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":60000,"cacheScope":"public"}"#;
const LISTED: &str = r#"{"resultType":"complete","tools":[{"name":"greet","inputSchema":{"type":"object"}}],"ttlMs":60000,"cacheScope":"public"}"#;
const CALLED: &str = r#"{"resultType":"complete","content":[{"type":"text","text":"hello, world"}]}"#;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    method: &'a str,
}

/// Serves until the process is killed.
pub(crate) async fn serve() {
    limits::listen(Router::new().route(PATH, post(answer)).route(GREETINGS, get(greet))).await;
}

async fn greet() -> Response {
    let json = r#"{"greeting":"hello, world"}"#;
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

async fn answer(body: Bytes) -> Response {
    let Ok(Message { id, method }) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let result = match method {
        "server/discover" => DISCOVERED,
        "tools/list" => LISTED,
        "tools/call" => CALLED,
        "subscriptions/listen" => return silence(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let json = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

/// A stream of events on which nothing happens.
fn silence() -> Response {
    let first =
        futures_util::stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b": nothing yet\n\n")) });
    let nothing = futures_util::stream::pending();
    let body = Body::from_stream(first.chain(nothing));
    ([(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))], body).into_response()
}
