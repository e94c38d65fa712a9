//! One request's way to a server, whichever way the server is reached.

use std::sync::Arc;

use audit::Outcome;
use bytes::Bytes;
use guard::Permit;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use mcp::{Era, ErrorObject, Params, Request};
use oauth::Timestamp;
use secret::Digest;

use super::{Answer, Description, Presented, Reached, Remote, UpstreamError, http_sse};
use crate::endpoint::principal;
use crate::policy::ServerPolicy;
use crate::settings::Transport;
use crate::upstream::openapi::{Going, Shown};

/// The server and the permit of the request that is answered from it: nothing is sent without one.
pub(crate) struct Caller {
    pub(super) remote: Arc<Remote>,
    pub(super) permit: Permit,
    /// What goes along, where the server takes a credential.
    pub(super) presented: Option<Presented>,
    /// What whoever asks may see, where the server looks for it.
    shown: Option<Box<Shown>>,
}

impl Caller {
    /// Without a credential.
    pub(crate) fn new(remote: &Arc<Remote>, permit: Permit) -> Self {
        Self { remote: remote.clone(), permit, presented: None, shown: None }
    }

    /// With this credential.
    pub(crate) fn presenting(remote: &Arc<Remote>, permit: Permit, presented: Presented) -> Self {
        Self { remote: remote.clone(), permit, presented: Some(presented), shown: None }
    }

    /// The same for a server that looks for what its caller may see.
    pub(crate) fn showing(self, policy: &Arc<ServerPolicy>, now: Timestamp) -> Self {
        let shown = Box::new(Shown::to(&self.permit, policy, now));
        Self { shown: Some(shown), ..self }
    }

    /// What goes along.
    pub(crate) fn presented(&self) -> Option<&Presented> {
        self.presented.as_ref()
    }

    /// The connection to a third party that its requests are made with.
    pub(crate) fn connection(&self) -> Option<&Digest> {
        self.presented.as_ref().map(Presented::connection)
    }

    /// Whose the sessions with the server are: the principal's, with this connection and no other (UP-14).
    pub(super) fn identity(&self) -> Digest {
        let principal = principal(&self.permit).digest();
        match self.connection() {
            Some(connection) => Digest::of(&[&principal.as_bytes()[..], &connection.as_bytes()[..]].concat()),
            None => principal,
        }
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
            Reached::Process(server) => {
                Ok((HeaderMap::new(), Box::pin(server.post(&self.permit, &body)).await?))
            }
            Reached::Joined(joined) => {
                Ok((HeaderMap::new(), Box::pin(joined.post(&self.permit, &headers, &body)).await?))
            }
            Reached::OpenApi(api) => {
                Ok((HeaderMap::new(), Box::pin(api.post(&self.remote, self.going(), &body)).await?))
            }
        }
    }

    /// Sends a request of the modern era that has been read. `message` writes it down, where it leaves the gateway. Where
    /// it does not, the answer comes with word of how a call ended.
    pub(crate) async fn answer(
        &self,
        asked: (&Request<'_>, &Params<'_>),
        message: impl FnOnce() -> (HeaderMap, Bytes),
    ) -> Result<(Answer, Option<Outcome>), UpstreamError> {
        if let Reached::OpenApi(api) = &self.remote.reached {
            return Box::pin(api.answer(&self.remote, self.going(), asked)).await;
        }
        let (headers, body) = message();
        self.post(headers, body).await.map(|(_, answer)| (answer, None))
    }

    /// What goes along with a call of an API.
    fn going(&self) -> Going<'_> {
        Going { presented: self.presented.as_ref(), shown: self.shown.as_deref() }
    }

    /// Opens the stream of messages that belong to no request (legacy era).
    pub(crate) async fn listen(&self, mut headers: HeaderMap) -> Result<Answer, UpstreamError> {
        match (&self.remote.reached, http_sse::stream_of(&headers)) {
            (Reached::Process(server), _) => return server.events(&self.permit),
            (Reached::Http(http), Some(id)) => return Ok(self.listen_to_stream(http, id)),
            (Reached::Joined(_) | Reached::OpenApi(_), _) => return Err(UpstreamError::NoStream),
            (Reached::Http(_), None) => {}
        }
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let message = (Method::GET, headers, Bytes::new());
        let response = self.remote.send(message, self.presented.as_ref()).await?;
        Ok(self.remote.judge(response).await?.lent(self.presented.as_ref()))
    }

    /// Ends a session (legacy era). What the server says to it changes nothing.
    pub(crate) async fn end_session(&self, headers: HeaderMap) {
        if let (Reached::Http(http), Some(id)) = (&self.remote.reached, http_sse::stream_of(&headers)) {
            return self.end_stream(http, id);
        }
        let message = (Method::DELETE, headers, Bytes::new());
        if let Err(error) = self.remote.send(message, self.presented.as_ref()).await {
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
            Reached::OpenApi(api) => Ok(Description::Modern(api.description())),
            Reached::Http(_) => self.remote.era.get(&self.remote, self.presented.as_ref()).await,
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
