//! A client of the modern era (2026-07-28): every request stands alone.

mod translated;

use std::sync::Arc;

use audit::Outcome;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp::{CallToolParams, Era, ProtocolVersion, headers as mirror};
use serde_json::value::RawValue;

use super::conversation::{Conversation, Farewell};
use super::listing::Listing;
use super::passage::{Eras, Kind, Passage, Passed};
use super::redacted::without_secrets;
use super::stream::{Manner, Relayed};
use super::{Asked, RelayEndpoint, json, listening, respond};
use crate::endpoint::{Refusal, modern};
use crate::shut_down::until_shut_down;
use crate::upstream::remote::envelope::Envelope;
use crate::upstream::remote::{Answer, Caller, Description, error_in};

const PARAMETER_HEADERS: &str = "mcp-param-";

/// Methods that the era has taken back; a legacy server must not get them from a modern client.
const TAKEN_BACK: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// Holds the headers of a request against its body, before anything is decided by the body.
pub(super) fn check(asked: &Asked<'_>) -> Result<(), Refusal> {
    let method = &*asked.request.method;
    modern::version_of(asked.headers, asked.params)?;
    mirror::check(asked.headers, method, asked.params)?;
    if TAKEN_BACK.contains(&method) {
        return Err(Refusal::method_not_found(StatusCode::NOT_FOUND, method));
    }
    Ok(())
}

/// Answers one request.
pub(super) async fn answer(
    endpoint: &RelayEndpoint,
    caller: Caller,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    match caller.description().await? {
        Description::Modern(_) if asked.request.method == "subscriptions/listen" => {
            match Box::pin(listening::together(endpoint, caller, asked)).await {
                Ok(response) => response,
                Err(alone) => {
                    let response = Box::pin(forward(endpoint, alone, asked)).await?;
                    Ok(until_shut_down(&endpoint.front, response, Some(&asked.request.id)))
                }
            }
        }
        Description::Modern(_) => forward(endpoint, caller, asked).await,
        Description::Legacy => Box::pin(translated::translate(endpoint, Arc::new(caller), asked)).await,
    }
}

/// To a server of the same era: the body as it was checked, the headers made from it again.
async fn forward(endpoint: &RelayEndpoint, caller: Caller, asked: &Asked<'_>) -> Result<Response, Refusal> {
    check_parameters(&caller, asked)?;
    let capabilities = capabilities(&caller, asked)?;
    let message = || (headers(asked), asked.body_with(capabilities.as_deref()));
    let (answer, outcome) = caller.answer((asked.request, asked.params), message).await?;
    let passage = passage(endpoint, &caller, asked);
    match answer {
        Answer::Json(StatusCode::OK, body) if passes(endpoint, &caller, &passage, (&body, outcome)) => {
            Ok(json(StatusCode::OK, body))
        }
        answer => Box::pin(go_through(endpoint, Arc::new(caller), asked, (passage, answer))).await,
    }
}

/// Whether an answer is a success that passes as it came, as nearly all do. It needs nothing more.
fn passes(
    endpoint: &RelayEndpoint,
    caller: &Caller,
    passage: &Passage,
    (body, known): (&[u8], Option<Outcome>),
) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let judged = || match passage.pass(&Envelope::read(body)?) {
        Passed::Response(outcome) => Some(outcome),
        _ => None,
    };
    known.or_else(judged) == Some(Outcome::Succeeded)
        && without_secrets(caller, &endpoint.front.issuer, text).is_none()
}

fn passage(endpoint: &RelayEndpoint, caller: &Caller, asked: &Asked<'_>) -> Passage {
    let id = asked.request.id.clone().into_owned();
    Passage {
        asked_as: id.clone(),
        answered_as: id,
        list: Listing::of(endpoint, caller.permit(), &asked.request.method),
        asked: Kind::of(&asked.request.method),
        eras: Eras::Same { knows_links: true },
        allowed: caller.remote().allowed(),
        is_personal: caller.presented().is_some(),
    }
}

/// What is left of an answer, or comes instead of it.
async fn go_through(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    asked: &Asked<'_>,
    (passage, answer): (Passage, Answer),
) -> Result<Response, Refusal> {
    // Only a server that sends events can ask for something, and be answered.
    let reply = if let Answer::Stream(_) = answer { headers(asked) } else { HeaderMap::new() };
    if let Answer::Json(status, body) = &answer
        && *status != StatusCode::OK
    {
        caller.note_error(Era::Modern, *status, error_in(body).as_ref()).await;
    }
    let conversation = Conversation::new(caller, reply, Farewell::Close);
    respond(answer, Relayed::new(endpoint, conversation, Some(passage), Manner::Same, None)).await
}

/// The client's capabilities without what the server may not ask for; `None` when they may stay as they came.
fn capabilities(caller: &Caller, asked: &Asked<'_>) -> Result<Option<Box<RawValue>>, Refusal> {
    let Some(capabilities) = asked.params.meta().client_capabilities else { return Ok(None) };
    let filtered = caller.remote().allowed().filter(capabilities);
    filtered.map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error.into()))
}

impl Asked<'_> {
    /// The body as it was checked, with other capabilities if they have to be.
    fn body_with(&self, capabilities: Option<&RawValue>) -> Bytes {
        match capabilities {
            Some(capabilities) => {
                self.with_param("_meta", &self.params.meta().with_capabilities(capabilities))
            }
            None => self.body.clone(),
        }
    }
}

/// Holds the headers that repeat arguments against them, as far as the tool is known; the server does so too.
fn check_parameters(caller: &Caller, asked: &Asked<'_>) -> Result<(), Refusal> {
    let call = CallToolParams::read(asked.params).ok().filter(|_| asked.request.method == "tools/call");
    let Some(call) = call else { return Ok(()) };
    match caller.remote().parameters().of(&call.name) {
        Some(parameters) => Ok(parameters.check(asked.headers, call.arguments)?),
        None => Ok(()),
    }
}

/// The headers that mirror the body, and those that mirror arguments.
fn headers(asked: &Asked<'_>) -> HeaderMap {
    let name = mirror::name_of(&asked.request.method, asked.params);
    // With those of HTTP there are seven.
    let mut headers = HeaderMap::with_capacity(8);
    mirror::mirror(&mut headers, ProtocolVersion::LATEST, &asked.request.method, name.as_deref());
    let mirrored = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().starts_with(PARAMETER_HEADERS).then(|| (name.clone(), value.clone()))
    };
    for (name, value) in asked.headers.iter().filter_map(mirrored) {
        headers.append(name, value);
    }
    headers
}
