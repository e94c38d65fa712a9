//! HTTP with SSE, the transport of 2024-11-05, in front of any MCP endpoint, for clients that know no other.
//!
//! 1. `GET …/sse` opens a stream. Its first event, `endpoint`, names the URL for messages, which has a session id in it
//!    (`registry` holds the streams, `stream` is what the client reads, `outbox` what it has not read yet).
//! 2. `POST …/message?sessionId=…` brings one message. It goes on as a request of Streamable HTTP to the endpoint beside
//!    ([`Serve`]), with its own token's permit (`message`). There the policy decides and the audit log is kept: here
//!    nothing is decided.
//! 3. The answer to the `POST` is 202, and what comes of the message is an event on the stream (`answer`).
//! 4. The session that `initialize` opens at the endpoint is kept here, since the transport has no header for it, and so
//!    are what the server says of its own accord and the end of the session (`session`, `listening`, `implied`).
//! 5. A stream lives for as long as the newest token that its session was shown.
//!
//! See `docs/decisions/0017-http-with-sse.md`.

mod answer;
mod implied;
mod listening;
mod message;
mod outbox;
mod registry;
mod session;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use guard::{Guard, Permit};
use http::Method;
use http::request::Parts;
use mcp::headers::SESSION_ID;

use crate::endpoint::{Refusal, admitted, principal};
use crate::relay::event_stream;
use crate::settings::Front;
pub use registry::EventStreams;
use registry::Session;

/// An MCP endpoint over Streamable HTTP, behind admission and guard.
pub(crate) trait Serve: Send + Sync {
    /// What it shares with all others.
    fn front(&self) -> &Front;
    /// Its guard.
    fn guard(&self) -> &Guard;
    /// Answers any request.
    fn serve(&self, permit: Permit, parts: Parts, body: Body) -> BoxFuture<'_, Result<Response, Refusal>>;
}

/// The transport in front of one endpoint.
#[derive(Clone)]
struct Transport {
    /// Where the endpoint is.
    path: Arc<str>,
    endpoint: Arc<dyn Serve>,
    streams: EventStreams,
}

/// The two routes of the transport below `path`, which is that of `endpoint`.
pub(crate) fn router(path: &str, endpoint: Arc<dyn Serve>, streams: &EventStreams) -> Router {
    let transport = Transport { path: path.into(), endpoint, streams: streams.clone() };
    Router::new()
        .route(&format!("{path}/sse"), any(listen))
        .route(&format!("{path}/message"), any(take))
        .with_state(transport)
}

/// `…/sse`. Whoever posts here, or has a session of Streamable HTTP, knows that transport: it is served at the same URL
/// ("the server can also combine the old POST endpoint and the new MCP endpoint", 2025-11-25, Backwards Compatibility).
async fn listen(State(transport): State<Transport>, request: Request) -> Response {
    let endpoint = &*transport.endpoint;
    admitted(endpoint.front(), endpoint.guard(), request, async |permit, parts, body| {
        if parts.method == Method::GET && !parts.headers.contains_key(SESSION_ID) {
            open(&transport, permit)
        } else {
            endpoint.serve(permit, parts, body).await
        }
    })
    .await
}

/// `…/message`
async fn take(State(transport): State<Transport>, request: Request) -> Response {
    let endpoint = &*transport.endpoint;
    admitted(endpoint.front(), endpoint.guard(), request, async |permit, parts, body| match parts.method {
        Method::POST => message::take(&transport, permit, &parts, body).await,
        _ => Err(Refusal::Method("POST")),
    })
    .await
}

fn open(transport: &Transport, permit: Permit) -> Result<Response, Refusal> {
    let mut random = [0; 32];
    transport.endpoint.front().random.fill(&mut random);
    let id = URL_SAFE_NO_PAD.encode(random);
    let owner = principal(&permit).digest();
    let (session, queue) = Session::new(&transport.path, permit);
    let place = transport.streams.add(owner, &id, &session)?;
    tokio::spawn(session.keep(transport.endpoint.clone()));
    // A path, which stays right behind every proxy that leaves paths alone, and which no client can take elsewhere.
    let endpoint = format!("event: endpoint\ndata: {}/message?sessionId={id}\n\n", transport.path);
    Ok(event_stream(stream::body(endpoint, queue, place)))
}
