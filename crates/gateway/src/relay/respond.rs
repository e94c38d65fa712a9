//! The answer of a server as its client gets it: one document, or a stream of events.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::ready;
use futures_util::stream::once;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::time::timeout;

use super::passage::Passed;
use super::stream::{self, Manner, Output, Relayed};
use crate::endpoint::Refusal;
use crate::recorded::Ending;
use crate::upstream::remote::{Answer, UpstreamError};

/// How long a modern client waits for the head of an answer that may need a status of its own.
const HEAD: Duration = Duration::from_secs(5);

/// The answer of a server as the client gets it.
pub(super) async fn respond(answer: Answer, mut relayed: Box<Relayed>) -> Result<Response, Refusal> {
    let (status, body) = match answer {
        Answer::Stream(source) => {
            relayed.conversation.go_on_with(source);
            return Box::pin(relay(relayed)).await;
        }
        Answer::Accepted => return Err(UpstreamError::Malformed.into()),
        Answer::Refused(refusal) => return Err(*refusal),
        Answer::Json(status, body) => (status, relayed.redacted(body).await),
    };
    let ending = relayed.ending.clone();
    match relayed.judge(&body) {
        Passed::Response(outcome) => {
            relayed.finish(outcome);
            Ok(ending_so(json(status, body), &ending))
        }
        Passed::Before | Passed::Malformed if status != StatusCode::OK => {
            Err(UpstreamError::Status(status).into())
        }
        passed => match Box::pin(relayed.settle(passed)).await? {
            Some(Output::Response(status, body)) => Ok(ending_so(json(status, body.into()), &ending)),
            // Only a question to a legacy client takes a stream.
            _ => Box::pin(relay(relayed)).await,
        },
    }
}

/// What is said until the response. A modern client's status depends on the response, so it is waited for, though not
/// for long.
pub(super) async fn relay(relayed: Box<Relayed>) -> Result<Response, Refusal> {
    let has_status = matches!(relayed.manner, Manner::Results(_));
    let ending = relayed.ending.clone();
    let mut outputs = Box::pin(relayed.outputs());
    let first = if has_status { timeout(HEAD, outputs.next()).await.ok() } else { None };
    let response = match first {
        None => event_stream(stream::body(outputs)),
        Some(Some(Output::Response(status, body))) => json(status, body.into()),
        Some(Some(first)) => event_stream(stream::body(once(ready(first)).chain(outputs))),
        Some(None) => return Err(UpstreamError::Malformed.into()),
    };
    Ok(ending_so(response, &ending))
}

/// The response with word of how the call ends, for the audit log.
pub(super) fn ending_so(mut response: Response, ending: &Ending) -> Response {
    response.extensions_mut().insert(ending.clone());
    response
}

pub(super) fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    // There may be many streams, and the room for these is kept for as long as the connection.
    headers.reserve(3);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // "Servers SHOULD include X-Accel-Buffering: no", so that proxies do not collect events (2026-07-28).
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
