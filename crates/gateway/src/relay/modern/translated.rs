//! A modern client before a legacy server, over a session that the gateway has with it for this principal.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use mcp::json::Object;
use mcp::{DiscoverResult, Era, ErrorCode, ErrorObject, ProtocolVersion, RequestId};
use secret::Digest;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::super::conversation::{Conversation, Farewell, Unanswered};
use super::super::held::QUESTION;
use super::super::listing::Listing;
use super::super::passage::{Eras, Kind, ModernClient, Passage};
use super::super::stream::{Manner, Relayed};
use super::super::{Asked, RelayEndpoint, json, links, listening, relay, respond};
use super::capabilities;
use crate::endpoint::{Refusal, principal, success};
use crate::session::state::Waits;
use crate::upstream::remote::{Answer, Caller, PooledSession, UpstreamError, error_in};

/// Asks the server, or goes on with a call that has waited for the client.
pub(super) async fn translate(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let filtered = capabilities(&caller, asked)?;
    let empty = RawValue::NULL;
    let capabilities = filtered.as_deref().or(asked.params.meta().client_capabilities).unwrap_or(empty);
    match &*asked.request.method {
        "server/discover" => discover(endpoint, &caller, capabilities, asked).await,
        "subscriptions/listen" => listening::before_legacy(endpoint, caller, capabilities, asked).await,
        _ => match state_of(endpoint, &caller, asked)? {
            None => ask(endpoint, caller, capabilities, asked).await,
            Some(Waits::Held(key)) => go_on(endpoint, &caller, &key, capabilities, asked).await,
            Some(Waits::Link) if follows(asked.params.get("inputResponses")) => {
                ask(endpoint, caller, capabilities, asked).await
            }
            Some(Waits::Link) => {
                let is_tool_call = asked.request.method == "tools/call";
                Ok(json(StatusCode::OK, links::declined(is_tool_call, &asked.request.id).into()))
            }
        },
    }
}

/// What a request that is sent again has waited for.
fn state_of(endpoint: &RelayEndpoint, caller: &Caller, asked: &Asked<'_>) -> Result<Option<Waits>, Refusal> {
    let state = asked.params.string("requestState");
    let state = state.map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
    let Some(unverified_state) = state else { return Ok(None) };
    let now = endpoint.front.clock.now();
    let owner = principal(caller.permit());
    let waits = endpoint.kept.states.open(&unverified_state, &asked.digest(), owner, now);
    waits.map(Some).ok_or_else(unknown_state)
}

fn unknown_state() -> Refusal {
    let message = "invalid params: \"requestState\" is not of this request, or its time is over; send the request without it";
    Refusal::Request(StatusCode::OK, None, ErrorObject::new(ErrorCode::INVALID_PARAMS, message))
}

/// Whether every link was followed, as far as the client knows.
fn follows(responses: Option<&RawValue>) -> bool {
    #[derive(Deserialize)]
    struct Response {
        action: String,
    }
    let responses: Option<std::collections::BTreeMap<String, Response>> =
        responses.and_then(|responses| serde_json::from_str(responses.get()).ok());
    responses.is_some_and(|responses| responses.values().all(|response| response.action == "accept"))
}

impl Asked<'_> {
    /// The request without what may differ when it is sent again.
    fn digest(&self) -> Digest {
        let mut params: Value = self
            .request
            .params
            .and_then(|params| serde_json::from_str(params.get()).ok())
            .unwrap_or_default();
        if let Some(params) = params.as_object_mut() {
            for differs in ["_meta", "inputResponses", "requestState"] {
                params.remove(differs);
            }
        }
        Digest::of(format!("{}\n{params}", self.request.method).as_bytes())
    }

    /// What the client said with its request.
    fn client(&self, capabilities: &RawValue) -> ModernClient {
        let meta = self.params.meta();
        ModernClient {
            is_cacheable: matches!(
                &*self.request.method,
                "tools/list"
                    | "prompts/list"
                    | "resources/list"
                    | "resources/templates/list"
                    | "resources/read"
            ),
            capabilities: serde_json::from_str(capabilities.get()).unwrap_or_default(),
            log_level: meta.log_level,
            progress_token: meta.members.get("progressToken").map(ToOwned::to_owned),
        }
    }

    fn passage(
        &self,
        endpoint: &RelayEndpoint,
        caller: &Caller,
        asked_as: RequestId<'static>,
        capabilities: &RawValue,
    ) -> Passage {
        Passage {
            asked_as,
            answered_as: self.request.id.clone().into_owned(),
            list: Listing::of(endpoint, caller.permit(), &self.request.method),
            asked: Kind::of(&self.request.method),
            eras: Eras::ModernClient(self.client(capabilities)),
            allowed: caller.remote().allowed(),
            is_personal: caller.connection().is_some(),
        }
    }
}

async fn ask(
    endpoint: &RelayEndpoint,
    caller: Arc<Caller>,
    capabilities: &RawValue,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    // A session that the server has ended was not acted in, so the request may be sent once more.
    let outcome = match send(&caller, capabilities, asked).await {
        Err(UpstreamError::SessionGone) => send(&caller, capabilities, asked).await,
        outcome => outcome,
    };
    let (answer, asked_as, reply) = outcome?;
    let passage = asked.passage(endpoint, &caller, asked_as.clone(), capabilities);
    let conversation = Conversation::new(caller, reply, Farewell::Cancel(asked_as));
    let manner = Manner::Results(asked.digest());
    respond(answer, Relayed::new(endpoint, conversation, Some(passage), manner, None)).await
}

/// Sends the request in the principal's session; what comes back beside the answer are its id there and the headers of
/// further messages.
async fn send(
    caller: &Arc<Caller>,
    capabilities: &RawValue,
    asked: &Asked<'_>,
) -> Result<(Answer, RequestId<'static>, HeaderMap), UpstreamError> {
    let session = caller.pooled_session(capabilities).await?;
    if let Some(level) = asked.params.meta().log_level {
        caller.tell_log_level(&session, level).await;
    }
    let id = session.next_id();
    let body = legacy_body(asked, &id);
    let headers = session.headers();
    let unanswered = Unanswered::new(caller, &headers, &id);
    let outcome = caller.post(headers.clone(), body.into()).await;
    unanswered.answered();
    match outcome? {
        (_, Answer::Json(StatusCode::NOT_FOUND, _)) => {
            caller.forget_session(&session);
            Err(UpstreamError::SessionGone)
        }
        (_, answer) => {
            if let Answer::Json(status, body) = &answer
                && *status != StatusCode::OK
            {
                caller.note_error(Era::Legacy, *status, error_in(body).as_ref()).await;
            }
            Ok((answer, id, headers))
        }
    }
}

/// The request as a legacy one. Its progress token is our id for it, since many requests share the session.
fn legacy_body(asked: &Asked<'_>, id: &RequestId<'_>) -> Vec<u8> {
    let meta = asked.params.meta().to_legacy();
    let token = to_raw_value(id).expect("an id is an integer or a string");
    let meta = meta.map(|meta| {
        let mut members = Object::read(meta.get(), &[]).unwrap_or_default();
        if members.get("progressToken").is_none() {
            return meta.clone();
        }
        members.set("progressToken", &token);
        to_raw_value(&members).expect("raw members cannot fail to serialise")
    });
    let raw = asked.request.params.map_or("{}", RawValue::get);
    let mut params = Object::read(raw, &[]).unwrap_or_default();
    for modern in ["_meta", "inputResponses", "requestState"] {
        params.take(modern);
    }
    if let Some(meta) = &meta {
        params.set("_meta", meta);
    }
    mcp::request(id, &asked.request.method, &params)
}

/// A call that is held goes on with the client's answer.
async fn go_on(
    endpoint: &RelayEndpoint,
    caller: &Caller,
    key: &str,
    capabilities: &RawValue,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let owner = principal(caller.permit()).digest();
    let mut call = endpoint.kept.held.take(key, owner).ok_or_else(unknown_state)?;
    let responses = asked.params.get("inputResponses");
    let responses = responses.and_then(|responses| Object::read(responses.get(), &[QUESTION]).ok());
    let passage = asked.passage(endpoint, caller, call.asked_as.clone(), capabilities);
    let manner = Manner::Results(asked.digest());
    match responses.as_ref().and_then(|responses| responses.get(QUESTION)) {
        Some(answer) => {
            call.answer(answer).await?;
            let relayed = Relayed::new(endpoint, call.conversation, Some(passage), manner, None);
            relay(relayed).await
        }
        // "If the response is missing, the server SHOULD ask again."
        None => {
            let question = call.question;
            let conversation = call.conversation.part();
            let mut relayed = Relayed::new(endpoint, conversation, Some(passage), manner, None);
            relayed.ask_first(question).await;
            relay(relayed).await
        }
    }
}

/// What a legacy server said at `initialize`, as a modern one would say it.
async fn discover(
    endpoint: &RelayEndpoint,
    caller: &Arc<Caller>,
    capabilities: &RawValue,
    asked: &Asked<'_>,
) -> Result<Response, Refusal> {
    let session: Arc<PooledSession> = caller.pooled_session(capabilities).await?;
    let described = &session.description;
    let result = DiscoverResult {
        instructions: endpoint.reviewer.instructions_text(described.instructions.clone()),
        ..DiscoverResult::new(&ProtocolVersion::ALL, described.capabilities.clone(), &described.server_info)
    };
    Ok(success(&asked.request.id, &result))
}
