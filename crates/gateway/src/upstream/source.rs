//! Where the events of an answer come from.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mcp::write_event;
use serde_json::value::RawValue;
use tokio::sync::broadcast;

use super::Incoming;
use super::remote::{self, UpstreamError};
use super::stdio::{Exchange, Notice};
use crate::virtual_server::MemberStream;

/// A stream of events, as pieces of text/event-stream.
pub(crate) enum Source {
    /// The body of an HTTP response.
    Http(outbound::Body),
    /// The same, opened with a credential: it is cut when the connection of that ends.
    Lent(Box<Lent>),
    /// An exchange with a process, and its first message if that is still to be told.
    Exchange(Option<Box<RawValue>>, Exchange),
    /// What a process tells everybody.
    Notices(broadcast::Receiver<Notice>),
    /// An exchange over a stream of the older transport, and its first message if that is still to be told.
    HttpSse(Option<Bytes>, remote::Exchange),
    /// What else is said on such a stream.
    Hearing(remote::Hearing),
    /// The answer of a member of a virtual server.
    Member(Box<MemberStream>),
    /// There is nothing more.
    Ended,
}

/// The body of a response to a request with a credential.
pub(crate) struct Lent {
    body: outbound::Body,
    /// Never locked: it can be shared that way.
    ended: Mutex<remote::Ended>,
}

impl Lent {
    async fn chunk(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        tokio::select! {
            biased;
            () = ended => Err(UpstreamError::Disconnected),
            chunk = self.body.chunk() => Ok(chunk?),
        }
    }
}

impl Source {
    /// The same for as long as there is the connection that it was opened with.
    pub(crate) fn until(self, ended: remote::Ended) -> Self {
        match self {
            Self::Http(body) => Self::Lent(Box::new(Lent { body, ended: Mutex::new(ended) })),
            other => other,
        }
    }

    /// A client is asked something: what comes after its answer may come later by `time`.
    pub(crate) fn wait_for_client(&mut self, time: Duration) {
        if let Self::Exchange(_, exchange) = self {
            exchange.wait_for_client(time);
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        match self {
            Self::Http(body) => Ok(body.chunk().await?),
            Self::Lent(lent) => {
                let chunk = lent.chunk().await;
                if matches!(chunk, Err(UpstreamError::Disconnected)) {
                    *self = Self::Ended;
                }
                chunk
            }
            Self::Notices(notices) => Ok(next_notice(notices).await),
            Self::Hearing(hearing) => Ok(hearing.next().await.map(|message| write_event(&message).into())),
            Self::Member(answer) => answer.chunk().await,
            Self::Ended => Ok(None),
            Self::HttpSse(first, exchange) => {
                let message = match first.take() {
                    Some(first) => first,
                    None => exchange.next().await?,
                };
                if exchange.is_over() {
                    *self = Self::Ended;
                }
                Ok(Some(write_event(&message).into()))
            }
            Self::Exchange(first, exchange) => {
                let incoming = match first.take() {
                    Some(first) => Incoming::Message(first),
                    None => exchange.next().await?,
                };
                match incoming {
                    Incoming::Message(message) => Ok(Some(event(&message))),
                    Incoming::Response(response) => {
                        *self = Self::Ended;
                        Ok(Some(event(&response)))
                    }
                }
            }
        }
    }
}

/// A listener that reads slowly loses notices.
async fn next_notice(notices: &mut broadcast::Receiver<Notice>) -> Option<Bytes> {
    loop {
        match notices.recv().await {
            Ok(notice) => return Some(event(&notice)),
            Err(broadcast::error::RecvError::Lagged(lost)) => {
                tracing::debug!(lost, "a listener reads too slowly: notices of a server process are lost");
            }
            Err(broadcast::error::RecvError::Closed) => return None,
        }
    }
}

/// White space in a message may hold line breaks no more than an event may: a process writes a message as a line.
fn event(message: &RawValue) -> Bytes {
    write_event(message.get().as_bytes()).into()
}
