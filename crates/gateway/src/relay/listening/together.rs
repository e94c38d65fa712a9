//! `subscriptions/listen` of many modern clients before one modern server: one stream of the server tells all of them.
//!
//! 1. A request is shared that says nothing of whoever makes it (`request`): the server sees one of the gateway's own,
//!    without a credential.
//! 2. Whoever asks for the same comes to the same hub (`hub`). The first one has the stream opened (`teller`), and who
//!    comes meanwhile waits for the same answer.
//! 3. What the server says is read once, held against what was asked for (`heard`), and kept until everybody has taken it
//!    (`ring`).
//! 4. Every listener gets it with the id of its own request (`told`). One who comes later begins with the same
//!    acknowledgement, and misses nothing that is said after it.
//! 5. One who does not read is not waited for: the stream of that one ends.
//! 6. The stream of the server is closed behind the last listener.
//!
//! See `docs/decisions/0033-shared-listening.md`.

mod heard;
mod hub;
mod request;
mod ring;
mod teller;
mod told;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use mcp::SubscriptionFilter;

use super::super::redacted::record_redaction;
use super::super::{Asked, RelayEndpoint, event_stream, json};
use crate::endpoint::Refusal;
use crate::settings::Front;
use crate::upstream::remote::Caller;
use hub::Opened;
pub(in super::super) use hub::{Hubs, Place};
pub(super) use told::Told;

/// What one is told who did not read in time.
const TOO_SLOW: &str = "what the server tells was not read in time, and some of it is lost: listen again";

/// Answers a request by a stream that others listen to as well. The caller comes back when it has to have one of its own.
pub(in super::super) async fn together(
    endpoint: &RelayEndpoint,
    caller: Caller,
    asked: &Asked<'_>,
) -> Result<Result<Response, Refusal>, Caller> {
    let Some(filter) = request::filter_of(asked) else { return Err(caller) };
    let (place, caller) = join(endpoint, caller, filter)?;
    let id = serde_json::to_string(&asked.request.id).unwrap_or_default().into_boxed_str();
    let front = endpoint.front.clone();
    let listener = Listener { place, id, caller, front, is_redacted: false, is_over: false };
    Ok(listener.answer().await)
}

/// A place among those who listen to the same at a server that does not know for whom.
fn join(
    endpoint: &RelayEndpoint,
    caller: Caller,
    filter: SubscriptionFilter,
) -> Result<(Place, Arc<Caller>), Caller> {
    // What members of a virtual server tell is decided for each caller.
    let is_personal = endpoint.credentials.is_some() || caller.connection().is_some();
    let joined =
        if is_personal || caller.remote().is_virtual() { None } else { endpoint.kept.hubs.join(&filter) };
    let Some((place, is_first)) = joined else { return Err(caller) };
    let caller = Arc::new(caller);
    if is_first {
        teller::open(endpoint, &caller, place.hub(), filter);
    }
    Ok((place, caller))
}

/// One client that listens. There may be thousands, and nothing happens to most of them for hours.
struct Listener {
    place: Place,
    /// The id of its request, as JSON.
    id: Box<str>,
    caller: Arc<Caller>,
    front: Arc<Front>,
    is_redacted: bool,
    is_over: bool,
}

impl Listener {
    async fn answer(mut self) -> Result<Response, Refusal> {
        match self.place.opened().await {
            Opened::Failed(error) => Err(error.into()),
            Opened::Answer(status, told) => {
                self.note(&told).await;
                Ok(json(status, told.message(&self.id).into()))
            }
            Opened::Stream => {
                Ok(event_stream(Body::from_stream(stream::unfold(self, async |mut listener| {
                    let event = listener.next().await?;
                    Some((Ok::<_, Infallible>(event), listener))
                }))))
            }
        }
    }

    /// What the client gets next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let told = match self.place.next().await {
            Some(told) => told,
            None => Arc::new(Told::failure(TOO_SLOW)),
        };
        self.is_over = told.is_last();
        Box::pin(self.note(&told)).await;
        Some(told.event(&self.id))
    }

    /// Once for an answer, however much of it was taken out.
    async fn note(&mut self, told: &Told) {
        if told.is_redacted() && !std::mem::replace(&mut self.is_redacted, true) {
            record_redaction(&self.front, &self.caller).await;
        }
    }
}
