//! A client of the legacy era: `initialize` opens a session, whose id is sealed and says what stands behind it.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use guard::Permit;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp::headers::{self as mirror, SESSION_ID};
use mcp::json::Object;
use mcp::{DiscoverResult, Era, ErrorCode, ErrorObject, InitializeParams, InitializeResult, ProtocolVersion};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::passage::{Eras, Passage, across};
use super::{Asked, RelayEndpoint, event_stream, respond, stream};
use crate::endpoint::{Refusal, accepted, legacy, principal, success};
use crate::session::sealed::{ClientDescription, SealedSession, UpstreamSession};
use crate::upstream::remote::envelope::{Outcome, first_response};
use crate::upstream::remote::{
    Answer, Caller, Description, UpstreamError, error_in, implementation, session_headers,
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Answers one request.
pub(super) async fn answer(
    endpoint: &RelayEndpoint,
    permit: Permit,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let method = &*asked.request.method;
    if method == "initialize" {
        return initialize(endpoint, Caller::new(&endpoint.remote, permit), asked).await;
    }
    let session = session_of(endpoint, &permit, asked.headers)?;
    endpoint.check(&permit, method, asked.params)?;
    let caller = Caller::new(&endpoint.remote, permit);
    match &session.upstream {
        UpstreamSession::Legacy(_) => forward(endpoint, caller, &session, asked).await,
        UpstreamSession::Modern(client) => translate(endpoint, caller, client, asked).await,
    }
}

/// A notification, or a response to a request of the server.
pub(super) async fn pass_on(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let session = session_of(endpoint, &permit, headers)?;
    let caller = Caller::new(&endpoint.remote, permit);
    // A modern server asks nothing and is told nothing outside of requests.
    if let Some(headers) = headers_of(&session) {
        match caller.post(headers, body.clone()).await? {
            (_, Answer::Accepted | Answer::Json(StatusCode::OK, _)) => {}
            (_, Answer::Json(StatusCode::NOT_FOUND, _)) => return Err(Refusal::SessionUnknown),
            (_, Answer::Json(status, _)) => return Err(UpstreamError::Status(status).into()),
            (_, Answer::Stream(_)) => return Err(UpstreamError::Malformed.into()),
        }
    }
    Ok(accepted())
}

/// `GET`: the stream of messages that belong to no request.
pub(super) async fn listen(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    const NO_STREAM: Refusal = Refusal::Method("POST, DELETE");
    let session = session_of(endpoint, &permit, headers)?;
    let caller = Caller::new(&endpoint.remote, permit);
    let mut sent = headers_of(&session).ok_or(NO_STREAM)?;
    let reply = sent.clone();
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        sent.insert(LAST_EVENT_ID, last.clone());
    }
    match caller.listen(sent).await {
        Ok(Answer::Stream(source)) => {
            Ok(event_stream(stream::body(&endpoint.front, source, None, caller, reply)))
        }
        Ok(Answer::Json(StatusCode::NOT_FOUND, _)) => Err(Refusal::SessionUnknown),
        Err(UpstreamError::NoStream) => Err(NO_STREAM),
        Ok(Answer::Json(status, _)) if status != StatusCode::OK => Err(UpstreamError::Status(status).into()),
        Ok(_) => Err(UpstreamError::Malformed.into()),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE`: ends the session here and there.
pub(super) async fn end_session(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let session = session_of(endpoint, &permit, headers)?;
    if let Some(id) = headers.get(SESSION_ID) {
        endpoint.sessions.end(id.as_bytes());
    }
    if let Some(sent) = headers_of(&session).filter(|sent| sent.contains_key(SESSION_ID)) {
        Caller::new(&endpoint.remote, permit).end_session(sent).await;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn initialize(
    endpoint: &RelayEndpoint,
    caller: Caller,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let params =
        InitializeParams::read(asked.params).map_err(|error| Refusal::params(StatusCode::OK, &error))?;
    let (upstream, version, mut response) = match caller.description().await? {
        Description::Modern(described) => {
            let version = ProtocolVersion::negotiate(&params.protocol_version);
            let result = introduction(&described, version)?;
            (UpstreamSession::Modern(client_of(asked)), version, success(&asked.request.id, &result))
        }
        Description::Legacy => {
            let (session, version, result) = open(&caller, asked).await?;
            (UpstreamSession::Legacy(session), version, success(&asked.request.id, &result))
        }
    };
    let session = SealedSession::new(version, upstream, endpoint.front.clock.now());
    let id = endpoint.sessions.seal(&session, principal(caller.permit()), &*endpoint.front.random);
    response.headers_mut().insert(SESSION_ID, id.ok_or_else(too_long)?);
    Ok(response)
}

/// The client's own `initialize` at a legacy server: the session that it opened, its version, the raw result.
async fn open(
    caller: &Caller,
    asked: &Asked<'_>,
) -> Result<(Option<String>, ProtocolVersion, Box<RawValue>), Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Agreed<'a> {
        #[serde(borrow)]
        protocol_version: Cow<'a, str>,
    }
    let (answered, answer) = caller.post(HeaderMap::new(), opening(caller, asked)?).await?;
    let result = match first_response(caller.remote(), answer, &asked.request.id).await? {
        Outcome::Result(result) => result,
        Outcome::Error(error) => {
            let error: ErrorObject =
                serde_json::from_str(error.get()).map_err(|_| UpstreamError::Malformed)?;
            caller.note_error(Era::Legacy, StatusCode::OK, Some(&error)).await;
            return Err(Refusal::Request(StatusCode::OK, None, error));
        }
    };
    let agreed: Agreed<'_> = serde_json::from_str(result.get()).map_err(|_| UpstreamError::Malformed)?;
    let version = ProtocolVersion::parse(&agreed.protocol_version).ok_or(UpstreamError::Malformed)?;
    let session = answered.get(SESSION_ID).map(HeaderValue::to_str).transpose();
    let session = session.map_err(|_| UpstreamError::Malformed)?.map(str::to_owned);
    Ok((session, version, result))
}

/// The client's `initialize` without what the server may not ask for.
fn opening(caller: &Caller, asked: &Asked<'_>) -> Result<Bytes, Refusal> {
    let Some(capabilities) = asked.params.get("capabilities") else { return Ok(asked.body.clone()) };
    let filtered = caller.remote().allowed().filter(capabilities);
    match filtered.map_err(|error| Refusal::params(StatusCode::OK, &error.into()))? {
        Some(capabilities) => Ok(asked.with_param("capabilities", &capabilities)),
        None => Ok(asked.body.clone()),
    }
}

/// To a server of the same era: the body as it was checked, in the server's own session.
async fn forward(
    endpoint: &RelayEndpoint,
    caller: Caller,
    session: &SealedSession,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let headers = headers_of(session).unwrap_or_default();
    let (_, answer) = caller.post(headers.clone(), asked.body.clone()).await?;
    if let Answer::Json(status, body) = &answer
        && *status != StatusCode::OK
    {
        let error = error_in(body);
        caller.note_error(Era::Legacy, *status, error.as_ref()).await;
        // "the server … MUST respond to requests containing that session ID with HTTP 404" (Session Management); and
        // a server that has become a modern one has no session at all.
        if *status == StatusCode::NOT_FOUND || error.is_some_and(|error| error.code.is_modern()) {
            return Err(Refusal::SessionUnknown);
        }
    }
    let id = asked.request.id.clone().into_owned();
    let list = endpoint.list_policy(&asked.request.method);
    let allowed = caller.remote().allowed();
    let passage = Passage { asked_as: id.clone(), answered_as: id, list, eras: Eras::Same, allowed };
    respond(endpoint, answer, passage, caller, headers).await
}

/// To a modern server: the request with what the server must be told of the client.
async fn translate(
    endpoint: &RelayEndpoint,
    caller: Caller,
    client: &ClientDescription,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let method = &*asked.request.method;
    match method {
        "ping" => return Ok(success(&asked.request.id, &Map::<String, Value>::new())),
        // Neither a level nor a subscription outlives a request there.
        "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
            return Err(Refusal::method_not_found(StatusCode::OK, method));
        }
        _ => {}
    }
    let body = modern_body(client, asked).ok_or(UpstreamError::Malformed)?;
    let name = mirror::name_of(method, asked.params);
    let headers: HeaderMap =
        mirror::compose(ProtocolVersion::LATEST, method, name.as_deref()).into_iter().collect();
    let (_, answer) = caller.post(headers.clone(), body.into()).await?;
    if let Answer::Json(status, body) = &answer
        && *status != StatusCode::OK
    {
        caller.note_error(Era::Modern, *status, error_in(body).as_ref()).await;
    }
    let id = asked.request.id.clone().into_owned();
    let list = endpoint.list_policy(method);
    let allowed = caller.remote().allowed();
    let passage = Passage { asked_as: id.clone(), answered_as: id, list, eras: Eras::LegacyClient, allowed };
    respond(endpoint, answer, passage, caller, headers).await
}

fn modern_body(client: &ClientDescription, asked: &Asked<'_>) -> Option<Vec<u8>> {
    let info = client.info.as_ref().map(to_raw_value).transpose().ok()?;
    let capabilities = to_raw_value(&client.capabilities).ok()?;
    let meta = asked.params.meta().to_modern(info.as_deref(), &capabilities, None);
    let raw = asked.request.params.map_or("{}", RawValue::get);
    let mut params = Object::read(raw, &[]).ok()?;
    params.set("_meta", &meta);
    Some(mcp::request(&asked.request.id, &asked.request.method, &params))
}

/// What the client says it is; without what a server could ask of it, since no request of a server crosses the eras.
fn client_of(asked: &Asked<'_>) -> ClientDescription {
    let read = |member| asked.params.get(member).and_then(|raw| serde_json::from_str(raw.get()).ok());
    let mut capabilities = match read("capabilities") {
        Some(Value::Object(capabilities)) => capabilities,
        _ => Map::new(),
    };
    for asked_of_clients in ["elicitation", "roots", "sampling"] {
        capabilities.remove(asked_of_clients);
    }
    ClientDescription { info: read("clientInfo"), capabilities }
}

/// What a modern server said at `server/discover`, as a legacy one would say it.
fn introduction(described: &RawValue, version: ProtocolVersion) -> Result<InitializeResult, UpstreamError> {
    let described: DiscoverResult =
        serde_json::from_str(described.get()).map_err(|_| UpstreamError::Malformed)?;
    Ok(InitializeResult {
        protocol_version: version.to_string(),
        capabilities: across(&described.capabilities),
        server_info: described.server_info().unwrap_or_else(implementation),
        instructions: described.instructions,
    })
}

fn too_long() -> Refusal {
    let message = "invalid params: \"clientInfo\" and \"capabilities\" say more than a session can hold";
    Refusal::Request(StatusCode::OK, None, ErrorObject::new(ErrorCode::INVALID_PARAMS, message))
}

/// The one session that a request names.
fn session_of(
    endpoint: &RelayEndpoint,
    permit: &Permit,
    headers: &HeaderMap,
) -> Result<SealedSession, Refusal> {
    legacy::check_version(headers)?;
    let mut ids = headers.get_all(SESSION_ID).iter();
    let id = ids.next().ok_or(Refusal::SessionMissing)?;
    let session = endpoint.sessions.open(id.as_bytes(), principal(permit), endpoint.front.clock.now());
    session.filter(|_| ids.next().is_none()).ok_or(Refusal::SessionUnknown)
}

/// The headers of a message in a legacy server's session; `None` when a modern one stands behind it.
fn headers_of(session: &SealedSession) -> Option<HeaderMap> {
    let UpstreamSession::Legacy(id) = &session.upstream else { return None };
    let id = id.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
    Some(session_headers(session.version(), id))
}
