//! What the client of the older transport reads: the endpoint for its messages, then what comes of them.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::time::sleep;

use super::outbox::Queue;
use super::registry::Place;
use super::session::Phase;

/// After so long a silence a comment keeps the connection alive, through proxies that end idle ones.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The stream as a response body: `first`, then what waits in `queue`. The stream's place is given back when the client
/// goes away.
pub(super) fn body(first: String, queue: Queue, place: Place) -> Body {
    // In a box: what waits holds it three times over.
    let events = Box::new(Events { first: Some(first.into()), queue, place });
    Body::from_stream(stream::unfold(events, async |mut events| {
        let bytes = events.next().await?;
        Some((Ok::<_, Infallible>(bytes), events))
    }))
}

struct Events {
    first: Option<Bytes>,
    queue: Queue,
    place: Place,
}

impl Events {
    /// What the client gets next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let session = self.place.session();
        tokio::select! {
            biased;
            () = session.reaches(Phase::Cut) => None,
            event = self.queue.next() => Some(event),
            () = session.reaches(Phase::Finished) => None,
            () = sleep(KEEP_ALIVE) => Some(Bytes::from_static(b": keep-alive\n\n")),
        }
    }
}
