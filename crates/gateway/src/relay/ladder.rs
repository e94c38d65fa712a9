//! How a client hears that its user has to connect an account first: the first of these that it understands.
//!
//! 1. An input-required result with the link (2026-07-28), for a client that can show one. It comes again.
//! 2. `-32042` with the link (2025-11-25), for one that can show one; and word when it was followed, if it listens.
//! 3. The link as the text of a failed tool call, which a model hands on, for all others. A server that is configured so
//!    answers a client of 2026-07-28 with the error of its specification instead, `-32021`.
//!
//! What is no tool call, and asked by a client that shows no links, is an error whose message has the link.
//!
//! The link is the same for as long as it is open, however often a client asks: one for an owner, a provider, a client
//! and a server. It opens nothing for anybody but the owner (UP-07).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use audit::Outcome;
use axum::response::Response;
use http::StatusCode;
use mcp::{
    CallToolResult, Content, Era, ErrorCode, ErrorObject, ProtocolVersion, ResultType, UrlElicitation,
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use vault::{AskedBy, ConnectLink, CredentialError, Need};

use super::admit::Admitted;
use super::credential::{Reply, Step, name_of};
use super::legacy::{Session, session_of};
use super::links::{self, Link};
use super::passage::{Eras, Kind, LegacyClient, ModernClient, Passage};
use super::respond::{ending_so, json};
use super::waiting_room;
use crate::endpoint::{Refusal, why_no_credential};
use crate::recorded::Ending;
use crate::session::memory::SessionMemory;
use crate::upstream::remote::UpstreamError;

/// How long it is worth while to tell a client that its link was followed.
const LINK_TIME: Duration = Duration::from_mins(10);
/// How often it is looked at whether anybody listens.
const LOOK: Duration = Duration::from_secs(25);

/// Answers a request for which there is no credential.
pub(super) async fn tell(
    step: &Step<'_>,
    missing: &CredentialError,
    admitted: &mut Admitted,
) -> Result<Response, Refusal> {
    let CredentialError::Connect(need) = missing else { return unavailable(step, missing) };
    if let Some(response) = waiting_room::answer(step, need)? {
        return Ok(response);
    }
    let client = Client::of(step)?;
    if step.reply == Some(Reply::Declined) {
        return Ok(failed(step, "the account that this needs was not connected: the link was declined"));
    }
    let asked_by = AskedBy {
        client_id: step.permit.client_id().clone(),
        client_name: None,
        server: step.endpoint.remote.name().to_owned(),
        server_title: step.title().to_owned(),
        tool: step.tool().filter(|tool| tool != waiting_room::CONNECT).map(Cow::into_owned),
    };
    let link = step.credentials.vault.ask(need, &asked_by).await;
    match link.map_err(CredentialError::from) {
        Ok(link) => {
            if let Some(recorded) = admitted.recorded.take() {
                recorded.ask_to_connect(need.provider.as_str());
            }
            Ok(client.answer(step, need, link))
        }
        Err(error) => unavailable(step, &error),
    }
}

/// Whom a request comes from, as far as it matters to how it is answered.
enum Client {
    Modern(ModernClient),
    Legacy(Session),
}

impl Client {
    fn of(step: &Step<'_>) -> Result<Self, Refusal> {
        if step.era == Era::Legacy {
            let session = session_of(step.endpoint, step.permit, step.asked.headers)?;
            return Ok(Self::Legacy(session));
        }
        // What the server may ask of its clients does not matter: it is not the server that asks.
        let capabilities = step.asked.params.meta().client_capabilities;
        let capabilities: Option<Map<String, Value>> =
            capabilities.and_then(|capabilities| serde_json::from_str(capabilities.get()).ok());
        Ok(Self::Modern(ModernClient {
            is_cacheable: false,
            capabilities: capabilities.unwrap_or_default(),
            log_level: None,
            progress_token: None,
        }))
    }

    fn answer(self, step: &Step<'_>, need: &Need, link: ConnectLink) -> Response {
        let method = &*step.asked.request.method;
        let (eras, is_shown) = match self {
            Self::Modern(client) => {
                // "Servers MUST NOT send an InputRequiredResult on any other request" (2026-07-28).
                let may_ask = matches!(method, "tools/call" | "prompts/get" | "resources/read");
                let is_tool_call = method == "tools/call";
                if may_ask && !client.follows_links() && (!is_tool_call || step.credentials.is_strict) {
                    let told = if is_tool_call { links::NO_LINKS.to_owned() } else { in_words(&link) };
                    let body = links::incapable(&step.asked.request.id, &told);
                    return json(StatusCode::BAD_REQUEST, body.into());
                }
                (Eras::ModernClient(client), may_ask)
            }
            Self::Legacy(session) => {
                let knows_links = session.follows_links();
                if knows_links {
                    report(step, need, &link.id, session.memory);
                }
                (Eras::LegacyClient(LegacyClient { reads_resource: false, knows_links }), knows_links)
            }
        };
        if !is_shown && method != "tools/call" {
            return failed(step, &in_words(&link));
        }
        let id = step.asked.request.id.clone().into_owned();
        let passage = Passage {
            asked_as: id.clone(),
            answered_as: id,
            list: None,
            asked: Kind::of(method),
            eras,
            allowed: step.endpoint.remote.allowed(),
            is_personal: true,
        };
        let elicitation =
            UrlElicitation { url: link.url, message: link.message, elicitation_id: Some(link.id) };
        let link = Link { name: name_of(&need.provider), elicitation };
        // What the server gave its client to hold goes with the client's next try.
        let state = || step.asked.params.string("requestState").ok().flatten().map(Into::into);
        let (status, body) = links::answer(&[link], &passage, state);
        json(status, body.into())
    }
}

fn in_words(link: &ConnectLink) -> String {
    format!("{} Open {} and try again.", link.message, link.url)
}

impl Session {
    /// Whether the client understands `-32042`.
    fn follows_links(&self) -> bool {
        self.sealed.version() >= ProtocolVersion::V2025_11_25 && self.sealed.follows_links
    }
}

impl Step<'_> {
    /// What people call the provider.
    pub(super) fn provider_title(&self) -> String {
        let name = &self.credentials.provider;
        let provider = self.credentials.vault.provider(name);
        provider.map_or_else(|| name.to_string(), |provider| provider.title.clone())
    }

    /// What people call the server.
    pub(super) fn title(&self) -> &str {
        self.credentials.title.as_deref().unwrap_or_else(|| self.endpoint.remote.name())
    }
}

/// Tells a client that listens when its link was followed: `notifications/elicitation/complete` (2025-11-25).
fn report(step: &Step<'_>, need: &Need, elicitation: &str, memory: Arc<SessionMemory>) {
    if !memory.watch(elicitation) {
        return;
    }
    let (vault, need, elicitation) = (step.credentials.vault.clone(), need.clone(), elicitation.to_owned());
    tokio::spawn(async move {
        let until = Instant::now() + LINK_TIME;
        // A server that refuses what the vault holds to be good says nothing about the link.
        let is_open = vault.credential(&need.owner, &need.provider, &need.scope).await.is_err();
        while is_open && Instant::now() < until && memory.is_heard() {
            if vault.wait_connected(&need.owner, &need.provider, &need.scope, LOOK).await {
                let params = json!({ "elicitationId": elicitation });
                memory.announce(&mcp::notification("notifications/elicitation/complete", &params));
                break;
            }
        }
        memory.unwatch(&elicitation);
    });
}

/// Nobody can do anything about it now, or here: in words for a tool call, so that they are read, with a status for
/// everything else.
fn unavailable(step: &Step<'_>, missing: &CredentialError) -> Result<Response, Refusal> {
    let (server, provider) = (step.endpoint.remote.name(), &step.credentials.provider);
    tracing::warn!(server, %provider, error = %missing, "there is no credential for a request");
    if step.asked.request.method == "tools/call" {
        return Ok(failed(step, &why_no_credential(missing)));
    }
    Err(UpstreamError::from(missing.clone()).into())
}

/// The request fails, and says why.
fn failed(step: &Step<'_>, text: &str) -> Response {
    let id = &step.asked.request.id;
    if step.asked.request.method != "tools/call" {
        let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, text);
        return json(StatusCode::OK, mcp::failure(Some(id), &error).into());
    }
    said(step, text, true)
}

/// The result of a tool call that is text.
pub(super) fn said(step: &Step<'_>, text: &str, is_error: bool) -> Response {
    let result = CallToolResult {
        result_type: (step.era == Era::Modern).then_some(ResultType::Complete),
        content: vec![Content::Text { text: text.to_owned() }],
        structured_content: None,
        is_error,
    };
    let ending = Ending::default();
    ending.tell(if is_error { Outcome::Failed } else { Outcome::Succeeded });
    ending_so(json(StatusCode::OK, mcp::success(&step.asked.request.id, &result).into()), &ending)
}
