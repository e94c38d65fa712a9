//! A server that speaks MCP elsewhere: over Streamable HTTP, or as a process over its standard streams.
//!
//! What goes to it is made here: of the client's request only the checked body and the headers that MCP defines. What
//! comes back is judged here: an answer that is not MCP becomes an [`UpstreamError`], and nothing of it is passed on.

pub(crate) mod annotations;
mod breaker;
pub(crate) mod envelope;
mod era;
mod http_sse;
pub(crate) mod listed;
mod parameters;
mod pool;
mod said;
mod session_stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use guard::Permit;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use mcp::{Era, ErrorObject, Implementation};
use outbound::Limits;
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::source::Source;
use super::stdio::{StdioError, StdioServer};
use crate::allowed_requests::AllowedRequests;
use crate::endpoint::Refusal;
use crate::redaction::Redactor;
use crate::remote_server::RemoteServerSettings;
use crate::settings::{Transport, Way};
use crate::trace_context::upstream_span;
use crate::virtual_server::Joined;
use annotations::KnownAnnotations;
use breaker::Breaker;
pub(crate) use era::Description;
use era::KnownEra;
use http_sse::Streams;
pub(crate) use http_sse::{Exchange, Hearing};
pub(crate) use parameters::KnownParameters;
use pool::Pool;
pub(crate) use pool::{PooledSession, no_capabilities, session_headers};
use said::Said;
pub(crate) use session_stream::Messages;

/// The largest message inside of a virtual server, in bytes; what servers send is bounded by their settings.
pub(crate) const MESSAGE_SIZE: usize = 16 * 1024 * 1024;
/// A stream ends by itself or by being silent; outbound wants a bound all the same.
const STREAM_TIME: Duration = Duration::from_hours(365 * 24);

/// The server, and what is known of it.
pub(crate) struct Remote {
    name: String,
    reached: Reached,
    answer_time: Duration,
    idle_time: Duration,
    allowed: AllowedRequests,
    question_time: Duration,
    answer_size: usize,
    redactor: Redactor,
    annotations: KnownAnnotations,
    parameters: KnownParameters,
    said: Said,
    era: KnownEra,
    pool: Pool,
}

/// How messages get to the server.
enum Reached {
    Http(Box<Http>),
    Process(Arc<StdioServer>),
    Joined(Arc<Joined>),
}

/// A server over HTTP.
struct Http {
    url: Uri,
    transport: Transport,
    streams: Arc<Streams>,
    client: outbound::Client,
    breaker: Breaker,
}

/// The server and the permit of the request that is answered from it: nothing is sent without one.
pub(crate) struct Caller {
    remote: Arc<Remote>,
    permit: Permit,
}

/// What the server answered, as far as its head tells.
pub(crate) enum Answer {
    /// One JSON document.
    Json(StatusCode, Bytes),
    /// Events.
    Stream(Source),
    /// Taken, without an answer.
    Accepted,
    /// A member of a virtual server does not let it pass.
    Refused(Box<Refusal>),
}

/// The upstream's fault. The texts name it as such, and hold nothing that it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// It could not be connected to a moment ago, so it was not tried.
    #[error("the server behind this gateway cannot be reached at the moment")]
    Resting,
    /// It cannot be connected to, or broke off.
    #[error("the server behind this gateway cannot be reached")]
    Unreachable,
    /// It is a process that ended before it answered.
    #[error("the server process behind this gateway ended")]
    Ended,
    /// It did not answer in time.
    #[error("the server behind this gateway did not answer in time")]
    TimedOut,
    /// It answered with a status that is not for the client.
    #[error("the server behind this gateway answered with HTTP status {}", .0.as_u16())]
    Status(StatusCode),
    /// Its answer is not MCP.
    #[error("the answer of the server behind this gateway is not one that can be passed on")]
    Malformed,
    /// Its answer, or an event of it, is larger than the operator allows.
    #[error("the answer of the server behind this gateway is larger than it may be here")]
    TooLarge,
    /// It does not know the session (any more).
    #[error("the server behind this gateway has ended the session")]
    SessionGone,
    /// It has no such HTTP method.
    #[error("the server behind this gateway has no stream of its own")]
    NoStream,
}

impl Remote {
    pub(crate) fn new(settings: &RemoteServerSettings) -> Self {
        Self {
            name: settings.name.clone(),
            reached: match &settings.way {
                Way::Http { url, egress, transport } => Reached::Http(Box::new(Http {
                    url: url.clone(),
                    transport: *transport,
                    streams: Arc::default(),
                    client: outbound::Client::new(egress.clone()),
                    breaker: Breaker::default(),
                })),
                Way::Process(server) => Reached::Process(server.clone()),
                Way::Virtual(server) => Reached::Joined(server.0.clone()),
            },
            answer_time: settings.answer_time,
            idle_time: settings.idle_time,
            allowed: settings.allowed,
            question_time: settings.question_time,
            answer_size: settings.answer_size,
            redactor: Redactor::new(&settings.secrets),
            annotations: KnownAnnotations::default(),
            parameters: KnownParameters::default(),
            said: Said::default(),
            era: KnownEra::default(),
            pool: Pool::default(),
        }
    }

    /// Whether it joins others, whose gates are the ones to pass.
    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self.reached, Reached::Joined(_))
    }

    /// Whether nobody asks it for now, because it could not be connected to.
    pub(crate) fn is_resting(&self) -> bool {
        matches!(&self.reached, Reached::Http(http) if http.breaker.is_resting(Instant::now()))
    }

    /// What it is called here.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a server that needs no opening may also let itself be opened with `initialize`.
    pub(crate) fn may_know_both_eras(&self) -> bool {
        matches!(self.reached, Reached::Http(_))
    }

    /// What it may ask of clients.
    pub(crate) fn allowed(&self) -> AllowedRequests {
        self.allowed
    }

    /// What it says about its tools.
    pub(crate) fn annotations(&self) -> &KnownAnnotations {
        &self.annotations
    }

    /// Which headers its tools ask for.
    pub(crate) fn parameters(&self) -> &KnownParameters {
        &self.parameters
    }

    /// What finds the secrets in what it sends.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// What it has said about itself.
    pub(crate) fn said(&self) -> &Said {
        &self.said
    }

    /// How long a client may take to answer what it asks.
    pub(crate) fn question_time(&self) -> Duration {
        self.question_time
    }

    /// The largest answer, and the largest event of a stream, in bytes.
    pub(crate) fn answer_size(&self) -> usize {
        self.answer_size
    }

    /// Whether it is a process, which has no sessions of its clients.
    pub(crate) fn is_process(&self) -> bool {
        matches!(self.reached, Reached::Process(_))
    }

    /// How long a stream may be silent.
    pub(crate) fn idle_time(&self) -> Duration {
        self.idle_time
    }

    async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<outbound::Body>, UpstreamError> {
        match &self.reached {
            Reached::Http(http) => self.send_to(&http.url, method, headers, body).await,
            // What is sent this way is HTTP; nobody else has a use for it.
            Reached::Process(_) | Reached::Joined(_) => Err(UpstreamError::NoStream),
        }
    }

    /// The same to another URL of the server's origin.
    async fn send_to(
        &self,
        url: &Uri,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<outbound::Body>, UpstreamError> {
        let Reached::Http(http) = &self.reached else { return Err(UpstreamError::NoStream) };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.clone();
        *request.headers_mut() = headers;
        if !http.breaker.lets_pass(Instant::now()) {
            return Err(UpstreamError::Resting);
        }
        let limits = Limits { bytes: usize::MAX, headers: self.answer_time, total: STREAM_TIME };
        let call = http.client.stream(request, limits).instrument(upstream_span(&self.name));
        let outcome = call.await;
        http.breaker.note(&outcome, Instant::now());
        outcome.map_err(|error| {
            tracing::warn!(server = %self.name, %error, "the upstream gives no answer");
            error.into()
        })
    }

    /// The whole of a body that is no stream.
    async fn whole(&self, mut body: outbound::Body) -> Result<Bytes, UpstreamError> {
        let read = async {
            let mut whole = BytesMut::new();
            while let Some(chunk) = body.chunk().await? {
                if whole.len() + chunk.len() > self.answer_size {
                    return Err(UpstreamError::TooLarge);
                }
                whole.extend_from_slice(&chunk);
            }
            Ok(whole.freeze())
        };
        timeout(self.answer_time, read).await.map_err(|_| UpstreamError::TimedOut)?
    }

    /// What the head of an answer means.
    async fn judge(&self, response: Response<outbound::Body>) -> Result<Answer, UpstreamError> {
        let (head, body) = response.into_parts();
        let content_type = head.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let is = |media_type: &[u8]| {
            content_type.get(..media_type.len()).is_some_and(|start| start.eq_ignore_ascii_case(media_type))
        };
        match head.status {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => Ok(Answer::Accepted),
            StatusCode::OK if is(b"text/event-stream") => Ok(Answer::Stream(Source::Http(body))),
            StatusCode::OK if is(b"application/json") => {
                Ok(Answer::Json(head.status, self.whole(body).await?))
            }
            // Both eras have statuses that come with a JSON-RPC error; whether one did, the reader of the body sees.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => {
                Ok(Answer::Json(head.status, self.whole(body).await?))
            }
            StatusCode::METHOD_NOT_ALLOWED => Err(UpstreamError::NoStream),
            status => {
                tracing::warn!(server = %self.name, %status, "the upstream refuses or fails");
                Err(UpstreamError::Status(status))
            }
        }
    }

    /// One message over HTTP, for what the head of the answer tells and for why there is none; `None` where there is no
    /// HTTP.
    pub(crate) async fn reach(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Option<Result<Response<outbound::Body>, outbound::Error>> {
        let Reached::Http(http) = &self.reached else { return None };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = http.url.clone();
        *request.headers_mut() = headers;
        let limits = Limits { bytes: self.answer_size, headers: self.answer_time, total: self.answer_time };
        Some(http.client.stream(request, limits).await)
    }

    async fn post(&self, mut headers: HeaderMap, body: Bytes) -> Result<(HeaderMap, Answer), UpstreamError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let response = self.send(Method::POST, headers, body).await?;
        let answered = response.headers().clone();
        Ok((answered, self.judge(response).await?))
    }
}

impl Caller {
    pub(crate) fn new(remote: &Arc<Remote>, permit: Permit) -> Self {
        Self { remote: remote.clone(), permit }
    }

    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    pub(crate) fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Sends one message. What comes back beside the answer are the upstream's headers, for the few that are read.
    pub(crate) async fn post(
        &self,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(HeaderMap, Answer), UpstreamError> {
        match &self.remote.reached {
            Reached::Http(http) => self.post_over_http(http, headers, body).await,
            Reached::Process(server) => Ok((HeaderMap::new(), server.post(&self.permit, &body).await?)),
            Reached::Joined(joined) => {
                Ok((HeaderMap::new(), joined.post(&self.permit, &headers, &body).await?))
            }
        }
    }

    /// Opens the stream of messages that belong to no request (legacy era).
    pub(crate) async fn listen(&self, mut headers: HeaderMap) -> Result<Answer, UpstreamError> {
        match (&self.remote.reached, http_sse::stream_of(&headers)) {
            (Reached::Process(server), _) => return server.events(&self.permit),
            (Reached::Http(http), Some(id)) => return Ok(self.listen_to_stream(http, id)),
            (Reached::Joined(_), _) => return Err(UpstreamError::NoStream),
            (Reached::Http(_), None) => {}
        }
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let response = self.remote.send(Method::GET, headers, Bytes::new()).await?;
        self.remote.judge(response).await
    }

    /// Ends a session (legacy era). What the server says to it changes nothing.
    pub(crate) async fn end_session(&self, headers: HeaderMap) {
        if let (Reached::Http(http), Some(id)) = (&self.remote.reached, http_sse::stream_of(&headers)) {
            return self.end_stream(http, id);
        }
        if let Err(error) = self.remote.send(Method::DELETE, headers, Bytes::new()).await {
            tracing::debug!(server = %self.remote.name, %error, "the session could not be ended at the upstream");
        }
    }

    /// Which era the server speaks.
    pub(crate) async fn description(&self) -> Result<Description, UpstreamError> {
        match &self.remote.reached {
            // Processes, and servers of the older transport, are opened with `initialize`.
            Reached::Process(_) => Ok(Description::Legacy),
            Reached::Http(http) if http.transport == Transport::HttpSse => Ok(Description::Legacy),
            Reached::Joined(joined) => Ok(Description::Modern(joined.description())),
            Reached::Http(_) => self.remote.era.get(&self.remote).await,
        }
    }

    /// Holds an error against the era that the server is thought to speak: when it shows another one, the next request
    /// asks again.
    pub(crate) async fn note_error(&self, thought: Era, status: StatusCode, error: Option<&ErrorObject>) {
        let is_modern = error.is_some_and(|error| error.code.is_modern());
        let contradicts = match thought {
            Era::Legacy => is_modern,
            Era::Modern => Era::of_refusal(status, error) == Era::Legacy,
        };
        if contradicts {
            self.remote.era.forget().await;
        }
    }
}

impl From<outbound::Error> for UpstreamError {
    fn from(error: outbound::Error) -> Self {
        match error {
            outbound::Error::Timeout { .. } => Self::TimedOut,
            outbound::Error::TooLarge { .. } => Self::TooLarge,
            _ => Self::Unreachable,
        }
    }
}

impl From<StdioError> for UpstreamError {
    fn from(error: StdioError) -> Self {
        match error {
            StdioError::NotStarted | StdioError::NoHandshake => Self::Unreachable,
            StdioError::Ended => Self::Ended,
            StdioError::Deadline => Self::TimedOut,
            StdioError::BackingOff(_) | StdioError::Full | StdioError::Busy | StdioError::ShuttingDown => {
                Self::Resting
            }
        }
    }
}

/// The error object of a JSON-RPC error in a body; `None` when the body is anything else.
pub(crate) fn error_in(body: &[u8]) -> Option<ErrorObject> {
    #[derive(Deserialize)]
    struct Failure {
        error: ErrorObject,
    }
    serde_json::from_slice::<Failure>(body).ok().map(|failure| failure.error)
}

/// What the gateway calls itself where it speaks for itself.
pub(crate) fn implementation() -> Implementation {
    Implementation {
        name: "vestibule".to_owned(),
        title: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
