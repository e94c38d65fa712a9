//! `initialize`: a legacy client opens its session.

use std::borrow::Cow;

use axum::response::Response;
use bytes::Bytes;
use guard::Permit;
use http::{HeaderMap, HeaderValue, StatusCode};
use mcp::headers::SESSION_ID;
use mcp::{DiscoverResult, Era, ErrorCode, ErrorObject, InitializeParams, InitializeResult, ProtocolVersion};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::super::{Asked, RelayEndpoint};
use crate::endpoint::{Refusal, principal, success};
use crate::review::Reviewed;
use crate::session::sealed::{self, ClientDescription, SealedSession, UpstreamSession};
use crate::upstream::remote::envelope::{Outcome, first_response};
use crate::upstream::remote::{Caller, Description, UpstreamError, implementation};

/// Opens a session with the server behind, or, if that knows none, one that is ours alone.
pub(super) async fn initialize(
    endpoint: &RelayEndpoint,
    caller: &Caller,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let params =
        InitializeParams::read(asked.params).map_err(|error| Refusal::params(StatusCode::OK, &error))?;
    let capabilities = capabilities(caller, asked)?;
    let now = endpoint.front.clock.now();
    let body = capabilities
        .as_deref()
        .map_or_else(|| asked.body.clone(), |capabilities| asked.with_param("capabilities", capabilities));
    let opened = match caller.description().await? {
        Description::Legacy => Ok(open(caller, asked, body).await?),
        Description::Modern(described) => open_beside(caller, asked, body).await.ok_or(described),
    };
    let (session, mut response) = match opened {
        Ok(opened) => {
            let version = spoken(&params.protocol_version, opened.version);
            caller.remote().said().introduced(&opened.result);
            let result = reviewed(endpoint, opened.result)?;
            let result = in_version(result, version, opened.version)?;
            let session = SealedSession::new(version, UpstreamSession::Legacy(opened.session), now)
                .opened_with(caller.connection());
            (session.behind_which(opened.version), success(&asked.request.id, &result))
        }
        Err(described) => {
            let version = ProtocolVersion::negotiate(&params.protocol_version);
            let mut result = introduction(&described, version)?;
            result.instructions = endpoint.reviewer.instructions_text(result.instructions);
            let client = client_of(asked, capabilities.as_deref());
            let session = SealedSession::new(version, UpstreamSession::Modern(client), now);
            (session, success(&asked.request.id, &result))
        }
    };
    let session = session.of_client(follows_links(asked));
    response.headers_mut().insert(SESSION_ID, seal(endpoint, &session, caller.permit())?);
    Ok(response)
}

/// The id of a session.
pub(in super::super) fn seal(
    endpoint: &RelayEndpoint,
    session: &SealedSession,
    permit: &Permit,
) -> Result<HeaderValue, Refusal> {
    let id = endpoint.sessions.seal(session, principal(permit), &*endpoint.front.random);
    id.ok_or_else(too_long)
}

/// Whether the client can be sent to a URL by the gateway, whatever the server may ask.
pub(in super::super) fn follows_links(asked: &Asked<'_>) -> bool {
    let capabilities = asked.params.get("capabilities").map(|raw| serde_json::from_str(raw.get()));
    matches!(capabilities, Some(Ok(capabilities)) if sealed::follows_links(&capabilities))
}

/// The client's capabilities without what the server may not ask for; `None` when they may stay as they came.
fn capabilities(caller: &Caller, asked: &Asked<'_>) -> Result<Option<Box<RawValue>>, Refusal> {
    let Some(capabilities) = asked.params.get("capabilities") else { return Ok(None) };
    let filtered = caller.remote().allowed().filter(capabilities);
    filtered.map_err(|error| Refusal::params(StatusCode::OK, &error.into()))
}

/// A session that a legacy server opened.
struct Opened {
    session: Option<String>,
    version: ProtocolVersion,
    result: Box<RawValue>,
}

/// The client's own `initialize` at a legacy server.
async fn open(caller: &Caller, asked: &Asked<'_>, body: Bytes) -> Result<Opened, Refusal> {
    match introduce(caller, asked, body).await? {
        Ok(opened) => Ok(opened),
        Err(error) => {
            caller.note_error(Era::Legacy, StatusCode::OK, Some(&error)).await;
            Err(Refusal::Request(StatusCode::OK, None, error))
        }
    }
}

/// The same at a server that needs no opening and may know both eras: a client is best served in its own. Without a
/// session the server could ask it nothing, which it can in the other era.
async fn open_beside(caller: &Caller, asked: &Asked<'_>, body: Bytes) -> Option<Opened> {
    if !caller.remote().may_know_both_eras() {
        return None;
    }
    let opened = introduce(caller, asked, body).await.ok()?.ok()?;
    opened.session.is_some().then_some(opened)
}

/// What a server says to `initialize`.
async fn introduce(
    caller: &Caller,
    asked: &Asked<'_>,
    body: Bytes,
) -> Result<Result<Opened, ErrorObject>, UpstreamError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Agreed<'a> {
        #[serde(borrow)]
        protocol_version: Cow<'a, str>,
    }
    let (answered, answer) = caller.post(HeaderMap::new(), body).await?;
    let result = match first_response(caller.remote(), answer, &asked.request.id).await? {
        Outcome::Result(result) => result,
        Outcome::Error(error) => {
            return serde_json::from_str(error.get()).map(Err).map_err(|_| UpstreamError::Malformed);
        }
    };
    let agreed: Agreed<'_> = serde_json::from_str(result.get()).map_err(|_| UpstreamError::Malformed)?;
    let version = ProtocolVersion::parse(&agreed.protocol_version).ok_or(UpstreamError::Malformed)?;
    let session = answered.get(SESSION_ID).map(HeaderValue::to_str).transpose();
    let session = session.map_err(|_| UpstreamError::Malformed)?.map(str::to_owned);
    Ok(Ok(Opened { session, version, result }))
}

/// The revision that is spoken with the client. A server that answers with a newer one than the client asked for would
/// lose it; the revisions of the era differ in what may be there, so the client is answered in its own.
fn spoken(asked: &str, answered: ProtocolVersion) -> ProtocolVersion {
    ProtocolVersion::parse(asked).map_or(answered, |asked| asked.min(answered))
}

fn in_version(
    result: Box<RawValue>,
    version: ProtocolVersion,
    answered: ProtocolVersion,
) -> Result<Box<RawValue>, UpstreamError> {
    if version == answered {
        return Ok(result);
    }
    let mut members =
        mcp::json::Object::read(result.get(), &["protocolVersion"]).map_err(|_| UpstreamError::Malformed)?;
    let version = to_raw_value(&version).map_err(|_| UpstreamError::Malformed)?;
    members.set("protocolVersion", &version);
    to_raw_value(&members).map_err(|_| UpstreamError::Malformed)
}

/// The result with the instructions that may be passed on.
fn reviewed(endpoint: &RelayEndpoint, result: Box<RawValue>) -> Result<Box<RawValue>, UpstreamError> {
    let mut members =
        mcp::json::Object::read(result.get(), &["instructions"]).map_err(|_| UpstreamError::Malformed)?;
    let Some(instructions) = members.get("instructions") else { return Ok(result) };
    let changed = match endpoint.reviewer.instructions(instructions) {
        Reviewed::AsItCame => return Ok(result),
        Reviewed::Changed(changed) => changed,
        Reviewed::Withheld => {
            members.take("instructions");
            return to_raw_value(&members).map_err(|_| UpstreamError::Malformed);
        }
    };
    members.set("instructions", &changed);
    to_raw_value(&members).map_err(|_| UpstreamError::Malformed)
}

/// What the client says it is, without what the server may not ask of it.
fn client_of(asked: &Asked<'_>, filtered: Option<&RawValue>) -> ClientDescription {
    let read = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let capabilities = match read(filtered.or_else(|| asked.params.get("capabilities"))) {
        Some(Value::Object(capabilities)) => capabilities,
        _ => Map::new(),
    };
    ClientDescription { info: read(asked.params.get("clientInfo")), capabilities }
}

/// What a modern server said at `server/discover`, as a legacy one would say it.
fn introduction(described: &RawValue, version: ProtocolVersion) -> Result<InitializeResult, UpstreamError> {
    let described: DiscoverResult =
        serde_json::from_str(described.get()).map_err(|_| UpstreamError::Malformed)?;
    Ok(InitializeResult {
        protocol_version: version.to_string(),
        server_info: described.server_info().unwrap_or_else(implementation),
        capabilities: described.capabilities,
        instructions: described.instructions,
    })
}

fn too_long() -> Refusal {
    let message = "invalid params: \"clientInfo\" and \"capabilities\" say more than a session can hold";
    Refusal::Request(StatusCode::OK, None, ErrorObject::new(ErrorCode::INVALID_PARAMS, message))
}
