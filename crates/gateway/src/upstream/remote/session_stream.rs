//! The stream on which a legacy server tells what belongs to no request: one for a session, whoever listens.
//!
//! "The server MUST send each of its JSON-RPC messages on only one of the connected streams" (2025-11-25, Listening for
//! Messages), and servers refuse a second one. So it is opened for the first who listens, everybody hears what is said on
//! it, and it is closed behind the last. With it go the subscriptions that nobody needs any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mcp::EventStream;
use serde_json::json;
use tokio::sync::{Mutex, broadcast};
use tokio::time::{sleep, timeout};

use super::envelope::{self, Envelope, Outcome, first_response};
use super::{Answer, Caller, PooledSession, UpstreamError};
use crate::upstream::source::Source;

/// How many messages may wait for one who reads slowly; later ones are lost.
const WAITING: usize = 64;
/// How long to wait before the stream is opened again that the server has ended; twice as long each time.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The stream of one session, and what the session is subscribed to.
#[derive(Default)]
pub(crate) struct SessionStream(Mutex<State>);

#[derive(Default)]
struct State {
    said: Option<broadcast::Sender<Arc<str>>>,
    /// How many listeners need a resource.
    subscriptions: BTreeMap<String, usize>,
}

/// Messages of a stream that answers nothing.
pub(crate) struct Messages {
    source: Source,
    events: EventStream,
    largest: usize,
}

impl Messages {
    /// Messages of at most `largest` bytes.
    pub(crate) fn new(source: Source, largest: usize) -> Self {
        Self { source, events: EventStream::default(), largest }
    }

    /// The next message; `None` at the end of the stream. Being dropped in between loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, UpstreamError> {
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
}

impl Caller {
    /// What the server says in a session; `None` when it says nothing outside of requests.
    pub(crate) async fn hear(
        self: &Arc<Self>,
        session: &Arc<PooledSession>,
    ) -> Result<Option<broadcast::Receiver<Arc<str>>>, UpstreamError> {
        let state = timeout(self.remote.answer_time, session.stream.0.lock()).await;
        let mut state = state.map_err(|_| UpstreamError::TimedOut)?;
        if let Some(said) = &state.said {
            return Ok(Some(said.subscribe()));
        }
        let messages = match self.open_stream_of(session).await {
            Err(UpstreamError::NoStream) => return Ok(None),
            messages => messages?,
        };
        let (said, hears) = broadcast::channel(WAITING);
        state.said = Some(said.clone());
        let (caller, session) = (self.clone(), session.clone());
        tokio::spawn(async move { caller.tell_everybody(&session, messages, said).await });
        Ok(Some(hears))
    }

    /// Subscribes to a resource for one more listener; `false` when the server does not let it.
    pub(crate) async fn subscribe(&self, session: &PooledSession, uri: &str) -> Result<bool, UpstreamError> {
        let mut state = session.stream.0.lock().await;
        if let Some(listeners) = state.subscriptions.get_mut(uri) {
            *listeners += 1;
            return Ok(true);
        }
        let is_subscribed = self.ask_about(session, "resources/subscribe", uri).await?;
        if is_subscribed {
            state.subscriptions.insert(uri.to_owned(), 1);
        }
        Ok(is_subscribed)
    }

    /// One listener less needs a resource.
    pub(crate) async fn unsubscribe(&self, session: &PooledSession, uri: &str) {
        let mut state = session.stream.0.lock().await;
        let Some(listeners) = state.subscriptions.get_mut(uri) else { return };
        *listeners -= 1;
        if *listeners == 0 {
            state.subscriptions.remove(uri);
            if let Err(error) = self.ask_about(session, "resources/unsubscribe", uri).await {
                tracing::debug!(%error, "a subscription at the upstream could not be ended");
            }
        }
    }

    async fn ask_about(
        &self,
        session: &PooledSession,
        method: &str,
        uri: &str,
    ) -> Result<bool, UpstreamError> {
        let id = session.next_id();
        let body = mcp::request(&id, method, &json!({ "uri": uri }));
        let (_, answer) = self.post(session.headers(), body.into()).await?;
        let outcome = first_response(&self.remote, answer, &id).await?;
        Ok(matches!(outcome, Outcome::Result(_)))
    }

    async fn open_stream_of(&self, session: &PooledSession) -> Result<Messages, UpstreamError> {
        match self.listen(session.headers()).await? {
            Answer::Stream(source) => Ok(Messages::new(source, self.remote.answer_size())),
            Answer::Json(status, _) => Err(UpstreamError::Status(status)),
            Answer::Accepted | Answer::Refused(_) => Err(UpstreamError::Malformed),
        }
    }

    /// Tells what the server says for as long as somebody listens.
    async fn tell_everybody(
        &self,
        session: &PooledSession,
        first: Messages,
        said: broadcast::Sender<Arc<str>>,
    ) {
        let mut messages = first;
        loop {
            tokio::select! {
                () = said.closed() => {
                    let mut state = session.stream.0.lock().await;
                    // Somebody may have come meanwhile.
                    if said.receiver_count() == 0 {
                        state.said = None;
                        return;
                    }
                }
                message = messages.next() => match message {
                    Ok(Some(message)) => self.tell(session, message, &said).await,
                    // Servers end such streams and expect their clients to come back.
                    Ok(None) | Err(_) => match self.open_again(session, &said).await {
                        Some(again) => messages = again,
                        None => {
                            session.stream.0.lock().await.said = None;
                            return;
                        }
                    }
                },
            }
        }
    }

    /// The stream once more; `None` when there is none any more, or nobody listens.
    async fn open_again(
        &self,
        session: &PooledSession,
        said: &broadcast::Sender<Arc<str>>,
    ) -> Option<Messages> {
        let mut pause = PAUSE;
        loop {
            tokio::select! {
                () = said.closed() => return None,
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.open_stream_of(session).await {
                Ok(messages) => return Some(messages),
                Err(UpstreamError::Resting | UpstreamError::Unreachable | UpstreamError::TimedOut) => {}
                Err(error) => {
                    tracing::debug!(%error, "the stream of a session is over");
                    return None;
                }
            }
        }
    }

    /// Outside of a request nobody can be asked anything.
    async fn tell(&self, session: &PooledSession, message: String, said: &broadcast::Sender<Arc<str>>) {
        let Some(envelope) = Envelope::read(message.as_bytes()) else { return };
        match (&envelope.method, envelope.id) {
            (Some(_), None) => {
                // Fails when nobody listens any more.
                let _ = said.send(message.into());
            }
            (Some(method), Some(id)) => {
                let Some(reply) = envelope::refusal(method, id) else { return };
                if let Err(error) = self.post(session.headers(), reply.into()).await {
                    tracing::debug!(%error, "a request of an upstream could not be answered");
                }
            }
            (None, _) => {}
        }
    }
}
