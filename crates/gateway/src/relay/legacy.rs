//! A client of the legacy era: `initialize` opens a session, whose id is sealed and says what stands behind it.

mod opening;
mod translated;

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use guard::Permit;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp::headers::SESSION_ID;
use mcp::{Era, Message, Params, ProtocolVersion};

use super::conversation::{Conversation, Farewell, ask_to_the_end};
use super::listing::Listing;
use super::passage::{Eras, Kind, Passage};
use super::replayed::Replayed;
use super::stream::{Manner, Relayed};
use super::{Asked, RelayEndpoint, credential, event_stream, listening, respond, stream, waiting_room};
use crate::endpoint::{Refusal, accepted, legacy, principal};
use crate::session::memory::SessionMemory;
use crate::session::sealed::{SealedSession, UpstreamSession};
use crate::upstream::remote::{Answer, Caller, UpstreamError, error_in, session_headers};
pub(super) use opening::{follows_links, seal};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A session that a request names.
pub(super) struct Session {
    pub(super) sealed: SealedSession,
    pub(super) memory: Arc<SessionMemory>,
}

/// Answers one request.
pub(super) async fn answer(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    if asked.request.method == "initialize" {
        return opening::initialize(endpoint, &caller, asked).await;
    }
    let session = session_of(endpoint, caller.permit(), asked.headers)?;
    if !session.sealed.goes_on_with(caller.connection()) {
        return Err(Refusal::SessionUnknown);
    }
    match &session.sealed.upstream {
        UpstreamSession::Waiting => Err(Refusal::SessionUnknown),
        UpstreamSession::Legacy(_) => forward(endpoint, caller, &session, asked).await,
        UpstreamSession::Modern(client) => {
            translated::translate(endpoint, caller, (&session, client), asked).await
        }
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
    endpoint.gate.count(&permit).await?;
    take(&session.memory, message);
    // A modern server asks nothing and is told nothing outside of requests; nor is one whose user is not connected.
    if let Some(headers) = headers_of(&session.sealed)
        && let Ok(caller) = credential::caller(endpoint, permit).await
    {
        if !session.sealed.goes_on_with(caller.connection()) {
            return Err(Refusal::SessionUnknown);
        }
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

/// Whether the session is of the one revision that has batches.
pub(super) fn speaks_in_batches(
    endpoint: &RelayEndpoint,
    permit: &Permit,
    headers: &HeaderMap,
) -> Result<bool, Refusal> {
    // Before a session is named, a batch is what it is in every other revision.
    if !headers.contains_key(SESSION_ID) {
        return Ok(false);
    }
    Ok(session_of(endpoint, permit, headers)?.sealed.version() == ProtocolVersion::V2025_03_26)
}

/// `GET`: the stream of messages that belong to no request.
pub(super) async fn listen(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let session = session_of(endpoint, &permit, headers)?;
    let memory = session.memory.clone();
    let response = match credential::caller(endpoint, permit).await {
        Ok(caller) if !session.sealed.goes_on_with(caller.connection()) => {
            return Err(Refusal::SessionUnknown);
        }
        Ok(caller) => listen_to_server(endpoint, Arc::new(caller), &session, headers).await?,
        Err(refusal) => waiting_room::listen(endpoint, &refusal).ok_or(refusal)?,
    };
    // Where accounts are connected the gateway has something to say itself.
    Ok(if endpoint.credentials.is_some() {
        listening::with_announcements(response, memory)
    } else {
        response
    })
}

async fn listen_to_server(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    session: &Session,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    const NO_STREAM: Refusal = Refusal::Method("POST, DELETE");
    let mut sent = match (&session.sealed.upstream, headers_of(&session.sealed)) {
        (_, Some(headers)) => headers,
        (UpstreamSession::Modern(client), None) => {
            return listening::before_modern(endpoint, caller, client, &session.memory).await;
        }
        (UpstreamSession::Legacy(_) | UpstreamSession::Waiting, None) => return Err(NO_STREAM),
    };
    let reply = sent.clone();
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        sent.insert(LAST_EVENT_ID, last.clone());
    }
    let again = Replayed::of(endpoint, caller.permit());
    match caller.listen(sent).await {
        Ok(Answer::Stream(source)) => {
            let mut conversation = Conversation::new(caller, reply, Farewell::Close);
            conversation.go_on_with(source);
            let mut relayed = Relayed::new(endpoint, conversation, None, Manner::Same, None);
            relayed.replayed = Some(again);
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
    if let Some(sent) = headers_of(&session.sealed).filter(|sent| sent.contains_key(SESSION_ID))
        && let Ok(caller) = credential::caller(endpoint, permit).await
        && session.sealed.goes_on_with(caller.connection())
    {
        caller.end_session(sent).await;
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

impl Asked<'_> {
    fn id(&self) -> mcp::RequestId<'static> {
        self.request.id.clone().into_owned()
    }

    fn legacy_passage(&self, endpoint: &RelayEndpoint, caller: &Caller, eras: Eras) -> Passage {
        Passage {
            asked_as: self.id(),
            answered_as: self.id(),
            list: Listing::of(endpoint, caller.permit(), &self.request.method),
            asked: Kind::of(&self.request.method),
            eras,
            allowed: caller.remote().allowed(),
            is_personal: caller.connection().is_some(),
        }
    }
}

/// "Receivers of a cancellation notification SHOULD … not send a response for the cancelled request" (2025-11-25).
fn cancelled() -> Response {
    event_stream(axum::body::Body::empty())
}

/// The one session that a request names.
pub(super) fn session_of(
    endpoint: &RelayEndpoint,
    permit: &Permit,
    headers: &HeaderMap,
) -> Result<Session, Refusal> {
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
