//! A server that speaks HTTP with SSE, the transport of 2024-11-05, behind the same door as one over Streamable HTTP.
//!
//! 1. `initialize` opens a stream (`GET`), whose first event, `endpoint`, names where messages go (`endpoint`). That
//!    must be of the server's own origin.
//! 2. The stream is a session with one principal and one connection of theirs, and found again by its id, which looks like that of a Streamable HTTP
//!    session to everybody else and is known to no client.
//! 3. Messages go to the endpoint; what comes back on the stream finds its way to the exchange that it belongs to
//!    (`conversation`).
//! 4. Where the configuration does not say which transport a server speaks, it is found out as the specification says
//!    (2025-11-25, Transports, Backwards Compatibility): a server that has no use for a posted `initialize` is asked for
//!    a stream.
//!
//! A stream is in the memory of this node. When it ends, whatever waits fails and is not sent again; its session is
//! gone, as it is for the server.

mod conversation;
mod endpoint;
mod sending;
mod streams;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use mcp::headers::SESSION_ID;
use mcp::{Event, EventStream, Message, RequestId};
use tokio::time::timeout;

use super::envelope::Envelope;
use super::{Answer, Caller, Http, Presented, UpstreamError, error_in};
use crate::settings::Transport;
use crate::upstream::source::Source;
use conversation::Conversation;
pub(crate) use conversation::{Exchange, Hearing};
use streams::Key;
pub(super) use streams::Streams;

/// What a session id begins with that stands for a stream.
const PREFIX: &str = "http+sse:";

/// The session id of a stream among the headers of a message.
pub(super) fn stream_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_ID)?.to_str().ok().filter(|id| id.starts_with(PREFIX))
}

impl Caller {
    /// Sends one message to a server that is reached over HTTP, in the transport that it speaks.
    pub(super) async fn post_over_http(
        &self,
        http: &Http,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(HeaderMap, Answer), UpstreamError> {
        if let Some(id) = stream_of(&headers) {
            return Ok((HeaderMap::new(), Box::pin(self.post_to_stream(http, id, body)).await?));
        }
        match http.transport {
            Transport::StreamableHttp => self.post_once(headers, body).await,
            Transport::HttpSse => Box::pin(self.open_stream(http, body)).await,
            Transport::Detected if !is_initialize(&body) => self.post_once(headers, body).await,
            Transport::Detected => Box::pin(self.find_out(http, headers, body)).await,
        }
    }

    async fn post_once(&self, headers: HeaderMap, body: Bytes) -> Result<(HeaderMap, Answer), UpstreamError> {
        self.remote.post(headers, body, self.presented.as_ref()).await
    }

    /// The stream's own messages, for one who listens.
    pub(super) fn listen_to_stream(&self, http: &Http, id: &str) -> Answer {
        match self.stream(http, id) {
            Some(conversation) => Answer::Stream(Source::Hearing(conversation.hear())),
            None => gone(),
        }
    }

    /// Ends a stream, which is how its session ends.
    pub(super) fn end_stream(&self, http: &Http, id: &str) {
        http.streams.remove(&self.key(id));
    }

    fn stream(&self, http: &Http, id: &str) -> Option<Arc<Conversation>> {
        http.streams.get(&self.key(id))
    }

    /// With another principal's permit, or another connection, a session id is another key: nobody finds a stream but
    /// whoever it was opened for.
    fn key(&self, id: &str) -> Key {
        (self.identity(), id.to_owned())
    }

    /// `initialize` where it is not known which transport the server speaks; what was found last time is tried first.
    async fn find_out(
        &self,
        http: &Http,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(HeaderMap, Answer), UpstreamError> {
        if http.streams.are_spoken() {
            match self.open_stream(http, body.clone()).await {
                Err(UpstreamError::NoStream | UpstreamError::Malformed) => {
                    http.streams.found_spoken(false);
                }
                answered => return answered,
            }
        }
        let posted = self.post_once(headers, body.clone()).await;
        if !knows_no_post(&posted) {
            return posted;
        }
        match self.open_stream(http, body).await {
            Ok(answered) => {
                tracing::info!(server = %self.remote().name(), "the upstream speaks HTTP with SSE");
                http.streams.found_spoken(true);
                Ok(answered)
            }
            Err(error) => {
                tracing::debug!(%error, "nor does the upstream speak HTTP with SSE");
                posted
            }
        }
    }

    /// Opens a stream and sends it its first message.
    async fn open_stream(&self, http: &Http, body: Bytes) -> Result<(HeaderMap, Answer), UpstreamError> {
        // Any other message has a session.
        if !is_initialize(&body) {
            return Ok((HeaderMap::new(), gone()));
        }
        if http.streams.are_full() {
            tracing::warn!(server = %self.remote().name(), "the upstream has as many streams as it may");
            return Err(UpstreamError::Resting);
        }
        let opening = self.remote().connect(&http.url, self.presented.as_ref());
        let (endpoint, events, source) =
            timeout(self.remote().answer_time, opening).await.map_err(|_| UpstreamError::TimedOut)??;
        let id = session_id(&endpoint)?;
        let conversation = Arc::new(Conversation::new(endpoint));
        let key = self.key(id.to_str().map_err(|_| UpstreamError::Malformed)?);
        http.streams.insert(key.clone(), conversation.clone());
        let streams = Arc::downgrade(&http.streams);
        let ended = self.presented.as_ref().map(Presented::ended);
        conversation.read((events, source), ended, move || {
            if let Some(streams) = streams.upgrade() {
                streams.remove(&key);
            }
        });
        let answer = self.post_to_conversation(http, &conversation, body).await;
        if answer.is_err() {
            self.end_stream(http, id.to_str().unwrap_or_default());
        }
        Ok(([(SESSION_ID, id)].into_iter().collect(), answer?))
    }

    async fn post_to_stream(&self, http: &Http, id: &str, body: Bytes) -> Result<Answer, UpstreamError> {
        match self.stream(http, id) {
            Some(conversation) => self.post_to_conversation(http, &conversation, body).await,
            None => Ok(gone()),
        }
    }

    async fn post_to_conversation(
        &self,
        http: &Http,
        conversation: &Arc<Conversation>,
        body: Bytes,
    ) -> Result<Answer, UpstreamError> {
        let Message::Request(request) = Message::parse(&body).map_err(|_| UpstreamError::Malformed)? else {
            let presented = self.presented.as_ref();
            return match self.remote.tell(&conversation.endpoint, body.clone(), presented).await {
                Ok(()) => Ok(Answer::Accepted),
                Err(UpstreamError::SessionGone) => Ok(forgotten(http, conversation)),
                Err(error) => Err(error),
            };
        };
        let mut exchange = conversation.open(&request)?;
        self.ask(conversation.clone(), request.id.into_owned(), body.clone());
        // A server that took the request has begun its answer, however long the first word of it takes.
        match timeout(self.remote().answer_time, exchange.next()).await {
            Err(_) => Ok(Answer::Stream(Source::HttpSse(None, exchange))),
            Ok(Ok(message)) if exchange.is_over() => Ok(Answer::Json(StatusCode::OK, message)),
            Ok(Ok(message)) => Ok(Answer::Stream(Source::HttpSse(Some(message), exchange))),
            Ok(Err(UpstreamError::SessionGone)) => Ok(forgotten(http, conversation)),
            Ok(Err(error)) => Err(error),
        }
    }

    /// Sends a request while its answer is waited for: servers may answer before they say that they will.
    fn ask(&self, conversation: Arc<Conversation>, id: RequestId<'static>, body: Bytes) {
        let (remote, presented) = (self.remote.clone(), self.presented.clone());
        tokio::spawn(async move {
            match remote.tell(&conversation.endpoint, body, presented.as_ref()).await {
                Ok(()) => conversation.taken(&id),
                Err(error) => conversation.fail(&id, error),
            }
        });
    }
}

/// The next event that is more than a comment.
fn next_event(events: &mut EventStream) -> Option<Event> {
    std::iter::from_fn(|| events.next_event()).find(|event| event.data.is_some())
}

/// The type of an event; `message` unless it says otherwise.
fn name_of(raw: &[u8]) -> &[u8] {
    let lines = raw.split(|byte| matches!(byte, b'\n' | b'\r'));
    let named = lines.filter_map(|line| line.strip_prefix(b"event:")).next_back();
    named.map_or(b"message", <[u8]>::trim_ascii)
}

/// The endpoint tells one session of the server from another, so it makes the id.
fn session_id(endpoint: &Uri) -> Result<HeaderValue, UpstreamError> {
    let path = endpoint.path_and_query().map_or("/", |path| path.as_str());
    HeaderValue::try_from(format!("{PREFIX}{path}")).map_err(|_| UpstreamError::Malformed)
}

fn is_initialize(body: &[u8]) -> bool {
    // Every message comes by here: one that neither has the word nor an escape that may hide it is not read.
    let may_be = |text: &str| text.contains("\"initialize\"") || text.contains('\\');
    std::str::from_utf8(body).is_ok_and(may_be)
        && Envelope::read(body).is_some_and(|envelope| envelope.method.as_deref() == Some("initialize"))
}

/// "400 Bad Request", "404 Not Found" or "405 Method Not Allowed", and nothing that an MCP server would say.
fn knows_no_post(posted: &Result<(HeaderMap, Answer), UpstreamError>) -> bool {
    match posted {
        Ok((_, Answer::Json(status, body))) => *status != StatusCode::OK && error_in(body).is_none(),
        Err(error) => matches!(error, UpstreamError::NoStream),
        Ok(_) => false,
    }
}

/// The server does not know the session any more.
fn forgotten(http: &Http, conversation: &Arc<Conversation>) -> Answer {
    http.streams.forget(conversation);
    gone()
}

/// What a server over Streamable HTTP answers when it does not know a session.
fn gone() -> Answer {
    Answer::Json(StatusCode::NOT_FOUND, Bytes::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_a_type() {
        for (raw, name) in [
            (&b"event: endpoint\ndata: /x\n\n"[..], &b"endpoint"[..]),
            (b"data: /x\r\nevent:endpoint\r\n\r\n", b"endpoint"),
            (b"event: message\ndata: event: endpoint\n\n", b"message"),
            (b"data: x\n\n", b"message"),
        ] {
            assert_eq!(name_of(raw), name);
        }
    }

    #[test]
    fn initialize_is_known_in_every_spelling() {
        for (body, is_initialize) in [
            (r#"{"method":"initialize"}"#, true),
            (r#"{"method":"initi\u0061lize"}"#, true),
            (r#"{"method":"tools/call","params":{"name":"initialize"}}"#, false),
            (r#"{"method":"tools/call","params":{"name":"a\n"}}"#, false),
            (r#"{"method":"ping"}"#, false),
        ] {
            assert_eq!(super::is_initialize(body.as_bytes()), is_initialize, "{body}");
        }
    }

    #[test]
    fn comments_are_no_first_event() {
        let mut events = EventStream::default();
        events.push(b": hello\n\nretry: 5\n\nevent: endpoint\ndata: /m\n\n");
        assert_eq!(next_event(&mut events).and_then(|event| event.data).as_deref(), Some("/m"));
    }
}
