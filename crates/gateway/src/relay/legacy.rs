//! A client of the legacy era: `initialize` opens a session, whose id is sealed and says what stands behind it.

mod opening;

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use guard::Permit;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp::headers::{self as mirror, SESSION_ID};
use mcp::{Era, LogLevel, Message, Params, ProtocolVersion};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::conversation::{Conversation, Farewell, ask_to_the_end};
use super::interview::Interviewer;
use super::listing::Listing;
use super::passage::{Eras, LegacyClient, Passage};
use super::stream::{Manner, Relayed};
use super::{Asked, RelayEndpoint, event_stream, listening, respond, stream};
use crate::endpoint::{Refusal, accepted, legacy, principal, success};
use crate::session::memory::SessionMemory;
use crate::session::sealed::{ClientDescription, SealedSession, UpstreamSession};
use crate::upstream::remote::{Answer, Caller, UpstreamError, error_in, session_headers};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Servers of the legacy era send log messages before anybody asked for a level; which ones is theirs to choose.
const LOG_LEVEL: LogLevel = LogLevel::Info;

/// A session that a request names.
struct Session {
    sealed: SealedSession,
    memory: Arc<SessionMemory>,
}

/// Answers one request.
pub(super) async fn answer(
    endpoint: &RelayEndpoint,
    permit: Permit,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    if asked.request.method == "initialize" {
        return opening::initialize(endpoint, Caller::new(&endpoint.remote, permit), asked).await;
    }
    let session = session_of(endpoint, &permit, asked.headers)?;
    let caller = Arc::new(Caller::new(&endpoint.remote, permit));
    match &session.sealed.upstream {
        UpstreamSession::Legacy(_) => forward(endpoint, caller, &session, asked).await,
        UpstreamSession::Modern(client) => translate(endpoint, caller, (&session, client), asked).await,
    }
}

/// A notification, or a response to a request of the server.
pub(super) async fn pass_on(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
    (body, message): (&Bytes, &Message<'_>),
) -> Result<Response, Refusal> {
    let session = session_of(endpoint, &permit, headers)?;
    take(&session.memory, message);
    let caller = Caller::new(&endpoint.remote, permit);
    // A modern server asks nothing and is told nothing outside of requests.
    if let Some(headers) = headers_of(&session.sealed) {
        match caller.post(headers, body.clone()).await? {
            (_, Answer::Accepted | Answer::Json(StatusCode::OK, _)) => {}
            (_, Answer::Json(StatusCode::NOT_FOUND, _)) => return Err(Refusal::SessionUnknown),
            (_, Answer::Json(status, _)) => return Err(UpstreamError::Status(status).into()),
            (_, Answer::Refused(refusal)) => return Err(*refusal),
            (_, Answer::Stream(_)) => return Err(UpstreamError::Malformed.into()),
        }
    }
    Ok(accepted())
}

/// What a message means here: the answer to a question of ours, or the end of a request that we hold.
fn take(memory: &SessionMemory, message: &Message<'_>) {
    match message {
        Message::Response(response) => {
            if let Some(id) = &response.id {
                memory.answer(id, response.outcome.clone().map(ToOwned::to_owned));
            }
        }
        Message::Notification(told) if told.method == "notifications/cancelled" => {
            let params = Params::read(told.params).unwrap_or_default();
            if let Some(id) = params.get("requestId").and_then(mcp::RequestId::of) {
                memory.cancel(&id);
            }
        }
        _ => {}
    }
}

/// `GET`: the stream of messages that belong to no request.
pub(super) async fn listen(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    const NO_STREAM: Refusal = Refusal::Method("POST, DELETE");
    let session = session_of(endpoint, &permit, headers)?;
    let caller = Arc::new(Caller::new(&endpoint.remote, permit));
    let mut sent = match (&session.sealed.upstream, headers_of(&session.sealed)) {
        (_, Some(headers)) => headers,
        (UpstreamSession::Modern(client), None) => {
            return listening::before_modern(caller, client, &session.memory).await;
        }
        (UpstreamSession::Legacy(_), None) => return Err(NO_STREAM),
    };
    let reply = sent.clone();
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        sent.insert(LAST_EVENT_ID, last.clone());
    }
    match caller.listen(sent).await {
        Ok(Answer::Stream(source)) => {
            let mut conversation = Conversation::new(caller, reply, Farewell::Close);
            conversation.go_on_with(source);
            let relayed = Relayed::new(endpoint, conversation, None, Manner::Same, None);
            Ok(event_stream(stream::body(relayed.outputs())))
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
        endpoint.kept.memories.forget(id.as_bytes());
    }
    if let Some(sent) = headers_of(&session.sealed).filter(|sent| sent.contains_key(SESSION_ID)) {
        Caller::new(&endpoint.remote, permit).end_session(sent).await;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// To a server of the same era: the body as it was checked, in the server's own session.
async fn forward(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    session: &Session,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let headers = headers_of(&session.sealed).unwrap_or_default();
    // At a remote server the client's ids are its own; many clients share a process, and there we are the one who
    // cancels.
    let is_ours_to_cancel = caller.remote().is_process();
    let under_way = is_ours_to_cancel.then(|| session.memory.begin(asked.id()));
    let answer = match &under_way {
        None => caller.post(headers.clone(), asked.body.clone()).await?.1,
        Some(under_way) => {
            let asking = ask_to_the_end(&caller, headers.clone(), asked.body.clone(), under_way);
            let Some(answer) = asking.await? else { return Ok(cancelled()) };
            answer
        }
    };
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
    let knows_links = session.sealed.version() >= ProtocolVersion::V2025_11_25;
    let passage = asked.legacy_passage(endpoint, &caller, Eras::Same { knows_links });
    let farewell = if is_ours_to_cancel { Farewell::Finish } else { Farewell::Close };
    let conversation = Conversation::new(caller, headers, farewell);
    respond(answer, Relayed::new(endpoint, conversation, Some(passage), Manner::Same, under_way)).await
}

/// To a modern server: the request with what the server must be told of the client.
async fn translate(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    (session, client): (&Session, &ClientDescription),
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    if let Some(result) = remember(&session.memory, asked)? {
        return Ok(success(&asked.request.id, &result));
    }
    let method = &*asked.request.method;
    let params = modern_params(session, client, asked).ok_or(UpstreamError::Malformed)?;
    let name = mirror::name_of(method, asked.params);
    let headers: HeaderMap =
        mirror::compose(ProtocolVersion::LATEST, method, name.as_deref()).into_iter().collect();
    let body = mcp::request(&asked.request.id, method, &params);
    let under_way = session.memory.begin(asked.id());
    let asking = ask_to_the_end(&caller, headers.clone(), body.into(), &under_way);
    let Some(answer) = asking.await? else { return Ok(cancelled()) };
    if let Answer::Json(status, body) = &answer
        && *status != StatusCode::OK
    {
        caller.note_error(Era::Modern, *status, error_in(body).as_ref()).await;
    }
    let knows_links = session.sealed.version() >= ProtocolVersion::V2025_11_25 && client.follows_links();
    let era = Eras::LegacyClient(LegacyClient { reads_resource: method == "resources/read", knows_links });
    let passage = asked.legacy_passage(endpoint, &caller, era);
    let request = (asked.id(), method, params, headers.clone());
    let interviewer = Interviewer::new(&session.memory, request, (client.capabilities.clone(), knows_links));
    let manner = Manner::Requests(Box::new(interviewer), None);
    let conversation = Conversation::new(caller, headers, Farewell::Finish);
    respond(answer, Relayed::new(endpoint, conversation, Some(passage), manner, Some(under_way))).await
}

/// What outlives a request in the legacy era and in a modern server does not: it is remembered here. The result, if
/// that is all there is to it.
fn remember(memory: &SessionMemory, asked: &Asked<'_>) -> Result<Option<Map<String, Value>>, Refusal> {
    #[derive(Deserialize)]
    struct Level {
        level: LogLevel,
    }
    let invalid = |error| Refusal::params(StatusCode::OK, &error);
    match &*asked.request.method {
        "ping" => {}
        "logging/setLevel" => {
            let params = asked.request.params.map_or("{}", RawValue::get);
            let wrong = mcp::InvalidParams::Type { member: "level", expected: "a level of log messages" };
            let level = serde_json::from_str::<Level>(params).map_err(|_| invalid(wrong))?;
            memory.set_log_level(level.level);
        }
        "resources/subscribe" => {
            let uri = asked.params.required_string("uri").map_err(invalid)?;
            if !memory.subscribe(&uri) {
                return Err(Refusal::unavailable(
                    "this session has as many subscriptions as it may".to_owned(),
                ));
            }
        }
        "resources/unsubscribe" => {
            memory.unsubscribe(&asked.params.required_string("uri").map_err(invalid)?);
        }
        _ => return Ok(None),
    }
    Ok(Some(Map::new()))
}

impl Asked<'_> {
    fn id(&self) -> mcp::RequestId<'static> {
        self.request.id.clone().into_owned()
    }

    fn legacy_passage(&self, endpoint: &RelayEndpoint, caller: &Caller, eras: Eras) -> Passage {
        Passage {
            asked_as: self.id(),
            answered_as: self.id(),
            list: Listing::of(endpoint, caller.permit(), &self.request.method),
            is_tool_call: self.request.method == "tools/call",
            eras,
            allowed: caller.remote().allowed(),
        }
    }
}

fn modern_params(session: &Session, client: &ClientDescription, asked: &Asked<'_>) -> Option<Box<RawValue>> {
    let info = client.info.as_ref().map(to_raw_value).transpose().ok()?;
    let capabilities = to_raw_value(&client.capabilities).ok()?;
    let level = session.memory.log_level().unwrap_or(LOG_LEVEL);
    let meta = asked.params.meta().to_modern(info.as_deref(), &capabilities, Some(level));
    Some(asked.params.with("_meta", &meta))
}

/// "Receivers of a cancellation notification SHOULD … not send a response for the cancelled request" (2025-11-25).
fn cancelled() -> Response {
    event_stream(axum::body::Body::empty())
}

/// The one session that a request names.
fn session_of(endpoint: &RelayEndpoint, permit: &Permit, headers: &HeaderMap) -> Result<Session, Refusal> {
    legacy::check_version(headers)?;
    let mut ids = headers.get_all(SESSION_ID).iter();
    let id = ids.next().ok_or(Refusal::SessionMissing)?;
    let session = endpoint.sessions.open(id.as_bytes(), principal(permit), endpoint.front.clock.now());
    let sealed = session.filter(|_| ids.next().is_none()).ok_or(Refusal::SessionUnknown)?;
    Ok(Session { sealed, memory: endpoint.kept.memories.of(id.as_bytes()) })
}

/// The headers of a message in a legacy server's session; `None` when a modern one stands behind it.
fn headers_of(session: &SealedSession) -> Option<HeaderMap> {
    let UpstreamSession::Legacy(id) = &session.upstream else { return None };
    let id = id.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
    Some(session_headers(session.upstream_version(), id))
}
