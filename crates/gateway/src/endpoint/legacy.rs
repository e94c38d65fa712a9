//! The legacy era, 2024-11-05 to 2025-11-25: `initialize` opens a session, every later request carries it.

use axum::response::{IntoResponse, Response};
use guard::Permit;
use http::{HeaderMap, StatusCode};
use mcp::headers::{PROTOCOL_VERSION, SESSION_ID};
use mcp::{Era, InitializeParams, Params, ProtocolVersion, Request};
use serde_json::{Map, Value};

use super::{Endpoint, Refusal, SessionRule, accepted, call_tool, principal, refuse_cursor, success};
use crate::session::Session;

/// Answers one request.
pub(super) async fn answer(
    endpoint: &Endpoint,
    permit: Permit,
    headers: &HeaderMap,
    request: &Request<'_>,
    params: &Params<'_>,
) -> Result<Response, Refusal> {
    if request.method == "initialize" {
        return initialize(endpoint, &permit, request, params);
    }
    let version = version_of(endpoint, &permit, headers)?;
    match &*request.method {
        "ping" => Ok(success(&request.id, &Map::<String, Value>::new())),
        "tools/list" => {
            refuse_cursor(params)?;
            Ok(success(&request.id, &endpoint.tools(&permit, Era::Legacy)))
        }
        "tools/call" => {
            let result = call_tool(endpoint, permit, version, params).await?;
            Ok(success(&request.id, &result))
        }
        unknown => Err(Refusal::method_not_found(StatusCode::OK, unknown)),
    }
}

/// Takes a notification or a response, which need no answer.
pub(super) fn accept(endpoint: &Endpoint, permit: &Permit, headers: &HeaderMap) -> Result<Response, Refusal> {
    version_of(endpoint, permit, headers)?;
    Ok(accepted())
}

/// `DELETE`: "Clients that no longer need a particular session SHOULD send an HTTP DELETE" (2025-11-25, Session
/// Management).
pub(super) fn end_session(
    endpoint: &Endpoint,
    permit: &Permit,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let session = session_of(endpoint, permit, headers)?.ok_or(Refusal::SessionMissing)?;
    endpoint.server.sessions.end(&session);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn initialize(
    endpoint: &Endpoint,
    permit: &Permit,
    request: &Request<'_>,
    params: &Params<'_>,
) -> Result<Response, Refusal> {
    let asked = InitializeParams::read(params).map_err(|error| Refusal::params(StatusCode::OK, &error))?;
    let version = ProtocolVersion::negotiate(&asked.protocol_version);
    let now = endpoint.front.clock.now();
    let session = endpoint.server.sessions.open(version, principal(permit), now, &*endpoint.front.random);
    let mut response = success(&request.id, &endpoint.server.initialize_result(version));
    response.headers_mut().insert(SESSION_ID, session);
    Ok(response)
}

/// The revision that a request is read by: its session's, once the header was found to name one that is supported.
/// The header itself may be absent (2024-11-05, 2025-03-26) or name another supported revision, which clients do.
fn version_of(endpoint: &Endpoint, permit: &Permit, headers: &HeaderMap) -> Result<ProtocolVersion, Refusal> {
    check_version(headers)?;
    match (session_of(endpoint, permit, headers)?, endpoint.session_rule) {
        (Some(session), _) => Ok(session.version),
        (None, SessionRule::Optional) => Ok(ProtocolVersion::V2024_11_05),
        (None, SessionRule::Required) => Err(Refusal::SessionMissing),
    }
}

/// The version that the header names must be one that is served; which one it is, the session says.
pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(header) = headers.get(PROTOCOL_VERSION) else { return Ok(()) };
    let named = header.to_str().unwrap_or_default();
    ProtocolVersion::parse(named).map(drop).ok_or_else(|| Refusal::unsupported_version(named))
}

fn session_of(endpoint: &Endpoint, permit: &Permit, headers: &HeaderMap) -> Result<Option<Session>, Refusal> {
    let mut ids = headers.get_all(SESSION_ID).iter();
    let Some(id) = ids.next() else { return Ok(None) };
    let now = endpoint.front.clock.now();
    let session = endpoint.server.sessions.read(id.as_bytes(), principal(permit), now);
    match (session, ids.next()) {
        (Some(session), None) => Ok(Some(session)),
        _ => Err(Refusal::SessionUnknown),
    }
}
