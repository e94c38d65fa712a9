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

use super::passage::{Passage, Passed};
use crate::upstream::remote::{Caller, MESSAGE_SIZE, UpstreamError};
use crate::upstream::source::Source;

/// Reconnecting more often than this (milliseconds) is refused on behalf of clients.
const SHORTEST_RETRY: u64 = 500;

/// The events of `source` as a response body. Without a passage it answers no request (`GET`).
pub(super) fn body(source: Source, passage: Option<Passage>, caller: Caller, reply: HeaderMap) -> Body {
    let relayed = Relayed {
        source: Some(source),
        events: EventStream::default(),
        passage,
        caller: Arc::new(caller),
        reply,
        may_resume: false,
    };
    Body::from_stream(stream::unfold(relayed, async |mut relayed| {
        let bytes = relayed.next().await?;
        Some((Ok::<_, Infallible>(bytes), relayed))
    }))
}

struct Relayed {
    /// `None` once it has ended.
    source: Option<Source>,
    events: EventStream,
    /// `None` once the response has passed.
    passage: Option<Passage>,
    caller: Arc<Caller>,
    reply: HeaderMap,
    /// Events had ids, so that the client can ask for the rest (2025-11-25, Resumability and Redelivery).
    may_resume: bool,
}

impl Relayed {
    /// What the client gets next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            while let Some(event) = self.events.next_event() {
                match self.pass(event) {
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
    fn pass(&mut self, event: Event) -> Result<Option<Bytes>, UpstreamError> {
        self.may_resume |= has_field(&event.raw, b"id");
        let data = event.data.as_deref().filter(|data| !data.is_empty());
        let (Some(data), Some(passage)) = (data, &self.passage) else {
            return Ok(Some(calmed(event.raw).into()));
        };
        match passage.pass(data.as_bytes()) {
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
                self.answer(reply);
                Ok(None)
            }
            Passed::Malformed => Err(UpstreamError::Malformed),
        }
    }

    /// Answers a request of the server in the client's place; the stream does not wait for it.
    fn answer(&self, reply: Vec<u8>) {
        let (caller, headers) = (self.caller.clone(), self.reply.clone());
        tokio::spawn(async move {
            if let Err(error) = caller.post(headers, reply.into()).await {
                tracing::debug!(%error, "a request of the upstream could not be answered");
            }
        });
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
            ("id: 1\rretry:499\r\r", "id: 1\r\r"),
            ("retry: 500\n\n", "retry: 500\n\n"),
            ("data: retry: 0\n\n", "data: retry: 0\n\n"),
            ("retry\n\n", "retry\n\n"),
        ] {
            assert_eq!(calmed(event.as_bytes().to_vec()), calm.as_bytes(), "{event:?}");
        }
        assert!(has_field(b"data: x\r\nid\r\n\r\n", b"id") && !has_field(b"data: x\nidle: 1\n\n", b"id"));
    }
}
