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
mod listener;
mod request;
mod ring;
mod teller;
mod told;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;

use super::super::{Asked, RelayEndpoint, event_stream, json};
use crate::endpoint::Refusal;
use crate::upstream::remote::Caller;
pub(in super::super) use hub::Hubs;
pub(super) use hub::Opened;
pub(super) use listener::{Listener, Meeting};
pub(super) use told::Kind;
use told::Told;

/// What one is told who did not read in time.
const TOO_SLOW: &str = "what the server tells was not read in time, and some of it is lost: listen again";

/// Answers a request by a stream that others listen to as well. The caller comes back when it has to have one of its own.
pub(in super::super) async fn together(
    endpoint: &RelayEndpoint,
    caller: Caller,
    asked: &Asked<'_>,
) -> Result<Result<Response, Refusal>, Caller> {
    let meeting = Meeting::at(endpoint, &caller);
    let listener = match (meeting, request::filter_of(asked)) {
        (Some(meeting), Some(filter)) => meeting.listen(caller, filter)?,
        _ => return Err(caller),
    };
    let id = serde_json::to_string(&asked.request.id).unwrap_or_default().into_boxed_str();
    Ok(Answered { listener, id, is_over: false }.answer().await)
}

/// The answer to one request. There may be thousands, and nothing happens to most of them for hours.
struct Answered {
    listener: Listener,
    /// The id of the request, as JSON.
    id: Box<str>,
    is_over: bool,
}

impl Answered {
    async fn answer(mut self) -> Result<Response, Refusal> {
        match self.listener.opened().await {
            Opened::Failed(error) => Err(error.into()),
            Opened::Answer(status, told) => Ok(json(status, told.message(&self.id).into())),
            Opened::Stream => Ok(event_stream(Body::from_stream(self))),
        }
    }
}

/// What the client gets, until the end.
impl Stream for Answered {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let told = ready!(self.listener.poll_next(context));
        self.is_over = told.as_ref().is_none_or(|told| told.is_last());
        Poll::Ready(Some(Ok(match told {
            Some(told) => told.event(&self.id),
            None => Told::failure(TOO_SLOW).event(&self.id),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_small() {
        assert!(size_of::<Answered>() <= 112, "{}", size_of::<Answered>());
    }
}
