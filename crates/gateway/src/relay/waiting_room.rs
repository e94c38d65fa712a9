//! What users meet in the place of a server elsewhere while the account is not connected that it takes.
//!
//! Without a credential such a server says nothing, not even which tools it has. So the gateway answers for it, in either
//! era: a small server with one tool, `connect`, whose call leads to the link in the way that the client understands
//! (`ladder`). Once the account is connected, the server itself answers. Clients that listen hear that the list of tools
//! has changed; a legacy session that was opened here is ended with 404, so that the client opens one with the server.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use mcp::headers::SESSION_ID;
use mcp::json::{Object, string};
use mcp::{
    CacheScope, DiscoverResult, Era, Implementation, InitializeParams, InitializeResult, ListToolsResult,
    ProtocolVersion, RequestId, ResultType, SUBSCRIPTION_ID, SubscriptionFilter, Tool, write_event,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use vault::{CredentialError, Need, Vault};

use super::credential::Step;
use super::ladder::said;
use super::legacy::{follows_links, seal, session_of};
use super::{RelayEndpoint, event_stream};
use crate::endpoint::{Refusal, success};
use crate::policy::{Annotations, Arguments, Question, Requester, Target};
use crate::session::sealed::{SealedSession, UpstreamSession};
use crate::shut_down::until_shut_down;
use crate::upstream::remote::Caller;
use crate::upstream::remote::listed::{TOOLS, each};

/// The one tool.
pub(super) const CONNECT: &str = "connect";
/// How often a client hears that a stream on which nothing happens is still there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(25);

/// What it does, for policies that ask.
pub(super) const ANNOTATIONS: Annotations = Annotations {
    read_only_hint: true,
    destructive_hint: false,
    idempotent_hint: true,
    open_world_hint: true,
};

/// Answers in the place of the server; `None` when the client has to be told to connect.
pub(super) fn answer(step: &Step<'_>, need: &Need) -> Result<Option<Response>, Refusal> {
    if !step.endpoint.remote.has_waiting_room() {
        return Ok(None);
    }
    let (method, id) = (&*step.asked.request.method, &step.asked.request.id);
    if step.era == Era::Legacy && method != "initialize" {
        session_of(step.endpoint, step.permit, step.asked.headers)?;
    }
    Ok(match (step.era, method) {
        (Era::Legacy, "initialize") => Some(initialize(step)?),
        (Era::Legacy, "ping") => Some(success(id, &json!({}))),
        (Era::Modern, "server/discover") => Some(success(id, &discovery(step))),
        (_, "tools/list") => Some(success(id, &tools(step))),
        (Era::Modern, "subscriptions/listen") => Some(subscription(step, need)?),
        _ => None,
    })
}

/// The answer to a call of `connect` by somebody who is connected, unless the server has a tool of this name itself.
pub(super) async fn left(step: &Step<'_>, caller: &Caller) -> Result<Option<Response>, Refusal> {
    let has_room = step.endpoint.remote.has_waiting_room();
    if !has_room || step.tool().as_deref() != Some(CONNECT) {
        return Ok(None);
    }
    if step.era == Era::Legacy {
        session_of(step.endpoint, step.permit, step.asked.headers)?;
    }
    let mut is_the_servers = false;
    each(caller, TOOLS, &mut |tool| {
        let tool = Object::read(tool.get(), &["name"]).ok();
        let name = tool.as_ref().and_then(|tool| tool.get("name")).and_then(string);
        is_the_servers |= name.as_deref() == Some(CONNECT);
    })
    .await?;
    let provider = step.provider_title();
    let text = format!(
        "Your {provider} account is connected. Ask for the list of tools again: those of {} are there now.",
        step.title()
    );
    Ok((!is_the_servers).then(|| said(step, &text, false)))
}

fn initialize(step: &Step<'_>) -> Result<Response, Refusal> {
    let params = InitializeParams::read(step.asked.params)
        .map_err(|error| Refusal::params(http::StatusCode::OK, &error))?;
    let version = ProtocolVersion::negotiate(&params.protocol_version);
    let result = InitializeResult {
        protocol_version: version.to_string(),
        capabilities: capabilities(),
        server_info: implementation(step),
        instructions: Some(instructions(step)),
    };
    let now = step.endpoint.front.clock.now();
    let session = SealedSession::new(version, UpstreamSession::Waiting, now);
    let session = session.of_client(follows_links(step.asked));
    let mut response = success(&step.asked.request.id, &result);
    response.headers_mut().insert(SESSION_ID, seal(step.endpoint, &session, step.permit)?);
    Ok(response)
}

fn discovery(step: &Step<'_>) -> DiscoverResult {
    DiscoverResult {
        instructions: Some(instructions(step)),
        ..DiscoverResult::new(&ProtocolVersion::ALL, capabilities(), &implementation(step))
    }
}

fn capabilities() -> Map<String, Value> {
    Map::from_iter([("tools".to_owned(), json!({ "listChanged": true }))])
}

fn implementation(step: &Step<'_>) -> Implementation {
    Implementation {
        name: step.endpoint.remote.name().to_owned(),
        title: step.credentials.title.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn instructions(step: &Step<'_>) -> String {
    let (server, provider) = (step.title(), step.provider_title());
    format!(
        "{server} works with the user's own {provider} account, which is not connected. Call the tool {CONNECT:?} for the link where they connect it; then ask for the list of tools again."
    )
}

/// The tool, where the policy lists it.
fn tools(step: &Step<'_>) -> ListToolsResult {
    let (requester, now) = (Requester::from(step.permit), step.endpoint.front.clock.now());
    let target = Target::Tool { name: CONNECT, annotations: Some(ANNOTATIONS) };
    let question = Question { requester: &requester, target, arguments: Arguments::Unknown, now };
    let is_listed = step.endpoint.gate.policy.lists(&question);
    let is_modern = step.era == Era::Modern;
    ListToolsResult {
        result_type: is_modern.then_some(ResultType::Complete),
        tools: is_listed.then(|| tool(step)).into_iter().collect(),
        next_cursor: None,
        ttl_ms: is_modern.then_some(0),
        cache_scope: is_modern.then_some(CacheScope::Private),
    }
}

fn tool(step: &Step<'_>) -> Tool {
    let hints = json!({ "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": true });
    Tool {
        name: CONNECT.to_owned(),
        title: Some(format!("Connect {}", step.provider_title())),
        description: Some(instructions(step)),
        input_schema: json!({ "type": "object", "properties": {}, "additionalProperties": false }),
        other: Map::from_iter([("annotations".to_owned(), hints)]),
    }
}

/// A modern client's stream, which ends when the server is there.
fn subscription(step: &Step<'_>, need: &Need) -> Result<Response, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        #[serde(default)]
        notifications: SubscriptionFilter,
    }
    let wrong = mcp::InvalidParams::Type { member: "notifications", expected: "a filter of notifications" };
    let wanted = step.asked.request.params.map(|params| serde_json::from_str::<Wanted>(params.get()));
    let wanted = wanted.and_then(Result::ok);
    let wanted = wanted.ok_or_else(|| Refusal::params(http::StatusCode::BAD_REQUEST, &wrong))?.notifications;
    let told = SubscriptionFilter { resource_subscriptions: [].into(), ..wanted }
        .limited_to(&SubscriptionFilter::of_lists(&capabilities()));
    let id = step.asked.request.id.clone().into_owned();
    let params = json!({ "notifications": told, "_meta": { SUBSCRIPTION_ID: id } });
    let first = write_event(&mcp::notification("notifications/subscriptions/acknowledged", &params));
    let mut last = Vec::new();
    if told.tools_list_changed {
        last.extend(list_changed(Some(&id)));
    }
    let result = json!({ "resultType": "complete", "_meta": { SUBSCRIPTION_ID: id } });
    last.extend(write_event(&mcp::success(&id, &result)));
    let response = until_connected(&step.credentials.vault, need, first, last);
    Ok(until_shut_down(&step.endpoint.front, response, Some(&id)))
}

/// A legacy client's stream (`GET`), which ends when the server is there; `None` where nothing is waited for.
pub(super) fn listen(endpoint: &RelayEndpoint, refusal: &Refusal) -> Option<Response> {
    let Refusal::Credential(_, missing) = refusal else { return None };
    let (CredentialError::Connect(need), Some(credentials)) = (&**missing, &endpoint.credentials) else {
        return None;
    };
    Some(until_connected(&credentials.vault, need, b":\n\n".to_vec(), list_changed(None)))
}

fn list_changed(subscription: Option<&RequestId<'_>>) -> Vec<u8> {
    let params = match subscription {
        Some(id) => json!({ "_meta": { SUBSCRIPTION_ID: id } }),
        None => json!({}),
    };
    write_event(&mcp::notification("notifications/tools/list_changed", &params))
}

/// A stream that begins with `first`, and ends with `last` when what is needed is connected.
fn until_connected(vault: &Vault, need: &Need, first: Vec<u8>, last: Vec<u8>) -> Response {
    let waiting = Some((vault.clone(), Arc::new(need.clone()), Some(first), last));
    event_stream(Body::from_stream(stream::unfold(waiting, async |waiting| {
        let (vault, need, first, last) = waiting?;
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(Bytes::from(first)), Some((vault, need, None, last))));
        }
        if vault.wait_connected(&need.owner, &need.provider, &need.scope, SIGN_OF_LIFE).await {
            return Some((Ok(last.into()), None));
        }
        Some((Ok(Bytes::from_static(b":\n\n")), Some((vault, need, None, last))))
    })))
}
