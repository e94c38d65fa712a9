//! A tiny MCP server: what the gateway stands in front of while it is measured.
//!
//! It runs inside of the load, whose core never sleeps: waking another process for every request would cost the one
//! that is measured more than the request itself.

use std::{convert::Infallible, net::SocketAddr};

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
use tokio::{net::TcpListener, task::JoinHandle};

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

/// The running server; it ends with the value.
pub(crate) struct Upstream {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Upstream {
    /// Starts it on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        Self { address, serving: tokio::spawn(limits::serve_on(listener, router())) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What it answers.
pub(crate) fn router() -> Router {
    Router::new().route(PATH, post(answer)).route(GREETINGS, get(greet))
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
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
