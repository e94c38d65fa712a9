//! The MCP endpoint of a server elsewhere: what its clients send goes on to it, what it sends goes back to them.
//!
//! 1. The request is parsed as strictly as for a built-in server, so that gateway and server read the same.
//! 2. The policy decides by the body, before anything is sent.
//! 3. What was checked is what is sent: the checked body with headers that are made from it.
//! 4. The answer goes back as it comes, event by event, unless it is a list of tools or crosses the eras.
//!
//! `legacy` and `modern` are the eras of the client; either meets a server of either era.

mod legacy;
mod modern;
mod passage;
mod stream;

use std::sync::Arc;

use audit::Outcome;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use guard::{Guard, Permit};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use mcp::{CallToolParams, Era, Message, Params};

use crate::body;
use crate::endpoint::{CallRefusal, Refusal, accepted, admitted};
use crate::policy::{Decision, ToolPolicy};
use crate::recorded::RecordedCall;
use crate::session::sealed::SealedSessions;
use crate::settings::{Front, RemoteSettings, Settings};
use crate::upstream::remote::{Answer, Caller, Remote, UpstreamError};
use passage::{Passage, Passed};

/// One server elsewhere at one URL of ours, with the guard of that URL.
pub(crate) struct RelayEndpoint {
    name: String,
    front: Arc<Front>,
    guard: Guard,
    remote: Arc<Remote>,
    policy: Arc<ToolPolicy>,
    sessions: SealedSessions,
}

impl RelayEndpoint {
    pub(crate) fn new(settings: &Settings, front: &Arc<Front>, remote: &RemoteSettings) -> Self {
        Self {
            name: remote.name.clone(),
            front: front.clone(),
            guard: remote.guard.clone(),
            remote: Arc::new(Remote::new(remote)),
            policy: Arc::new(ToolPolicy::new(remote.tools.clone())),
            sessions: SealedSessions::new(&remote.name, &settings.session_key),
        }
    }

    /// Whether the permit allows the request; decided by the body.
    fn check(&self, permit: &Permit, method: &str, params: &Params<'_>) -> Result<(), Refusal> {
        let (decision, needed) = match method {
            // A client must see what there is before it can ask its user for more.
            "initialize" | "ping" | "server/discover" | "tools/list" => return Ok(()),
            "tools/call" => {
                let call = CallToolParams::read(params)
                    .map_err(|error| Refusal::from(CallRefusal::Params(error)))?;
                self.policy.tool(&call.name, permit.scope())
            }
            _ => self.policy.other(permit.scope()),
        };
        match decision {
            Decision::Allow => Ok(()),
            Decision::Challenge => Err(Refusal::Challenge(self.guard.insufficient_scope(permit, needed))),
            Decision::Hidden => Err(CallRefusal::UnknownTool.into()),
        }
    }

    /// The entry of a tool call in the audit log. What the policy denies is recorded here; what it allows, once it has
    /// ended.
    async fn record(
        &self,
        permit: &Permit,
        method: &str,
        params: &Params<'_>,
    ) -> Result<Option<RecordedCall>, Refusal> {
        let call = CallToolParams::read(params).ok().filter(|_| method == "tools/call");
        let Some(call) = call else { return Ok(None) };
        let recorded = RecordedCall::begin(&self.front, permit, &self.name).await;
        let recorded = recorded.map_err(CallRefusal::NotRecorded)?;
        match self.policy.tool(&call.name, permit.scope()).0 {
            Decision::Allow => return Ok(Some(recorded.allow(&call.name))),
            Decision::Challenge => recorded.deny(&call.name),
            Decision::Hidden => recorded.deny_unknown(),
        }
        Ok(None)
    }

    /// The policy, when it has to look at the answer.
    fn list_policy(&self, method: &str) -> Option<Arc<ToolPolicy>> {
        (method == "tools/list").then(|| self.policy.clone())
    }
}

/// Answers any request to the endpoint.
pub(crate) async fn handle(State(endpoint): State<Arc<RelayEndpoint>>, request: Request) -> Response {
    admitted(&endpoint.front, &endpoint.guard, request, async |permit, parts, body| match parts.method {
        Method::POST => post(&endpoint, permit, &parts, body).await,
        Method::GET => legacy::listen(&endpoint, permit, &parts.headers).await,
        Method::DELETE => legacy::end_session(&endpoint, permit, &parts.headers).await,
        _ => Err(Refusal::Method("GET, POST, DELETE")),
    })
    .await
}

async fn post(
    endpoint: &RelayEndpoint,
    permit: Permit,
    parts: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let body = body::read_json(&parts.headers, body, endpoint.front.body).await?;
    let headers = &parts.headers;
    match Message::parse(&body)? {
        Message::Request(request) => {
            let outcome = answer(endpoint, permit, headers, &body, &request).await;
            outcome.map_err(|refusal| refusal.to(&request.id))
        }
        // Without an id a call would pass by the policy and the audit log.
        Message::Notification(told) if !told.method.starts_with("notifications/") => {
            Err(Refusal::method_not_found(StatusCode::BAD_REQUEST, &told.method))
        }
        Message::Notification(told) => {
            let params = Params::read(told.params)
                .map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
            match Era::of(&told.method, &params, headers) {
                Era::Legacy => legacy::pass_on(endpoint, permit, headers, &body).await,
                // The revision defines none from client to server.
                Era::Modern => Ok(accepted()),
            }
        }
        Message::Response(_) => match Era::of_header(headers) {
            Era::Legacy => legacy::pass_on(endpoint, permit, headers, &body).await,
            Era::Modern => Err(Refusal::UnexpectedResponse),
        },
    }
}

async fn answer(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
    body: &Bytes,
    request: &mcp::Request<'_>,
) -> Result<Response, Refusal> {
    let params =
        Params::read(request.params).map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
    let asked = Asked { headers, body, request, params: &params };
    let recorded = endpoint.record(&permit, &request.method, &params).await?;
    let outcome = match Era::of(&request.method, &params, headers) {
        Era::Legacy => legacy::answer(endpoint, permit, &asked).await,
        Era::Modern => modern::answer(endpoint, permit, &asked).await,
    };
    match (recorded, outcome) {
        (None, outcome) => outcome,
        (Some(call), Ok(response)) => Ok(call.end_with(response)),
        (Some(call), Err(refusal)) => {
            call.end(Outcome::Failed);
            Err(refusal)
        }
    }
}

/// One request of a client, parsed.
struct Asked<'a> {
    headers: &'a HeaderMap,
    /// The checked body that the rest borrows from.
    body: &'a Bytes,
    request: &'a mcp::Request<'a>,
    params: &'a Params<'a>,
}

/// The answer of a server as the client gets it. `reply` are the headers of messages to the server meanwhile.
fn respond(answer: Answer, passage: Passage, caller: Caller, reply: HeaderMap) -> Result<Response, Refusal> {
    match answer {
        Answer::Json(status, body) => match passage.pass(&body) {
            Passed::Response => Ok(json(status, body)),
            Passed::Rewritten(status, body) => Ok(json(status, body.into())),
            _ if status != StatusCode::OK => Err(UpstreamError::Status(status).into()),
            _ => Err(UpstreamError::Malformed.into()),
        },
        Answer::Stream(source) => Ok(event_stream(stream::body(source, Some(passage), caller, reply))),
        Answer::Accepted => Err(UpstreamError::Malformed.into()),
    }
}

fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn event_stream(body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // "Servers SHOULD include X-Accel-Buffering: no", so that proxies do not collect events (2026-07-28).
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}
