//! The modern era, 2026-07-28: every request stands alone. Session headers are ignored and never given out.

use axum::response::Response;
use guard::Permit;
use http::{HeaderMap, StatusCode};
use mcp::{Era, Params, ProtocolVersion, Request, headers as mirror};

use super::{Endpoint, Refusal, accepted, call_tool, refuse_cursor, success};

/// Answers one request.
///
/// The order of the checks is the order in which a client can mend them: `_meta` first, then the header that repeats
/// its version, then whether that version is served, then the headers that repeat the rest.
pub(super) async fn answer(
    endpoint: &Endpoint,
    permit: Permit,
    headers: &HeaderMap,
    request: &Request<'_>,
    params: &Params<'_>,
) -> Result<Response, Refusal> {
    let version = version_of(headers, params)?;
    mirror::check(headers, &request.method, params)?;
    match &*request.method {
        "server/discover" => Ok(success(&request.id, &endpoint.server.discovery)),
        "tools/list" => {
            refuse_cursor(params)?;
            Ok(success(&request.id, &endpoint.tools(&permit, Era::Modern)))
        }
        "tools/call" => {
            let result = call_tool(endpoint, permit, version, params).await?;
            Ok(success(&request.id, &result))
        }
        unknown => Err(Refusal::method_not_found(StatusCode::NOT_FOUND, unknown)),
    }
}

/// Takes a notification. The revision defines none from client to server, and no headers for them but the version.
pub(super) fn accept(headers: &HeaderMap, params: &Params<'_>) -> Result<Response, Refusal> {
    if params.meta().protocol_version.is_some() {
        version_of(headers, params)?;
    }
    Ok(accepted())
}

/// The version of a request, which body and header agree about and which is served.
pub(crate) fn version_of(headers: &HeaderMap, params: &Params<'_>) -> Result<ProtocolVersion, Refusal> {
    let named =
        params.meta().required_version().map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
    mirror::check_version(headers, named)?;
    ProtocolVersion::parse(named)
        .filter(|version| version.era() == Era::Modern)
        .ok_or_else(|| Refusal::unsupported_version(named))
}
