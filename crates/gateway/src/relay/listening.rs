//! What a server tells of its own accord, for clients of the other era.
//!
//! A modern client asks for it with `subscriptions/listen`. Before a legacy server, a session is opened for that one
//! stream: what is subscribed to there ends with it. A legacy client opens a stream with `GET` and subscribes with
//! requests. Before a modern server, one `subscriptions/listen` stands behind that stream, and is opened again whenever
//! the client's subscriptions change.

mod before_legacy;
mod before_modern;

use std::time::Duration;

use mcp::json::Object;
use mcp::{EventStream, SUBSCRIPTION_ID};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::timeout;

pub(super) use before_legacy::before_legacy;
pub(super) use before_modern::before_modern;

use crate::upstream::remote::UpstreamError;
use crate::upstream::source::Source;

/// How often a client hears that a stream on which nothing happens is still there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(25);
/// How long to wait before a stream is opened again that the server has ended; twice as long each time.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Messages of a stream that answers nothing.
struct Messages {
    source: Source,
    events: EventStream,
    largest: usize,
}

impl Messages {
    fn new(source: Source, largest: usize) -> Self {
        Self { source, events: EventStream::default(), largest }
    }

    /// The next message; `None` at the end of the stream. Being dropped in between loses nothing.
    async fn next(&mut self) -> Result<Option<String>, UpstreamError> {
        loop {
            while let Some(event) = self.events.next_event() {
                if let Some(data) = event.data.filter(|data| !data.is_empty()) {
                    return Ok(Some(data));
                }
            }
            if self.events.pending() > self.largest {
                return Err(UpstreamError::Malformed);
            }
            match self.source.chunk().await? {
                Some(bytes) => self.events.push(&bytes),
                None => return Ok(None),
            }
        }
    }

    /// The same, or nothing when nothing is said for a while.
    async fn next_or_sign_of_life(&mut self) -> Result<Option<Option<String>>, UpstreamError> {
        match timeout(SIGN_OF_LIFE, self.next()).await {
            Ok(Ok(Some(message))) => Ok(Some(Some(message))),
            Ok(Ok(None)) => Ok(None),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(Some(None)),
        }
    }
}

/// The resource that a notification is about.
fn uri_of(params: Option<&RawValue>) -> Option<String> {
    #[derive(Deserialize)]
    struct About {
        uri: String,
    }
    serde_json::from_str::<About>(params?.get()).ok().map(|about| about.uri)
}

/// The notification with the id of a subscription, or without.
fn in_subscription(method: &str, params: Option<&RawValue>, id: Option<&RawValue>) -> Option<Vec<u8>> {
    let mut params = Object::read(params.map_or("{}", RawValue::get), &["_meta"]).ok()?;
    let mut meta = match params.take("_meta") {
        Some(meta) => Object::read(meta.get(), &[SUBSCRIPTION_ID]).ok()?,
        None => Object::default(),
    };
    meta.take(SUBSCRIPTION_ID);
    if let Some(id) = id {
        meta.set(SUBSCRIPTION_ID, id);
    }
    let meta = to_raw_value(&meta).ok()?;
    if meta.get() != "{}" {
        params.set("_meta", &meta);
    }
    Some(mcp::notification(method, &params))
}
