//! A stream of events on its way to the client: one event at a time, taken from the server when the client has room for
//! it, so that a slow reader slows the server down and nothing collects here.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use mcp::{Event, EventStream, write_event};
use tokio::time::timeout;

use super::passage::{Passage, Passed, refusal};
use crate::recorded::record_refused_request;
use crate::settings::Front;
use crate::upstream::remote::envelope::Envelope;
use crate::upstream::remote::{Caller, MESSAGE_SIZE, UpstreamError};
use crate::upstream::source::Source;

/// Reconnecting more often than this (milliseconds) is refused on behalf of clients.
const SHORTEST_RETRY: u64 = 100;
/// How many requests that it may not make a server may try on one stream.
const REFUSALS: u8 = 16;

/// The events of `source` as a response body. Without a passage it answers no request (`GET`).
pub(super) fn body(
    front: &Arc<Front>,
    source: Source,
    passage: Option<Passage>,
    caller: Caller,
    reply: HeaderMap,
) -> Body {
    let relayed = Relayed {
        front: front.clone(),
        source: Some(source),
        events: EventStream::default(),
        passage,
        caller,
        reply,
        may_resume: false,
        refusals: 0,
    };
    Body::from_stream(stream::unfold(relayed, async |mut relayed| {
        let bytes = relayed.next().await?;
        Some((Ok::<_, Infallible>(bytes), relayed))
    }))
}

struct Relayed {
    front: Arc<Front>,
    /// `None` once it has ended.
    source: Option<Source>,
    events: EventStream,
    /// `None` once the response has passed.
    passage: Option<Passage>,
    caller: Caller,
    /// The headers of messages to the server meanwhile.
    reply: HeaderMap,
    /// Events had ids, so that the client can ask for the rest (2025-11-25, Resumability and Redelivery).
    may_resume: bool,
    refusals: u8,
}

impl Relayed {
    /// What the client gets next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            while let Some(event) = self.events.next_event() {
                match self.pass(event).await {
                    Ok(Some(bytes)) => return Some(bytes),
                    Ok(None) => {}
                    Err(error) => return self.end(error),
                }
            }
            match self.receive().await {
                Ok(Some(bytes)) => self.events.push(&bytes),
                Ok(None) => return self.end(UpstreamError::Unreachable),
                Err(error) => return self.end(error),
            }
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        if self.events.pending() > MESSAGE_SIZE {
            return Err(UpstreamError::Malformed);
        }
        let Some(source) = &mut self.source else { return Ok(None) };
        let received = timeout(self.caller.remote().idle_time(), source.chunk()).await;
        received.map_err(|_| UpstreamError::TimedOut)?
    }

    /// What becomes of an event; `None` when it is not for the client.
    async fn pass(&mut self, event: Event) -> Result<Option<Bytes>, UpstreamError> {
        self.may_resume |= has_field(&event.raw, b"id");
        let Some(data) = event.data.as_deref().filter(|data| !data.is_empty()) else {
            return Ok(Some(calmed(event.raw).into()));
        };
        let envelope = Envelope::read(data.as_bytes()).ok_or(UpstreamError::Malformed)?;
        if let (Some(method), Some(id)) = (&envelope.method, envelope.id)
            && !self.caller.remote().allowed().allows(method)
        {
            let reply = refusal(id).ok_or(UpstreamError::Malformed)?;
            return self.refuse(method, reply).await.map(|()| None);
        }
        let passed = self.passage.as_ref().map_or(Passed::Before, |passage| passage.pass(&envelope));
        match passed {
            Passed::Response => {
                self.passage = None;
                Ok(Some(calmed(event.raw).into()))
            }
            Passed::Rewritten(_, body) => {
                self.passage = None;
                Ok(Some(write_event(&body).into()))
            }
            Passed::Before => Ok(Some(calmed(event.raw).into())),
            Passed::Undeliverable(reply) => {
                self.answer(reply).await;
                Ok(None)
            }
            Passed::Refused(method, body) => {
                record_refused_request(&self.front, &self.caller, &method).await;
                self.passage = None;
                Ok(Some(write_event(&body).into()))
            }
            Passed::Malformed => Err(UpstreamError::Malformed),
        }
    }

    /// Refuses a request that the server may not make (UP-17).
    async fn refuse(&mut self, method: &str, reply: Vec<u8>) -> Result<(), UpstreamError> {
        self.refusals += 1;
        if self.refusals > REFUSALS {
            return Err(UpstreamError::Malformed);
        }
        record_refused_request(&self.front, &self.caller, method).await;
        self.answer(reply).await;
        Ok(())
    }

    /// Answers a request of the server in the client's place.
    async fn answer(&self, reply: Vec<u8>) {
        if let Err(error) = self.caller.post(self.reply.clone(), reply.into()).await {
            tracing::debug!(%error, "a request of the upstream could not be answered");
        }
    }

    /// Ends the stream. A client that still waits for a response, and cannot ask for it again, is told why there is
    /// none.
    fn end(&mut self, error: UpstreamError) -> Option<Bytes> {
        self.source = None;
        self.events = EventStream::default();
        let passage = self.passage.take().filter(|_| !self.may_resume)?;
        Some(write_event(&passage.failure(error.to_string())).into())
    }
}

/// Whether an event has a field, which stands at the beginning of a line.
fn has_field(raw: &[u8], field: &[u8]) -> bool {
    lines(raw).any(|line| is_field(line, field))
}

fn is_field(line: &[u8], field: &[u8]) -> bool {
    line.strip_prefix(field).is_some_and(|rest| matches!(rest, [] | [b':' | b'\r' | b'\n', ..]))
}

/// The event without a `retry` that would make clients hammer.
fn calmed(raw: Vec<u8>) -> Vec<u8> {
    let hammers = |line: &[u8]| {
        let value = is_field(line, b"retry").then(|| line.get(6..).unwrap_or_default().trim_ascii());
        let value = value.and_then(|value| std::str::from_utf8(value).ok()?.parse::<u64>().ok());
        value.is_some_and(|value| value < SHORTEST_RETRY)
    };
    if lines(&raw).any(hammers) {
        return lines(&raw).filter(|line| !hammers(line)).flatten().copied().collect();
    }
    raw
}

/// The lines of an event, each with its end; a carriage return that ends one is an end too.
fn lines(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.split_inclusive(|byte| matches!(byte, b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gw_17_no_server_makes_clients_hammer() {
        for (event, calm) in [
            ("retry: 0\ndata: x\n\n", "data: x\n\n"),
            ("id: 1\rretry:99\r\r", "id: 1\r\r"),
            ("retry: 100\n\n", "retry: 100\n\n"),
            ("data: retry: 0\n\n", "data: retry: 0\n\n"),
            ("retry\n\n", "retry\n\n"),
        ] {
            assert_eq!(calmed(event.as_bytes().to_vec()), calm.as_bytes(), "{event:?}");
        }
        assert!(has_field(b"data: x\r\nid\r\n\r\n", b"id") && !has_field(b"data: x\nidle: 1\n\n", b"id"));
    }
}
