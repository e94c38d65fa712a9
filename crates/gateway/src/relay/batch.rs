//! Batches: several messages in one body, which 2025-03-26 had and no other revision has. Each message takes the way that
//! it would take alone, through the policy and into the audit log; the answers come together.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use guard::Permit;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Collected};
use mcp::{ErrorCode, ErrorObject, InvalidMessage, Message, write_event};
use serde_json::value::RawValue;

use super::{RelayEndpoint, event_stream, json, legacy, message};
use crate::endpoint::{Refusal, accepted};

/// How many messages a batch may have; they are under way at the same time.
const AT_MOST: usize = 32;

/// Whether a body is a batch.
pub(super) fn is_batch(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// Answers a batch.
pub(super) async fn answer(
    endpoint: &RelayEndpoint,
    permit: &Permit,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    if !legacy::speaks_in_batches(endpoint, permit, headers)? {
        return Err(InvalidMessage::Batch.into());
    }
    let text = mcp::json::check(body).map_err(InvalidMessage::from)?;
    let messages: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| InvalidMessage::Batch)?;
    if messages.is_empty() || messages.len() > AT_MOST {
        return Err(InvalidMessage::Batch.into());
    }
    let one = |raw: &RawValue| alone(endpoint, permit, headers, body.slice_ref(raw.get().as_bytes()));
    join(join_all(messages.into_iter().map(one)).await).await
}

/// One of the messages, as if it had come alone.
async fn alone(endpoint: &RelayEndpoint, permit: &Permit, headers: &HeaderMap, body: Bytes) -> Response {
    let permit = endpoint.guard.renew(permit);
    let outcome = match permit {
        Some(permit) => message(endpoint, permit, headers, &body).await,
        None => Err(Refusal::SessionUnknown),
    };
    match outcome {
        Ok(response) => response,
        Err(refusal @ Refusal::Request(..)) => refusal.into_response(),
        // A status and its headers have no place inside a batch.
        Err(_) => {
            let Ok(Message::Request(request)) = Message::parse(&body) else { return accepted() };
            let reason = "this request of the batch is refused; send it alone to learn why";
            let error = ErrorObject::new(ErrorCode::INVALID_REQUEST, reason);
            json(StatusCode::OK, mcp::failure(Some(&request.id), &error).into())
        }
    }
}

/// The answers in one: nothing, an array, or a stream if there is one among them.
async fn join(responses: Vec<Response>) -> Result<Response, Refusal> {
    let (mut whole, mut streams) = (Vec::new(), Vec::new());
    for response in responses {
        let content_type = response.headers().get(CONTENT_TYPE).cloned();
        match content_type {
            Some(kind) if kind == "text/event-stream" => {
                streams.push(response.into_body().into_data_stream());
            }
            Some(_) => {
                // It is in memory already.
                let collected = response.into_body().collect().await.map(Collected::to_bytes);
                whole.extend(collected.ok().filter(|body| !body.is_empty()));
            }
            None => {}
        }
    }
    if !streams.is_empty() {
        let first = stream::iter(whole.into_iter().map(|body| Ok(write_event(&one_line(&body)).into())));
        return Ok(event_stream(Body::from_stream(first.chain(stream::select_all(streams)))));
    }
    if whole.is_empty() {
        return Ok(accepted());
    }
    let array = [&b"["[..], &whole.join(&b","[..]), b"]"].concat();
    Ok(json(StatusCode::OK, array.into()))
}

/// Line breaks in a message are white space between its tokens, and would end an event.
fn one_line(body: &[u8]) -> Vec<u8> {
    body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}
