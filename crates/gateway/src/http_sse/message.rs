//! One message of a client of the older transport, on its way to the endpoint.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use guard::Permit;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use mcp::headers::PROTOCOL_VERSION;
use mcp::{ErrorCode, ErrorObject, InvalidMessage, Message, Params, RequestId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;

use super::listening::listen;
use super::session::{Phase, Session};
use super::{Serve, Transport, answer, implied};
use crate::body;
use crate::endpoint::{Refusal, accepted, principal};

/// How long the answer to the `POST` waits for a refusal that nobody else has to be asked for, so that it is a status
/// with its challenge; what is refused later is an error on the stream. Clients send one message after another, so it
/// cannot be long.
const PATIENCE: Duration = Duration::from_millis(100);

/// Takes one message.
pub(super) async fn take(
    transport: &Transport,
    permit: Permit,
    parts: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let (owner, id) = (principal(&permit).digest(), unverified_session_id(parts)?);
    let session = transport.streams.find(owner, id, &transport.path).ok_or(Refusal::SessionUnknown)?;
    session.show(transport.endpoint.guard(), &permit);
    let body = body::read_json(&parts.headers, body, transport.endpoint.front().body).await?;
    let kind = Kind::of(&body)?;
    let mut work = match prepare(transport, session.clone(), kind.clone()) {
        Ok(work) => work,
        Err(error) => return refuse(&session, &kind, error).await,
    };
    work.version = parts.headers.get(PROTOCOL_VERSION).cloned();
    let (told, outcome) = oneshot::channel();
    if kind.asked().is_some() {
        tokio::spawn(work.run(permit, body, told));
    } else {
        // Nothing counts these, so they take no longer than whoever sends them waits.
        work.run(permit, body, told).await;
    }
    match timeout(PATIENCE, outcome).await {
        Ok(Ok(refusal)) => Err(refusal),
        _ => Ok(accepted()),
    }
}

fn unverified_session_id(parts: &Parts) -> Result<&str, Refusal> {
    let pairs = parts.uri.query().unwrap_or_default().split('&');
    let mut ids = pairs.filter_map(|pair| pair.strip_prefix("sessionId="));
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(id),
        _ => Err(invalid("send messages to the URL that the stream's first event named, with its sessionId")),
    }
}

/// What the transport has to know of a message.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Initialize(RequestId<'static>),
    Request(RequestId<'static>),
    /// A request of 2026-07-28, which has left this transport behind.
    Modern(RequestId<'static>),
    Initialized,
    /// Another notification, or a response.
    Other,
}

impl Kind {
    fn of(body: &[u8]) -> Result<Self, InvalidMessage> {
        Ok(match Message::parse(body)? {
            Message::Request(request) => {
                let id = request.id.clone().into_owned();
                let params = Params::read(request.params).ok();
                let is_modern = params.is_some_and(|params| params.meta().protocol_version.is_some());
                match &*request.method {
                    _ if is_modern => Self::Modern(id),
                    "initialize" => Self::Initialize(id),
                    _ => Self::Request(id),
                }
            }
            Message::Notification(told) if told.method == "notifications/initialized" => Self::Initialized,
            Message::Notification(_) | Message::Response(_) => Self::Other,
        })
    }

    /// The id of the request that waits for a response.
    pub(super) fn asked(&self) -> Option<&RequestId<'static>> {
        match self {
            Self::Initialize(id) | Self::Request(id) | Self::Modern(id) => Some(id),
            Self::Initialized | Self::Other => None,
        }
    }
}

/// What is to be done about a message, with its place among those under way.
struct Work {
    endpoint: Arc<dyn Serve>,
    session: Arc<Session>,
    kind: Kind,
    /// The request that opens the session.
    opening: Option<Parts>,
    /// What the client says that was agreed on.
    version: Option<HeaderValue>,
    _place: Option<OwnedSemaphorePermit>,
}

/// The request to the endpoint, or why there is none.
fn prepare(transport: &Transport, session: Arc<Session>, kind: Kind) -> Result<Work, ErrorObject> {
    let place = match &kind {
        Kind::Modern(_) => {
            let message = "method not found: this transport is that of revisions up to 2025-11-25";
            return Err(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, message));
        }
        Kind::Initialize(_) | Kind::Request(_) => Some(session.place().ok_or_else(|| {
            let message = "too many requests are under way on this stream; wait for an answer";
            ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
        })?),
        // What answers a question must not wait for the end of the request that led to it.
        Kind::Initialized | Kind::Other => None,
    };
    let opening = match kind {
        Kind::Initialize(_) => Some(session.opening(Method::POST, false).ok_or_else(|| {
            let message = "this stream has its session: open another one for another session";
            ErrorObject::new(ErrorCode::INVALID_REQUEST, message)
        })?),
        _ => None,
    };
    let endpoint = transport.endpoint.clone();
    Ok(Work { endpoint, session, kind, opening, version: None, _place: place })
}

/// An error about a request is for whoever waits for its response; clients take no other answer than 202 for a `POST`.
async fn refuse(session: &Session, kind: &Kind, error: ErrorObject) -> Result<Response, Refusal> {
    match kind.asked() {
        Some(id) => {
            answer::fail(session, id, &error).await;
            Ok(accepted())
        }
        None => Err(Refusal::Request(StatusCode::BAD_REQUEST, None, error)),
    }
}

impl Work {
    /// Does it, unless the stream ends before. A refusal of the whole `POST` is told to whoever still answers that.
    async fn run(self, permit: Permit, body: Bytes, told: oneshot::Sender<Refusal>) {
        let Self { endpoint, session, kind, opening, version, _place } = self;
        let done = async {
            let opens = opening.is_some();
            let parts = match opening {
                Some(opening) => Ok(Some(opening)),
                None => implied::request(&endpoint, &session, &permit, (&kind, version)).await,
            };
            let outcome = match parts {
                Ok(Some(parts)) => endpoint.serve(permit, parts, body.into()).await,
                Ok(None) => Ok(accepted()),
                Err(refusal) => Err(refusal),
            };
            if opens {
                session.note_opening(&outcome, false);
            }
            match (outcome, kind.asked()) {
                (Ok(response), asked) => {
                    drop(told);
                    if let Kind::Initialized = kind {
                        listen(&endpoint, &session);
                    }
                    answer::pass(response, &session, asked).await;
                }
                (Err(refusal @ Refusal::Request(..)), Some(id)) => {
                    drop(told);
                    answer::refuse(refusal, &session, id).await;
                }
                (Err(refusal), asked) => refuse_late(refusal, told, &session, asked).await,
            }
        };
        tokio::select! {
            () = session.reaches(Phase::Cut) => {}
            () = done => {}
        }
    }
}

async fn refuse_late(
    refusal: Refusal,
    told: oneshot::Sender<Refusal>,
    session: &Session,
    asked: Option<&RequestId<'static>>,
) {
    let is_over = matches!(refusal, Refusal::SessionUnknown);
    if let (Err(refusal), Some(id)) = (told.send(refusal), asked) {
        answer::refuse(refusal, session, id).await;
    }
    if is_over {
        // The session behind has ended; the client learns it as it must learn it here, and connects again.
        session.drain();
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::Request(StatusCode::BAD_REQUEST, None, ErrorObject::new(ErrorCode::INVALID_REQUEST, message))
}
