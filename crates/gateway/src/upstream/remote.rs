//! A server that speaks MCP elsewhere: over Streamable HTTP, or as a process over its standard streams.
//!
//! What goes to it is made here: of the client's request only the checked body and the headers that MCP defines. What
//! comes back is judged here: an answer that is not MCP becomes an [`UpstreamError`], and nothing of it is passed on.

pub(crate) mod annotations;
pub(crate) mod breaker;
mod caller;
pub(crate) mod envelope;
mod era;
mod http_sse;
pub(crate) mod listed;
mod over_http;
mod parameters;
mod pool;
pub(crate) mod presented;
mod said;
mod session_stream;
mod upstream_error;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, Uri};
use mcp::{ErrorObject, Implementation, Params};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::openapi::Api;
use super::source::Source;
use super::stdio::StdioServer;
use crate::allowed_requests::AllowedRequests;
use crate::endpoint::Refusal;
use crate::redaction::Redactor;
use crate::remote_server::RemoteServerSettings;
use crate::settings::{Transport, Way};
use crate::virtual_server::Joined;
use annotations::KnownAnnotations;
use breaker::Breaker;
pub(crate) use caller::Caller;
pub(crate) use era::Description;
use era::KnownEra;
use http_sse::Streams;
pub(crate) use http_sse::{Exchange, Hearing};
pub(crate) use parameters::KnownParameters;
use pool::Pool;
pub(crate) use pool::{PooledSession, no_capabilities, session_headers};
pub(crate) use presented::{Ended, Presented};
use said::Said;
pub(crate) use session_stream::Messages;
pub(crate) use upstream_error::UpstreamError;

/// The largest message inside of a virtual server, in bytes; what servers send is bounded by their settings.
pub(crate) const MESSAGE_SIZE: usize = 16 * 1024 * 1024;

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
    OpenApi(Arc<Api>),
}

/// A server over HTTP.
struct Http {
    url: Uri,
    transport: Transport,
    streams: Arc<Streams>,
    client: outbound::Client,
    breaker: Breaker,
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

impl Answer {
    /// The answer to a request that this credential went with, if one did.
    fn lent(self, presented: Option<&Presented>) -> Self {
        match (self, presented) {
            (Self::Stream(source), Some(presented)) => Self::Stream(source.until(presented.ended())),
            (answer, _) => answer,
        }
    }
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
                Way::OpenApi(server) => Reached::OpenApi(server.0.clone()),
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

    /// Whether it is an API, which tells nothing of its own accord.
    pub(crate) fn is_api(&self) -> bool {
        matches!(self.reached, Reached::OpenApi(_))
    }

    /// Whether nobody asks it for now, because it could not be connected to.
    pub(crate) fn is_resting(&self) -> bool {
        match &self.reached {
            Reached::Http(http) => http.breaker.is_resting(Instant::now()),
            Reached::OpenApi(api) => api.is_resting(),
            Reached::Process(_) | Reached::Joined(_) => false,
        }
    }

    /// What it is called here.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a server that needs no opening may also let itself be opened with `initialize`.
    pub(crate) fn may_know_both_eras(&self) -> bool {
        matches!(self.reached, Reached::Http(_))
    }

    /// Whether a request for `method` takes the credential of whoever makes it, where one is configured: all that goes
    /// to another server. What an API offers, nobody has to be asked for.
    pub(crate) fn takes_credential_for(&self, method: &str) -> bool {
        match self.reached {
            Reached::Http(_) => true,
            Reached::OpenApi(_) => method == "tools/call",
            Reached::Process(_) | Reached::Joined(_) => false,
        }
    }

    /// The parameters of the call that a call of an API's calling tool stands for; `None` for everything else.
    pub(crate) fn called(&self, method: &str, params: &Params<'_>) -> Option<Box<RawValue>> {
        let Reached::OpenApi(api) = &self.reached else { return None };
        api.called(method, params)
    }

    /// Whether it answers a call itself: a search among the tools of an API asks nobody else.
    pub(crate) fn answers_itself(&self, method: &str, params: &Params<'_>) -> bool {
        matches!(&self.reached, Reached::OpenApi(api) if api.is_search(method, params))
    }

    /// Whether it looks for what a caller may see by itself.
    pub(crate) fn searches(&self) -> bool {
        matches!(&self.reached, Reached::OpenApi(api) if api.searches())
    }

    /// How long it may take to begin an answer.
    pub(crate) fn answer_time(&self) -> Duration {
        self.answer_time
    }

    /// Whether it can be asked nothing at all without a credential, where one is configured.
    pub(crate) fn has_waiting_room(&self) -> bool {
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
