//! The MCP endpoint: one URL, every method, both eras (Streamable HTTP).
//!
//! `POST` carries one message. `DELETE` ends a legacy session. There is nothing to stream, so `GET` is 405, as both eras
//! allow; but only after the token was asked for, so that a client that begins with `GET` learns where to get one.

mod call;
pub(crate) mod legacy;
pub(crate) mod modern;
mod refusal;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guard::{Guard, Permit};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use mcp::{Era, ErrorCode, ErrorObject, Message, Notification, Params, RequestId, ResultType};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::body;
use crate::gate::Gate;
use crate::http_sse::Serve;
use crate::policy::{Arguments, Question, Requester, ServerPolicy, Target};
use crate::server::McpServer;
use crate::session::Principal;
use crate::settings::Front;
use crate::signed;

pub(crate) use call::{CallRefusal, call_tool};
pub(crate) use refusal::{Refusal, why_no_credential};

/// Whether legacy requests must carry the session that `initialize` opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionRule {
    /// Without one: 400.
    Required,
    /// Without one the request is read as 2024-11-05.
    Optional,
}

/// One server at one URL, with the guard of that URL.
pub(crate) struct Endpoint {
    pub(crate) front: Arc<Front>,
    pub(crate) guard: Guard,
    pub(crate) server: Arc<McpServer>,
    pub(crate) gate: Gate,
    session_rule: SessionRule,
}

impl Endpoint {
    pub(crate) fn new(
        front: &Arc<Front>,
        guard: &Guard,
        server: &Arc<McpServer>,
        policy: &Arc<ServerPolicy>,
        session_rule: SessionRule,
    ) -> Self {
        let gate = Gate { front: front.clone(), guard: guard.clone(), policy: policy.clone() };
        Self { front: front.clone(), guard: guard.clone(), server: server.clone(), gate, session_rule }
    }

    /// The list of tools as the permit's holder may see it.
    pub(crate) fn tools(&self, permit: &Permit, era: Era) -> Cow<'_, RawValue> {
        let policy = &self.gate.policy;
        if policy.is_the_same_for_all() {
            return Cow::Borrowed(match era {
                Era::Legacy => &self.server.legacy_tools,
                Era::Modern => &self.server.modern_tools,
            });
        }
        let (requester, now) = (Requester::from(permit), self.front.clock.now());
        let lists = |name: &str, annotations| {
            let target = Target::Tool { name, annotations: Some(annotations) };
            policy.lists(&Question { requester: &requester, target, arguments: Arguments::Unknown, now })
        };
        Cow::Owned(self.server.tools_that(lists, (era == Era::Modern).then_some(ResultType::Complete)))
    }
}

/// Answers any request to the endpoint.
pub(crate) async fn handle(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    admitted(&endpoint.front, &endpoint.guard, request, async |permit, parts, body| {
        serve(&endpoint, permit, parts, body).await
    })
    .await
}

async fn serve(endpoint: &Endpoint, permit: Permit, parts: Parts, body: Body) -> Result<Response, Refusal> {
    match parts.method {
        Method::POST => post(endpoint, permit, &parts, body).await,
        Method::DELETE => legacy::end_session(endpoint, &permit, &parts.headers),
        _ => Err(Refusal::Method("POST, DELETE")),
    }
}

impl Serve for Endpoint {
    fn front(&self) -> &Front {
        &self.front
    }

    fn guard(&self) -> &Guard {
        &self.guard
    }

    fn serve(&self, permit: Permit, parts: Parts, body: Body) -> BoxFuture<'_, Result<Response, Refusal>> {
        serve(self, permit, parts, body).boxed()
    }
}

/// The way in that all routes share: host and origin, preflight, token or signature; then `next`.
pub(crate) async fn admitted<F>(front: &Front, guard: &Guard, request: Request, next: F) -> Response
where
    F: AsyncFnOnce(Permit, Parts, Body) -> Result<Response, Refusal>,
{
    let (parts, body) = request.into_parts();
    let admitted = match front.admission.admit(&parts) {
        Ok(admitted) => admitted,
        Err(error) => return Refusal::NotAdmitted(error).into_response(),
    };
    let response = if let Some(preflight) = admitted.preflight(&parts) {
        preflight
    } else {
        match signed::admit(front, guard, &parts, body).await {
            Ok((permit, body)) => next(permit, parts, body).await.unwrap_or_else(IntoResponse::into_response),
            Err(refusal) => refusal.into_response(),
        }
    };
    admitted.grant(response)
}

async fn post(endpoint: &Endpoint, permit: Permit, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let body = body::read_json(&parts.headers, body, endpoint.front.body).await?;
    message(endpoint, permit, parts, &body).await
}

/// Answers a body that is one JSON-RPC message.
pub(crate) async fn message(
    endpoint: &Endpoint,
    permit: Permit,
    parts: &Parts,
    body: &[u8],
) -> Result<Response, Refusal> {
    match Message::parse(body)? {
        Message::Request(request) => answer(endpoint, permit, parts, &request).await,
        Message::Notification(notification) => accept(endpoint, &permit, parts, &notification),
        // Nothing is ever asked of a client here, so an answer answers nothing; the legacy era still takes it.
        Message::Response(_) => match Era::of_header(&parts.headers) {
            Era::Legacy => legacy::accept(endpoint, &permit, &parts.headers),
            Era::Modern => Err(Refusal::UnexpectedResponse),
        },
    }
}

async fn answer(
    endpoint: &Endpoint,
    permit: Permit,
    parts: &Parts,
    request: &mcp::Request<'_>,
) -> Result<Response, Refusal> {
    if request.method != "tools/call" {
        endpoint.gate.count(&permit).await.map_err(|refusal| Refusal::from(refusal).to(&request.id))?;
    }
    let outcome = match Params::read(request.params) {
        Err(error) => Err(Refusal::params(StatusCode::BAD_REQUEST, &error)),
        Ok(params) => match Era::of(&request.method, &params, &parts.headers) {
            Era::Legacy => legacy::answer(endpoint, permit, &parts.headers, request, &params).await,
            Era::Modern => modern::answer(endpoint, permit, &parts.headers, request, &params).await,
        },
    };
    outcome.map_err(|refusal| refusal.to(&request.id))
}

fn accept(
    endpoint: &Endpoint,
    permit: &Permit,
    parts: &Parts,
    notification: &Notification<'_>,
) -> Result<Response, Refusal> {
    let params = Params::read(notification.params)
        .map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
    match Era::of(&notification.method, &params, &parts.headers) {
        Era::Legacy => legacy::accept(endpoint, permit, &parts.headers),
        Era::Modern => modern::accept(&parts.headers, &params),
    }
}

/// There is one page of tools, so every cursor is one that we never gave out.
fn refuse_cursor(params: &Params<'_>) -> Result<(), Refusal> {
    if params.get("cursor").is_none() {
        return Ok(());
    }
    let error =
        ErrorObject::new(ErrorCode::INVALID_PARAMS, "invalid params: \"cursor\" is not one of this list");
    Err(Refusal::Request(StatusCode::OK, None, error))
}

/// A result as a JSON response.
pub(crate) fn success<R: Serialize>(id: &RequestId<'_>, result: &R) -> Response {
    json(StatusCode::OK, mcp::success(id, result))
}

pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn accepted() -> Response {
    StatusCode::ACCEPTED.into_response()
}

pub(crate) fn principal(permit: &Permit) -> Principal<'_> {
    Principal {
        issuer: permit.issuer().as_str(),
        subject: permit.subject(),
        client_id: permit.client_id().as_str(),
    }
}
