//! A conversation with one MCP server over Streamable HTTP, in whichever era it speaks.
//!
//! 1. The first request is modern (2026-07-28). A server that answers with anything but a modern error is asked to
//!    `initialize`; the era is then kept.
//! 2. A 401 or an `insufficient_scope` is answered by [`Login`], then the request is sent again.
//! 3. An answer is JSON, or an event stream that is read until the answer comes.

mod event_stream;
mod wire;

use std::time::Duration;

use http::{HeaderValue, Method, Response, StatusCode, header};
use mcp::{
    CallToolResult, ErrorCode, ErrorObject, Implementation, InitializeResult, ListToolsResult, Message,
    RequestId, ResultType, Tool, headers,
};
use oauth::{ResourceIndicator, Scope};
use outbound::{Body, Limits};
use secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use self::{
    event_stream::EventStream,
    wire::{Call, Reaction, Wire, Written},
};
use crate::{
    browser::{Browser, Notice},
    challenge::Challenge,
    client::Client,
    error::Error,
    printable::printable,
    step_up::{self, Attempts},
};

/// One MCP answer: at most 16 MiB within five minutes.
const ANSWER: Limits =
    Limits { bytes: 16 * 1024 * 1024, headers: Duration::from_mins(5), total: Duration::from_mins(5) };

/// How many pages of a list are read.
const PAGES: usize = 100;

/// What to do when a server wants a login.
#[derive(Clone, Copy)]
pub enum Login<'a> {
    /// Ask the person.
    Person(&'a dyn Browser),
    /// Use the client credentials grant.
    ClientCredentials,
    /// Fail with [`Error::LoginRequired`].
    Never,
}

/// The server answered with an error, or not with MCP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A JSON-RPC error; its message has no control characters.
    #[error("the server answered with error {code}: {message}")]
    Rpc {
        /// The JSON-RPC code.
        code: i64,
        /// The server's message.
        message: String,
    },
    /// An HTTP status without a JSON-RPC error.
    #[error("the server answered with HTTP status {0}")]
    Status(u16),
    /// The answer is not a JSON-RPC response to the request, or its result has another form.
    #[error("the server's answer is not the MCP answer to the request")]
    Malformed,
    /// The stream ended before the answer came.
    #[error("the server ended its stream before the answer came")]
    NoAnswer,
    /// Redirects are not followed, because the access token belongs to this URL alone.
    #[error("the server redirects to another URL: use that URL instead, if you trust it")]
    Redirected,
    /// The tool needs more from the person than a call can give.
    #[error("the tool asks for further input, which this client cannot give")]
    InputRequired,
    /// A list does not end.
    #[error("the list has more than {PAGES} pages")]
    TooManyPages,
}

/// A conversation with one MCP server.
pub struct Session<'a> {
    client: &'a Client,
    server: ResourceIndicator,
    implementation: Implementation,
    login: Login<'a>,
    wire: Wire,
    last_id: i64,
}

/// What came back for one request.
enum Answer {
    Result(Vec<u8>),
    Error(StatusCode, Option<ErrorObject>),
}

impl<'a> Session<'a> {
    /// A conversation that has not begun: nothing is sent yet.
    pub fn new(
        client: &'a Client,
        server: ResourceIndicator,
        implementation: Implementation,
        login: Login<'a>,
    ) -> Self {
        Self { client, server, implementation, login, wire: Wire::Unknown, last_id: 0 }
    }

    /// What the server says to somebody without a token: `None` when it asks for none.
    pub async fn challenge(&mut self) -> Result<Option<Challenge>, Error> {
        let call = Call { method: "server/discover", name: None, mirrored: Vec::new(), params: Map::new() };
        let written = Wire::Unknown.write(self.next_id(), &call, &self.implementation);
        let response = self.post(written, None).await?;
        match wire::reaction(response.status(), response.headers()) {
            Reaction::Authorize(challenge) => Ok(Some(challenge)),
            Reaction::Redirected => Err(ProtocolError::Redirected.into()),
            Reaction::Read | Reaction::StepUp(_) => Ok(None),
        }
    }

    /// All tools, page by page, in the server's order.
    pub async fn list_tools(&mut self) -> Result<Vec<Tool>, Error> {
        let mut tools = Vec::new();
        let mut params = Map::new();
        for _ in 0..PAGES {
            let call =
                Call { method: "tools/list", name: None, mirrored: Vec::new(), params: params.clone() };
            let page: ListToolsResult = self.request(&call).await?;
            tools.extend(page.tools);
            let Some(cursor) = page.next_cursor else { return Ok(tools) };
            params.insert("cursor".to_owned(), cursor.into());
        }
        Err(ProtocolError::TooManyPages.into())
    }

    /// Calls a tool. A failure of the tool is a result with `is_error`, not an error.
    pub async fn call_tool(
        &mut self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<CallToolResult, Error> {
        let mut params = Map::new();
        params.insert("name".to_owned(), tool.into());
        params.insert("arguments".to_owned(), arguments.into());
        let call = Call { method: "tools/call", name: Some(tool), mirrored: Vec::new(), params };
        let result: CallToolResult = self.request(&call).await?;
        if result.result_type == Some(ResultType::InputRequired) {
            return Err(ProtocolError::InputRequired.into());
        }
        Ok(result)
    }

    /// Ends the session at the server, if there is one. What it answers does not matter any more.
    pub async fn close(mut self) {
        if let Wire::Legacy { session: Some(_), .. } = self.wire
            && let Ok(mut request) = wire::post(self.server.as_str(), self.wire_headers(), None)
        {
            *request.method_mut() = Method::DELETE;
            let token = self.client.access_token(&self.server).await.ok().flatten();
            request
                .headers_mut()
                .extend(token.as_ref().and_then(bearer).map(|token| (header::AUTHORIZATION, token)));
            if let Err(error) = self.client.http.send(request, crate::request::ENDPOINT).await {
                tracing::debug!(%error, "the session could not be ended at the server");
            }
        }
        self.wire = Wire::Unknown;
    }

    /// Sends a request in the era of the server, which is found out with the first one.
    async fn request<T: DeserializeOwned>(&mut self, call: &Call<'_>) -> Result<T, Error> {
        let answer = self.exchange(call).await?;
        let answer = match (&self.wire, answer) {
            (Wire::Unknown, Answer::Result(result)) => {
                self.wire = Wire::Modern;
                Answer::Result(result)
            }
            (Wire::Unknown, Answer::Error(status, error))
                if wire::is_legacy_server(status, error.as_ref()) =>
            {
                match self.initialize().await {
                    Ok(()) => self.exchange(call).await?,
                    Err(Error::Protocol(_)) => Answer::Error(status, error),
                    Err(error) => return Err(error),
                }
            }
            // A session may end at any time (Streamable HTTP, Session Management): "the client MUST start a new
            // session by sending a new InitializeRequest".
            (Wire::Legacy { session: Some(_), .. }, Answer::Error(StatusCode::NOT_FOUND, _)) => {
                self.initialize().await?;
                self.exchange(call).await?
            }
            (_, answer) => answer,
        };
        match answer {
            Answer::Result(result) => {
                serde_json::from_slice(&result).map_err(|_| ProtocolError::Malformed.into())
            }
            Answer::Error(status, error) => Err(failure(status, error).into()),
        }
    }

    /// The handshake of the legacy era.
    async fn initialize(&mut self) -> Result<(), Error> {
        self.wire = Wire::Unknown;
        let id = self.next_id();
        let params = wire::initialize_params(&self.implementation);
        let body = mcp::request(&RequestId::Integer(id), "initialize", &params);
        let (session, answer) =
            self.send(id, &|_| Written { headers: http::HeaderMap::new(), body: body.clone() }).await?;
        let result: InitializeResult = match answer {
            Answer::Result(result) => {
                serde_json::from_slice(&result).map_err(|_| ProtocolError::Malformed)?
            }
            Answer::Error(status, error) => return Err(failure(status, error).into()),
        };
        self.wire = Wire::Legacy { version: result.protocol_version, session };
        let body = mcp::notification("notifications/initialized", &json!({}));
        let token = self.client.access_token(&self.server).await?;
        self.post(Written { body, ..self.wire_headers() }, token.as_ref()).await?;
        Ok(())
    }

    async fn exchange(&mut self, call: &Call<'_>) -> Result<Answer, Error> {
        let id = self.next_id();
        let implementation = self.implementation.clone();
        let (_, answer) = self.send(id, &|wire| wire.write(id, call, &implementation)).await?;
        Ok(answer)
    }

    /// Sends one message, with as many logins in between as it takes and is allowed. Also returns the session that
    /// the server named.
    async fn send(
        &mut self,
        id: i64,
        write: &(dyn Fn(&Wire) -> Written + Sync),
    ) -> Result<(Option<HeaderValue>, Answer), Error> {
        let mut attempts = Attempts::default();
        let mut token = self.client.access_token(&self.server).await?;
        loop {
            let response = self.post(write(&self.wire), token.as_ref()).await?;
            token = match wire::reaction(response.status(), response.headers()) {
                Reaction::Read => {
                    let session = response.headers().get(headers::SESSION_ID).cloned();
                    return Ok((session, self.read(response, id, token.as_ref()).await?));
                }
                Reaction::Redirected => return Err(ProtocolError::Redirected.into()),
                Reaction::Authorize(challenge) => {
                    Some(self.authorize(&challenge, token.as_ref(), &mut attempts).await?)
                }
                Reaction::StepUp(challenge) => Some(self.step_up(&challenge, &mut attempts).await?),
            };
        }
    }

    /// A token after a 401: refreshed if that was not tried yet, else by a login.
    async fn authorize(
        &self,
        challenge: &Challenge,
        rejected: Option<&Secret<String>>,
        attempts: &mut Attempts,
    ) -> Result<Secret<String>, Error> {
        if let Some(rejected) = rejected
            && attempts.may_renew()
            && let Some(renewed) = self.client.renew(&self.server, rejected, challenge).await?
        {
            return Ok(renewed);
        }
        let tokens = match self.login {
            Login::Never => return Err(Error::LoginRequired(self.server.clone())),
            _ if !attempts.may_login() => return Err(Error::TokensRefused(self.server.clone())),
            Login::ClientCredentials => self.client.client_credentials(&self.server, Some(challenge)).await?,
            Login::Person(browser) => self.client.login(&self.server, Some(challenge), None, browser).await?,
        };
        Ok(tokens.access_token)
    }

    /// A token after an `insufficient_scope`: a login for the union of all scopes.
    async fn step_up(&self, challenge: &Challenge, attempts: &mut Attempts) -> Result<Secret<String>, Error> {
        let contents = self.client.store.read()?;
        let before = contents.binding(&self.server).and_then(|binding| contents.tokens(binding));
        let before = before.map_or_else(Scope::default, |tokens| tokens.scope.clone());
        let asked = self.client.settings.scope.as_ref();
        let scope = step_up::union(&before, asked, challenge.scope.as_ref());
        let Login::Person(browser) = self.login else {
            return Err(Error::LoginRequired(self.server.clone()));
        };
        if !attempts.may_login() {
            let scope = challenge.scope.clone().unwrap_or_default();
            return Err(Error::ScopeRefused { server: self.server.clone(), scope });
        }
        browser.tell(&Notice::StepUp { scope: &scope });
        let tokens = self.client.login(&self.server, Some(challenge), Some(&scope), browser).await?;
        Ok(tokens.access_token)
    }

    async fn post(&self, written: Written, token: Option<&Secret<String>>) -> Result<Response<Body>, Error> {
        let token = token.and_then(bearer);
        let request = wire::post(self.server.as_str(), written, token.as_ref())
            .map_err(|_| outbound::Error::InvalidUrl("it cannot be written into a request"))?;
        Ok(self.client.http.stream(request, ANSWER).await?)
    }

    /// Reads the answer to `id`. Requests of the server that come before it are answered; notifications are not
    /// looked at.
    async fn read(
        &self,
        response: Response<Body>,
        id: i64,
        token: Option<&Secret<String>>,
    ) -> Result<Answer, Error> {
        let (head, mut body) = response.into_parts();
        let content_type = head.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        if !head.status.is_success() || !content_type.starts_with(b"text/event-stream") {
            let body = body.collect().await?;
            return Ok(answer(head.status, &body, id).unwrap_or(Answer::Error(head.status, None)));
        }
        let mut events = EventStream::default();
        while let Some(chunk) = body.chunk().await? {
            events.push(&chunk);
            while let Some(data) = events.next_event() {
                if let Some(answer) = answer(head.status, data.as_bytes(), id) {
                    return Ok(answer);
                }
                if let Ok(Message::Request(request)) = Message::parse(data.as_bytes()) {
                    let body = reply(&request.id, &request.method);
                    self.post(Written { body, ..self.wire_headers() }, token).await?;
                }
            }
        }
        Err(ProtocolError::NoAnswer.into())
    }

    /// An empty message with the headers that every message of the session has.
    fn wire_headers(&self) -> Written {
        Written { headers: self.wire.headers(), body: Vec::new() }
    }

    fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }
}

/// The `Authorization` header of a bearer token (RFC 6750 §2.1), hidden from logs.
fn bearer(token: &Secret<String>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The response to request `id` in a body or event; `None` when it is another message. An error without id answers
/// too: the server could not read which request it was.
fn answer(status: StatusCode, body: &[u8], id: i64) -> Option<Answer> {
    let Ok(Message::Response(response)) = Message::parse(body) else { return None };
    match (response.id, response.outcome) {
        (Some(RequestId::Integer(found)), Ok(result)) if found == id => {
            Some(Answer::Result(result.get().as_bytes().to_vec()))
        }
        (Some(RequestId::Integer(found)), Err(error)) if found == id => {
            Some(Answer::Error(status, Some(error)))
        }
        (None, Err(error)) => Some(Answer::Error(status, Some(error))),
        _ => None,
    }
}

/// What a client without capabilities answers to a server's request.
fn reply(id: &RequestId<'_>, method: &str) -> Vec<u8> {
    match method {
        "ping" => mcp::success(id, &json!({})),
        _ => mcp::failure(
            Some(id),
            &ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "not supported by this client"),
        ),
    }
}

fn failure(status: StatusCode, error: Option<ErrorObject>) -> ProtocolError {
    match error {
        Some(error) => ProtocolError::Rpc { code: error.code.0, message: printable(&error.message) },
        None if status.is_success() => ProtocolError::Malformed,
        None => ProtocolError::Status(status.as_u16()),
    }
}
