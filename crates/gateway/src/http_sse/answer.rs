//! From an answer of the endpoint to events on the stream.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use mcp::{ErrorCode, ErrorObject, EventStream, RequestId};

use super::session::Session;
use crate::endpoint::Refusal;
use crate::upstream::remote::envelope::Envelope;
use crate::upstream::remote::error_in;

/// Puts what an endpoint answers on the stream of `session`. When it was asked something, the client waits for the
/// response to `asked`: should the answer end without it, the client is told so.
pub(super) async fn pass(response: Response, session: &Session, asked: Option<&RequestId<'_>>) {
    let (head, body) = response.into_parts();
    let is = |media_type| head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == media_type);
    let is_answered = if is("text/event-stream") {
        pass_events(body, session, asked).await
    } else if is("application/json") {
        match body.collect().await {
            Ok(body) => pass_message(&body.to_bytes(), session, asked).await,
            Err(_) => false,
        }
    } else {
        false
    };
    if let (false, Some(id)) = (is_answered, asked) {
        let message = "the answer broke off; whether the request had an effect is not known";
        fail(session, id, &ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)).await;
    }
}

/// Tells the client that its request is refused, after its message has been accepted.
pub(super) async fn refuse(refusal: Refusal, session: &Session, id: &RequestId<'_>) {
    let error = match refusal {
        Refusal::Request(_, _, error) => error,
        other => {
            let (head, body) = other.into_response().into_parts();
            let body =
                body.collect().await.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
            error_in(&body).unwrap_or_else(|| {
                let message = format!("refused with HTTP status {}", head.status.as_u16());
                ErrorObject::new(ErrorCode::INVALID_REQUEST, message)
            })
        }
    };
    fail(session, id, &error).await;
}

/// Puts an error on the stream in answer to the request `id`.
pub(super) async fn fail(session: &Session, id: &RequestId<'_>, error: &ErrorObject) {
    session.deliver(&mcp::failure(Some(id), error)).await;
}

/// Event by event, none taken before there is room for the one before it. The ids of events stay here: the transport
/// resumes nothing.
async fn pass_events(body: Body, session: &Session, asked: Option<&RequestId<'_>>) -> bool {
    let (mut chunks, mut events) = (body.into_data_stream(), EventStream::default());
    let mut is_answered = false;
    while let Some(Ok(chunk)) = chunks.next().await {
        events.push(&chunk);
        while let Some(event) = events.next_event() {
            if let Some(data) = event.data.filter(|data| !data.is_empty()) {
                is_answered |= pass_message(data.as_bytes(), session, asked).await;
            }
        }
    }
    is_answered
}

/// Whether the message is the response to `asked`, or nobody is left to be answered.
async fn pass_message(message: &[u8], session: &Session, asked: Option<&RequestId<'_>>) -> bool {
    let is_response = asked
        .is_some_and(|id| Envelope::read(message).is_some_and(|envelope| envelope.response_to(id).is_some()));
    !session.deliver(message).await || is_response
}
