//! A legacy client's stream (`GET`) before a modern server.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use mcp::{
    DiscoverResult, Meta, ProtocolVersion, RequestId, SubscriptionFilter, headers as mirror, write_event,
};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::super::{RelayEndpoint, event_stream};
use super::redaction::Redaction;
use super::together::{Kind, Listener, Meeting, Opened};
use super::{SIGN_OF_LIFE, in_subscription};
use crate::endpoint::Refusal;
use crate::session::memory::SessionMemory;
use crate::session::sealed::ClientDescription;
use crate::upstream::remote::envelope::Envelope;
use crate::upstream::remote::{Answer, Caller, Description, Messages, UpstreamError};

const METHOD: &str = "subscriptions/listen";
/// How long to wait before a stream is asked for again that the server has ended; twice as long each time.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Opens the stream; a server that tells nothing of its own accord has none.
pub(in super::super) async fn before_modern(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    client: &ClientDescription,
    memory: &Arc<SessionMemory>,
) -> Result<Response, Refusal> {
    let Description::Modern(described) = caller.description().await? else {
        return Err(Refusal::SessionUnknown);
    };
    let described: DiscoverResult =
        serde_json::from_str(described.get()).map_err(|_| UpstreamError::Malformed)?;
    let lists = SubscriptionFilter::of_lists(&described.capabilities);
    let subscribe = described.capabilities.get("resources").and_then(|resources| resources.get("subscribe"));
    if lists.is_empty() && subscribe.and_then(serde_json::Value::as_bool) != Some(true) {
        return Err(Refusal::Method("POST, DELETE"));
    }
    let heard = Heard {
        meta: meta_of(client).ok_or(UpstreamError::Malformed)?,
        meeting: Meeting::at(endpoint, &caller),
        redaction: Redaction::new(&endpoint.front, &caller),
        caller,
        lists,
        subscriptions: memory.subscriptions(),
        // While it is kept here, the client's further requests find it.
        _memory: memory.clone(),
        messages: None,
        pause: PAUSE,
        must_open: true,
    };
    Ok(event_stream(Body::from_stream(stream::unfold(heard, async |mut heard| {
        let event = heard.next().await;
        Some((Ok::<_, Infallible>(event), heard))
    }))))
}

fn meta_of(client: &ClientDescription) -> Option<Box<RawValue>> {
    let info = client.info.as_ref().map(to_raw_value).transpose().ok()?;
    let capabilities = to_raw_value(&client.capabilities).ok()?;
    Some(Meta::default().to_modern(info.as_deref(), &capabilities, None))
}

struct Heard {
    caller: Arc<Caller>,
    /// Where it can be listened together with others.
    meeting: Option<Meeting>,
    redaction: Redaction,
    meta: Box<RawValue>,
    /// Which changes of lists the server tells.
    lists: SubscriptionFilter,
    subscriptions: watch::Receiver<BTreeSet<String>>,
    _memory: Arc<SessionMemory>,
    messages: Option<Said>,
    pause: Duration,
    must_open: bool,
}

impl Heard {
    /// What the client gets next.
    async fn next(&mut self) -> Bytes {
        loop {
            if self.must_open {
                self.open().await;
            }
            let heard = async {
                match &mut self.messages {
                    Some(messages) => timeout(SIGN_OF_LIFE, messages.next()).await.ok(),
                    // The server could not be asked, or there is nothing to ask for.
                    None => {
                        sleep(self.pause).await;
                        None
                    }
                }
            };
            tokio::select! {
                // What has been said is not lost to what is asked for next.
                biased;
                message = heard => match message {
                    Some(Ok(Some(message))) => {
                        self.pause = PAUSE;
                        if let Some(event) = pass(&self.redaction.of(&message).await) {
                            return event;
                        }
                    }
                    Some(Ok(None) | Err(_)) => self.lose(),
                    None => {
                        self.must_open = self.messages.is_none();
                        return Bytes::from_static(b":\n\n");
                    }
                },
                Ok(()) = self.subscriptions.changed() => self.must_open = true,
            }
        }
    }

    /// Asks for what the client wants to hear now. Until the new stream is there the old one is kept.
    async fn open(&mut self) {
        self.must_open = false;
        let mut filter = self.lists.clone();
        filter.resource_subscriptions.clone_from(&self.subscriptions.borrow_and_update());
        if filter.is_empty() {
            self.messages = None;
            self.pause = SIGN_OF_LIFE;
            return;
        }
        match self.ask(&filter).await {
            Ok(source) => self.messages = Some(source),
            Err(error) => {
                tracing::debug!(%error, "the upstream does not tell what its client wants to hear");
                self.lose();
            }
        }
    }

    async fn ask(&mut self, filter: &SubscriptionFilter) -> Result<Said, UpstreamError> {
        let listener =
            self.meeting.clone().and_then(|meeting| meeting.listen(self.caller.clone(), filter.clone()).ok());
        let Some(mut listener) = listener else {
            return self.ask_alone(filter).await.map(Box::new).map(Said::Alone);
        };
        match listener.opened().await {
            Opened::Stream => Ok(Said::Together(listener)),
            Opened::Answer(status, _) => Err(UpstreamError::Status(status)),
            Opened::Failed(error) => Err(error),
        }
    }

    async fn ask_alone(&mut self, filter: &SubscriptionFilter) -> Result<Messages, UpstreamError> {
        let params = json!({ "notifications": filter, "_meta": self.meta });
        let body = mcp::request(&RequestId::Integer(1), METHOD, &params);
        let headers: HeaderMap = mirror::compose(ProtocolVersion::LATEST, METHOD, None).into_iter().collect();
        match self.caller.post(headers, body.into()).await? {
            (_, Answer::Stream(source)) => Ok(Messages::new(source, self.caller.remote().answer_size())),
            (_, Answer::Json(status, _)) => Err(UpstreamError::Status(status)),
            (_, Answer::Accepted | Answer::Refused(_)) => Err(UpstreamError::Malformed),
        }
    }

    /// The stream is over; it is asked for again after a pause.
    fn lose(&mut self) {
        self.messages = None;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// What the server says.
enum Said {
    /// To this client.
    Alone(Box<Messages>),
    /// To everybody who asks for the same.
    Together(Listener),
}

impl Said {
    /// The next message; `None` at the end of the stream. Being dropped in between loses nothing.
    async fn next(&mut self) -> Result<Option<String>, UpstreamError> {
        let listener = match self {
            Self::Alone(messages) => return messages.next().await,
            Self::Together(listener) => listener,
        };
        loop {
            // One who was too slow asks again.
            let Some(told) = listener.next().await else { return Ok(None) };
            match told.kind() {
                Kind::Comment => {}
                Kind::Response => return Ok(None),
                Kind::Acknowledgement | Kind::Notification => {
                    return Ok(Some(String::from_utf8_lossy(told.text()).into_owned()));
                }
            }
        }
    }
}

/// A notification as the legacy era says it; `None` for what only the modern one knows.
fn pass(message: &str) -> Option<Bytes> {
    let envelope = Envelope::read(message.as_bytes())?;
    let method = envelope.method.as_deref().filter(|_| envelope.id.is_none())?;
    if method == "notifications/subscriptions/acknowledged" {
        return None;
    }
    Some(write_event(&in_subscription(method, envelope.params, None)?).into())
}
