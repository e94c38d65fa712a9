//! The demo's resource API: the same items as plain HTTP, under the same token, scopes and policy as the tools.
//!
//! | route | tool |
//! |---|---|
//! | `GET /api/user/profile` | `get_user_profile` |
//! | `GET /api/data` | `get_data` |
//! | `POST /api/data` | `create_data` |
//! | `PUT /api/data/{id}` | `update_data` |
//! | `DELETE /api/data/{id}` | `delete_data` |

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use guard::Permit;
use http::header::{ALLOW, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use serde_json::value::RawValue;

use super::arguments::{Arguments, InvalidArguments, Operation, item_id};
use super::tools::DemoTool;
use super::{DemoServer, Reply};
use crate::body;
use crate::endpoint::{CallRefusal, Endpoint, Refusal, admitted};
use crate::gate::Refused;
use crate::policy::{self, Target};
use crate::upstream::Upstream;

const DATA: &str = "/api/data";

/// The routes, guarded like the endpoint that they are handed.
pub(crate) fn router(endpoint: Arc<Endpoint>) -> Router {
    Router::new()
        .route("/api/user/profile", any(handle))
        .route(DATA, any(handle))
        .route("/api/data/{id}", any(handle))
        .with_state(endpoint)
}

async fn handle(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    admitted(&endpoint.front, &endpoint.guard, request, async |permit, parts, body| {
        Ok(answer(&endpoint, permit, &parts, body).await)
    })
    .await
}

/// A route and method that exist.
struct Call<'p> {
    tool: DemoTool,
    unverified_id: Option<&'p str>,
}

async fn answer(endpoint: &Endpoint, permit: Permit, parts: &Parts, body: Body) -> Response {
    let call = match route(parts) {
        Ok(call) => call,
        Err(allowed) => return method_not_allowed(allowed),
    };
    if let Some(refusal) = refused(endpoint, &permit, call.tool) {
        return refusal;
    }
    let Upstream::Demo(demo) = &endpoint.server.upstream;
    if matches!(call.tool, DemoTool::Create | DemoTool::Update) {
        match body::read_json(&parts.headers, body, endpoint.front.body).await {
            Ok(bytes) => perform(demo, permit, &call, &bytes).await,
            Err(error) => Refusal::Body(error).into_response(),
        }
    } else {
        perform(demo, permit, &call, b"{}").await
    }
}

/// What the tool of the route would be refused with. The arguments are in path and body, where rules do not look; a rule
/// on arguments denies.
fn refused(endpoint: &Endpoint, permit: &Permit, tool: DemoTool) -> Option<Response> {
    let annotations = Some(endpoint.server.annotations(tool.name()));
    let target = Target::Tool { name: tool.name(), annotations };
    match endpoint.gate.pass(permit, target, policy::Arguments::Known(None)).err()? {
        Refused::Unknown => Some(Reply::not_found().into_response()),
        Refused::Challenge(challenge) => Some(challenge.into_response()),
        Refused::Denied(told) => Some(Reply::error(StatusCode::FORBIDDEN, &told).into_response()),
        refused @ Refused::TooMany(_) => Some(Refusal::from(CallRefusal::from(refused)).into_response()),
    }
}

fn route(parts: &Parts) -> Result<Call<'_>, &'static str> {
    let path = parts.uri.path();
    let id = path.strip_prefix(DATA).and_then(|rest| rest.strip_prefix('/'));
    let (tool, allowed) = match (id, path == DATA, &parts.method) {
        (None, true, &Method::GET | &Method::HEAD) => (Some(DemoTool::List), ""),
        (None, true, &Method::POST) => (Some(DemoTool::Create), ""),
        (None, true, _) => (None, "GET, HEAD, POST"),
        (None, false, &Method::GET | &Method::HEAD) => (Some(DemoTool::Profile), ""),
        (None, false, _) => (None, "GET, HEAD"),
        (Some(_), _, &Method::PUT) => (Some(DemoTool::Update), ""),
        (Some(_), _, &Method::DELETE) => (Some(DemoTool::Delete), ""),
        (Some(_), _, _) => (None, "PUT, DELETE"),
    };
    tool.map(|tool| Call { tool, unverified_id: id }).ok_or(allowed)
}

async fn perform(demo: &DemoServer, permit: Permit, call: &Call<'_>, body: &[u8]) -> Response {
    let operation = match operation(call, body) {
        Ok(Some(operation)) => operation,
        Ok(None) => return Reply::not_found().into_response(),
        Err(error) => return invalid_request(&error),
    };
    match demo.perform(permit, operation).await {
        Ok(reply) => reply.into_response(),
        Err(error) => {
            let mut response =
                Reply::error(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()).into_response();
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
            response
        }
    }
}

/// What the request asks for; `None` when its path names no item that could exist.
fn operation<'a>(call: &Call<'_>, body: &'a [u8]) -> Result<Option<Operation<'a>>, InvalidArguments> {
    let text = mcp::json::check(body)?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| InvalidArguments::NotAnObject)?;
    let Some(unverified_id) = call.unverified_id else { return call.tool.operation(Some(raw)).map(Some) };
    let Some(id) = item_id(unverified_id) else { return Ok(None) };
    Ok(Some(match call.tool {
        DemoTool::Delete => Operation::Delete(id),
        _ => Operation::Update(id, Arguments::read(Some(raw), &["name", "value"])?.new_item()?),
    }))
}

fn invalid_request(error: &InvalidArguments) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": error.to_string() });
    Reply::new(StatusCode::BAD_REQUEST, &body).into_response()
}

fn method_not_allowed(allowed: &'static str) -> Response {
    let mut response = Reply::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
