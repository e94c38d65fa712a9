//! Streams that have no end of their own, when the process is asked to end.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use mcp::{RequestId, SUBSCRIPTION_ID, write_event};
use serde_json::json;

use crate::settings::Front;

/// The response. When it is a stream of events, it ends between two of them as soon as the process is asked to end,
/// instead of being cut off in one. A subscription ends with its result (2026-07-28, `subscriptions/listen`).
pub(crate) fn until_shut_down(
    front: &Front,
    response: Response,
    subscription: Option<&RequestId<'_>>,
) -> Response {
    if response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != "text/event-stream") {
        return response;
    }
    let last = subscription.map(|id| Bytes::from(write_event(&end_of_subscription(id))));
    let streams = front.event_streams.clone();
    response.map(|body| {
        let open = Some((body.into_data_stream(), streams, last));
        Body::from_stream(stream::unfold(open, async |open| {
            let (mut events, streams, last) = open?;
            tokio::select! {
                biased;
                () = streams.drained() => last.map(|last| (Ok(last), None)),
                event = events.next() => event.map(|event| (event, Some((events, streams, last)))),
            }
        }))
    })
}

/// "signalling that the subscription has ended gracefully (for example, during server shutdown)" (2026-07-28, the schema of
/// `SubscriptionsListenResult`).
pub(crate) fn end_of_subscription(id: &RequestId<'_>) -> Vec<u8> {
    mcp::success(id, &json!({ "resultType": "complete", "_meta": { SUBSCRIPTION_ID: id } }))
}
