//! The MCP endpoint of a server elsewhere: what its clients send goes on to it, what it sends goes back to them.
//!
//! 1. The request is parsed as strictly as for a built-in server, so that gateway and server read the same.
//! 2. The policy decides by the body, before anything is sent.
//! 3. What was checked is what is sent: the checked body with headers that are made from it.
//! 4. A server that takes a credential of whoever asks gets it, or they are told how to connect (`credential`).
//! 5. The answer goes back as it comes, event by event, unless it is a list or crosses the eras.
//!
//! `legacy` and `modern` are the eras of the client; either meets a server of either era. What a server asks its client
//! meanwhile crosses the eras too: `held` has the calls that wait for a modern client, `interview` the questions to a
//! legacy one, `listening` what is told outside of requests.

mod admit;
mod annotated;
mod asking;
mod batch;
mod conversation;
mod credential;
mod event;
mod held;
mod interview;
mod kept;
mod ladder;
mod legacy;
mod links;
mod listening;
mod listing;
mod modern;
mod passage;
mod quarantine;
mod redacted;
mod replayed;
mod respond;
mod stream;
mod waiting_room;

use std::sync::Arc;

use audit::Outcome;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guard::{Guard, Permit};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use mcp::{Era, Message, Params};
use serde_json::value::RawValue;

use crate::body;
use crate::endpoint::{Refusal, accepted, admitted};
use crate::gate::Gate;
use crate::http_sse::Serve;
use crate::policy::ServerPolicy;
use crate::remote_server::RemoteServer;
use crate::review::Reviewer;
use crate::server_credentials::ServerCredentials;
use crate::session::sealed::SealedSessions;
use crate::settings::{Front, RemoteSettings};
use crate::shut_down::until_shut_down;
use crate::trace_context;
use crate::upstream::remote::{Caller, Remote};
use admit::Admitted;
pub(crate) use kept::Kept;
pub(crate) use respond::event_stream;
use respond::{json, relay, respond};

/// One server elsewhere at one URL of ours, with the guard of that URL.
pub(crate) struct RelayEndpoint {
    front: Arc<Front>,
    guard: Guard,
    remote: Arc<Remote>,
    gate: Gate,
    reviewer: Arc<Reviewer>,
    sessions: Arc<SealedSessions>,
    kept: Arc<Kept>,
    credentials: Option<Arc<ServerCredentials>>,
}

impl RelayEndpoint {
    pub(crate) fn new(front: &Arc<Front>, settings: &RemoteSettings) -> Self {
        let RemoteServer { remote, sessions, kept } = settings.server.clone();
        let policy = ServerPolicy::new(remote.name(), settings.tools.clone(), &front.policy);
        Self {
            front: front.clone(),
            guard: settings.guard.clone(),
            gate: Gate { front: front.clone(), guard: settings.guard.clone(), policy: Arc::new(policy) },
            reviewer: Arc::new(Reviewer::new(front, &remote)),
            remote,
            sessions,
            kept,
            credentials: settings.credentials.clone(),
        }
    }
}

/// Answers any request to the endpoint.
pub(crate) async fn handle(State(endpoint): State<Arc<RelayEndpoint>>, request: Request) -> Response {
    admitted(&endpoint.front, &endpoint.guard, request, async |permit, parts, body| {
        serve(&endpoint, permit, parts, body).await
    })
    .await
}

async fn serve(
    endpoint: &RelayEndpoint,
    permit: Permit,
    parts: Parts,
    body: Body,
) -> Result<Response, Refusal> {
    match parts.method {
        Method::POST => post(endpoint, permit, &parts, body).await,
        Method::GET => {
            let response = Box::pin(legacy::listen(endpoint, permit, &parts.headers)).await?;
            Ok(until_shut_down(&endpoint.front, response, None))
        }
        Method::DELETE => Box::pin(legacy::end_session(endpoint, permit, &parts.headers)).await,
        _ => Err(Refusal::Method("GET, POST, DELETE")),
    }
}

impl Serve for RelayEndpoint {
    fn front(&self) -> &Front {
        &self.front
    }

    fn guard(&self) -> &Guard {
        &self.guard
    }

    fn serve(&self, permit: Permit, parts: Parts, body: Body) -> BoxFuture<'_, Result<Response, Refusal>> {
        serve(self, permit, parts, body).boxed()
    }
}

async fn post(
    endpoint: &RelayEndpoint,
    permit: Permit,
    parts: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let body = body::read_json(&parts.headers, body, endpoint.front.body).await?;
    if batch::is_batch(&body) {
        return Box::pin(batch::answer(endpoint, &permit, &parts.headers, &body)).await;
    }
    message(endpoint, permit, &parts.headers, &body).await
}

/// Answers one message.
async fn message(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let message = Message::parse(body)?;
    match &message {
        Message::Request(request) => {
            let outcome = answer(endpoint, permit, headers, body, request).await;
            outcome.map_err(|refusal| refusal.to(&request.id))
        }
        // Without an id a call would pass by the policy and the audit log.
        Message::Notification(told) if !told.method.starts_with("notifications/") => {
            Err(Refusal::method_not_found(StatusCode::BAD_REQUEST, &told.method))
        }
        Message::Notification(told) => {
            let params = Params::read(told.params)
                .map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
            let bounded = trace_context::bounded(&params);
            let bounded = bounded.map(|params| Bytes::from(mcp::notification(&told.method, &params)));
            let message =
                bounded.as_ref().map_or_else(|| Ok(message.clone()), |body| Message::parse(body))?;
            let body = bounded.as_ref().unwrap_or(body);
            match Era::of(&told.method, &params, headers) {
                Era::Legacy => Box::pin(legacy::pass_on(endpoint, permit, headers, (body, &message))).await,
                // The revision defines none from client to server.
                Era::Modern => Ok(accepted()),
            }
        }
        Message::Response(_) => match Era::of_header(headers) {
            Era::Legacy => Box::pin(legacy::pass_on(endpoint, permit, headers, (body, &message))).await,
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
    if let Some(bounded) = trace_context::bounded(&params) {
        let request = mcp::Request { params: Some(&bounded), ..request.clone() };
        return Box::pin(answer_instead(endpoint, permit, headers, request.to_vec().into())).await;
    }
    let asked = Asked { headers, body, request, params: &params };
    let era = Era::of(&request.method, &params, headers);
    if era == Era::Modern {
        modern::check(&asked)?;
    }
    match endpoint.remote.called(&request.method, &params) {
        Some(called) => Box::pin(called_instead(endpoint, permit, era, (&asked, &called))).await,
        None => decide(endpoint, permit, era, &asked).await,
    }
}

/// One that calls another tool is a call of that tool, for everything that follows.
async fn called_instead(
    endpoint: &RelayEndpoint,
    permit: Permit,
    era: Era,
    (asked, called): (&Asked<'_>, &RawValue),
) -> Result<Response, Refusal> {
    let body = Bytes::from(mcp::Request { params: Some(called), ..asked.request.clone() }.to_vec());
    let Message::Request(request) = Message::parse(&body)? else { return Err(Refusal::UnexpectedResponse) };
    let params =
        Params::read(request.params).map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
    let asked = Asked { headers: asked.headers, body: &body, request: &request, params: &params };
    decide(endpoint, permit, era, &asked).await
}

/// Whether it may, and then the answer.
async fn decide(
    endpoint: &RelayEndpoint,
    permit: Permit,
    era: Era,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let Asked { request, params, .. } = *asked;
    let mut admitted = admit::admit(endpoint, &permit, era, (&request.method, params)).await?;
    let outcome = credential::answer(endpoint, permit, (era, asked), &mut admitted).await;
    match (admitted.recorded, outcome) {
        (None, outcome) => outcome,
        (Some(call), Ok(response)) => Ok(call.end_with(response)),
        (Some(call), Err(refusal)) => {
            call.end(Outcome::Failed);
            Err(refusal)
        }
    }
}

/// To the server, once what is called is approved.
async fn go_on(
    endpoint: &RelayEndpoint,
    caller: Caller,
    (era, asked): (Era, &Asked<'_>),
    admitted: &mut Admitted,
) -> Result<Response, Refusal> {
    quarantine::check(endpoint, &caller, admitted).await?;
    let caller = if endpoint.remote.searches() {
        caller.showing(&endpoint.gate.policy, endpoint.front.clock.now())
    } else {
        caller
    };
    match era {
        Era::Legacy => Box::pin(legacy::answer(endpoint, Arc::new(caller), asked)).await,
        Era::Modern => modern::answer(endpoint, caller, asked).await,
    }
}

/// What was checked is what is sent, so a body that was changed is read again.
async fn answer_instead(
    endpoint: &RelayEndpoint,
    permit: Permit,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Message::Request(request) = Message::parse(&body)? else { return Err(Refusal::UnexpectedResponse) };
    answer(endpoint, permit, headers, &body, &request).await
}

/// One request of a client, parsed.
struct Asked<'a> {
    headers: &'a HeaderMap,
    /// The checked body that the rest borrows from.
    body: &'a Bytes,
    request: &'a mcp::Request<'a>,
    params: &'a Params<'a>,
}

impl Asked<'_> {
    /// The body with another value for one of its parameters; everything else as it came.
    fn with_param(&self, name: &'static str, value: &RawValue) -> Bytes {
        let params = self.params.with(name, value);
        mcp::Request { params: Some(&params), ..self.request.clone() }.to_vec().into()
    }
}
