//! A conversation with one MCP server over Streamable HTTP, in whichever era it speaks.
//!
//! 1. The first request is modern (2026-07-28). A server that answers with anything but a modern error is asked to
//!    `initialize`; the era is then kept.
//! 2. A 401 or an `insufficient_scope` is answered by [`Login`], then the request is sent again.
//! 3. An answer is JSON, or an event stream that is read until the answer comes.

mod delivery;
mod mirrored;
mod wire;

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use mcp::{
    CallToolResult, ErrorCode, ErrorObject, Implementation, InitializeResult, ListToolsResult, RequestId,
    ResultType, Tool,
};
use oauth::ResourceIndicator;
use outbound::Limits;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use self::{
    delivery::bearer,
    wire::{Call, Reaction, Wire, Written},
};
use crate::{
    browser::Browser, challenge::Challenge, client::Client, error::Error, printable::printable,
    step_up::Attempts,
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
    /// The tools of the last list: their schemas say which arguments are mirrored in headers.
    tools: Vec<Tool>,
    /// What was tried since a tool was last called.
    attempts: Attempts,
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
        let (wire, attempts) = (Wire::Unknown, Attempts::default());
        Self { client, server, implementation, login, wire, last_id: 0, tools: Vec::new(), attempts }
    }

    /// What the server says to somebody without a token: `None` when it asks for none. Servers may leave discovery and
    /// handshake open to everybody, so the tools are asked for.
    pub async fn challenge(&mut self) -> Result<Option<Challenge>, Error> {
        let call = Call { method: "tools/list", name: None, mirrored: Vec::new(), params: Map::new() };
        let written = Wire::Unknown.write(self.next_id(), &call, &self.implementation);
        let response = self.post(written, None).await?;
        match wire::reaction(response.status(), response.headers()) {
            Reaction::Authorize(challenge) => Ok(Some(challenge)),
            Reaction::Redirected => Err(ProtocolError::Redirected.into()),
            Reaction::Read
                if response.status() == StatusCode::NOT_FOUND || response.status().is_server_error() =>
            {
                Err(ProtocolError::Status(response.status().as_u16()).into())
            }
            Reaction::Read | Reaction::StepUp(_) => Ok(None),
        }
    }

    /// All tools, page by page, in the server's order. In the modern era, tools that use `x-mcp-header` against its
    /// rules are left out, as the standard asks.
    pub async fn list_tools(&mut self) -> Result<Vec<Tool>, Error> {
        let mut tools = Vec::new();
        let mut params = Map::new();
        for _ in 0..PAGES {
            let call =
                Call { method: "tools/list", name: None, mirrored: Vec::new(), params: params.clone() };
            let page: ListToolsResult = self.request(&call).await?;
            tools.extend(page.tools);
            let Some(cursor) = page.next_cursor else {
                tools.retain(|tool| self.wire != Wire::Modern || mirrored::is_usable(tool));
                self.tools.clone_from(&tools);
                return Ok(tools);
            };
            params.insert("cursor".to_owned(), cursor.into());
        }
        Err(ProtocolError::TooManyPages.into())
    }

    /// Calls a tool. A failure of the tool is a result with `is_error`, not an error.
    ///
    /// Arguments that the tool wants mirrored in headers are mirrored when the tools were listed before. A server that
    /// misses such headers has changed the tool: then the tools are listed and the call is sent again, once.
    pub async fn call_tool(
        &mut self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<CallToolResult, Error> {
        match self.call_once(tool, &arguments).await {
            Err(Error::Protocol(ProtocolError::Rpc { code, .. })) if code == ErrorCode::HEADER_MISMATCH.0 => {
                self.list_tools().await?;
                self.call_once(tool, &arguments).await
            }
            result => result,
        }
    }

    async fn call_once(
        &mut self,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Result<CallToolResult, Error> {
        let definition = self.tools.iter().find(|listed| listed.name == tool);
        let mirrored = definition.map(|definition| mirrored::mirror(definition, arguments));
        let mut params = Map::new();
        params.insert("name".to_owned(), tool.into());
        params.insert("arguments".to_owned(), arguments.clone().into());
        let call =
            Call { method: "tools/call", name: Some(tool), mirrored: mirrored.unwrap_or_default(), params };
        let result: CallToolResult = self.request(&call).await?;
        self.attempts = Attempts::default();
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
                if mcp::Era::of_refusal(status, error.as_ref()) == mcp::Era::Legacy =>
            {
                match self.initialize().await {
                    Ok(()) => self.exchange(call).await?,
                    Err(Error::Protocol(_)) => Answer::Error(status, error),
                    Err(error) => return Err(error),
                }
            }
            // The version was refused by a server that lists it as supported: it gets a second chance.
            (Wire::Unknown, Answer::Error(_, Some(error))) if error.is_wrong_refusal() => {
                self.wire = Wire::Modern;
                self.exchange(call).await?
            }
            // A session may end at any time (Streamable HTTP, Session Management): the client
            // "MUST start a new session by sending a new InitializeRequest".
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
            self.send(id, &|_| Written { headers: HeaderMap::new(), body: body.clone() }).await?;
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

    fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }
}

fn failure(status: StatusCode, error: Option<ErrorObject>) -> ProtocolError {
    match error {
        Some(error) => ProtocolError::Rpc { code: error.code.0, message: printable(&error.message) },
        None if status.is_success() => ProtocolError::Malformed,
        None => ProtocolError::Status(status.as_u16()),
    }
}
