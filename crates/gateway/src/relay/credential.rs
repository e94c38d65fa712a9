//! The credential that a request takes to its server: found once the policy has let the request pass, and before anything
//! is sent.
//!
//! 1. Whose it is, the configuration says: the user's own, or one that a team shares (UP-14).
//! 2. The vault has it, or says what a person has to do first. `ladder` tells the client, as it understands it.
//! 3. A modern client that was told comes again with `inputResponses`. If its user has agreed, the connection is waited
//!    for.
//! 4. A server that does not take the credential, or wants more scopes, leads to the same place: it has done nothing.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use guard::Permit;
use http::StatusCode;
use mcp::json::Object;
use mcp::{CallToolParams, Era, Message, Params};
use serde::Deserialize;
use serde_json::value::to_raw_value;
use vault::{CredentialError, ProviderName};

use super::admit::Admitted;
use super::passage::only;
use super::{Asked, RelayEndpoint, go_on, ladder, waiting_room};
use crate::endpoint::{CallRefusal, Refusal};
use crate::server_credentials::ServerCredentials;
use crate::upstream::remote::{Caller, Presented, UpstreamError};

/// How long a request that comes again waits for its user to be connected.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the audit log calls the rule that a credential is its team's.
const BY_TEAM: &str = "team";

/// Answers a request that has been admitted.
pub(super) async fn answer(
    endpoint: &RelayEndpoint,
    permit: Permit,
    (era, asked): (Era, &Asked<'_>),
    admitted: &mut Admitted,
) -> Result<Response, Refusal> {
    let method = &*asked.request.method;
    match of(endpoint, method).filter(|_| !endpoint.remote.answers_itself(method, asked.params)) {
        None => go_on(endpoint, Caller::new(&endpoint.remote, permit), (era, asked), admitted).await,
        // In a place of its own, so that calls without credentials need no room for it.
        Some(credentials) => {
            let step = Step { endpoint, credentials, permit: &permit, era, asked, reply: None };
            Box::pin(with_credential(step, admitted)).await
        }
    }
}

async fn with_credential(step: Step<'_>, admitted: &mut Admitted) -> Result<Response, Refusal> {
    let Some((reply, body)) = taken_out(step.asked, &step.credentials.provider) else {
        return step.take(admitted).await;
    };
    let Message::Request(request) = Message::parse(&body)? else { return Err(Refusal::UnexpectedResponse) };
    let params =
        Params::read(request.params).map_err(|error| Refusal::params(StatusCode::BAD_REQUEST, &error))?;
    let asked = Asked { headers: step.asked.headers, body: &body, request: &request, params: &params };
    Step { asked: &asked, reply: Some(reply), ..step }.take(admitted).await
}

/// What a request for `method` takes along, if anything.
fn of<'e>(endpoint: &'e RelayEndpoint, method: &str) -> Option<&'e ServerCredentials> {
    endpoint.credentials.as_deref().filter(|_| endpoint.remote.takes_credential_for(method))
}

/// A caller for what is no request of a client: nobody is told anything when there is no credential.
pub(super) async fn caller(endpoint: &RelayEndpoint, permit: Permit) -> Result<Caller, Refusal> {
    let Some(credentials) = of(endpoint, "") else { return Ok(Caller::new(&endpoint.remote, permit)) };
    let owner = credentials.owner(&permit).ok_or_else(|| not_of_team(credentials))?;
    let needed = credentials.needed(None);
    let presented = Presented::find(&credentials.vault, owner, &credentials.provider, needed).await;
    Ok(Caller::presenting(&endpoint.remote, permit, presented.map_err(UpstreamError::from)?))
}

/// A request before the vault.
pub(super) struct Step<'a> {
    pub(super) endpoint: &'a RelayEndpoint,
    pub(super) credentials: &'a ServerCredentials,
    pub(super) permit: &'a Permit,
    pub(super) era: Era,
    pub(super) asked: &'a Asked<'a>,
    /// What the client says to the link that it was given.
    pub(super) reply: Option<Reply>,
}

/// What a person said to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// They follow it.
    Accepted,
    /// They do not.
    Declined,
}

impl Step<'_> {
    async fn take(&self, admitted: &mut Admitted) -> Result<Response, Refusal> {
        let mut outcome = self.attempt(admitted).await;
        if let Err(Refusal::Credential(_, missing)) = &outcome
            && self.is_connected_at_last(missing).await
        {
            outcome = self.attempt(admitted).await;
        }
        match outcome {
            Err(Refusal::Credential(_, missing)) => ladder::tell(self, &missing, admitted).await,
            outcome => outcome,
        }
    }

    async fn attempt(&self, admitted: &mut Admitted) -> Result<Response, Refusal> {
        let Self { endpoint, credentials, permit, .. } = self;
        let Some(owner) = credentials.owner(permit) else {
            if let Some(recorded) = admitted.recorded.take() {
                recorded.deny(self.tool().as_deref().unwrap_or_default(), BY_TEAM);
            }
            return Err(not_of_team(credentials));
        };
        let needed = credentials.needed(self.tool().as_deref());
        let presented = Presented::find(&credentials.vault, owner, &credentials.provider, needed).await;
        let presented = presented.map_err(UpstreamError::from)?;
        if let Some(recorded) = &mut admitted.recorded {
            recorded.act_as(presented.account());
        }
        let permit = endpoint.guard.renew(permit).ok_or(UpstreamError::Resting)?;
        let caller = Caller::presenting(&endpoint.remote, permit, presented);
        if let Some(response) = waiting_room::left(self, &caller).await? {
            return Ok(response);
        }
        go_on(endpoint, caller, (self.era, self.asked), admitted).await
    }

    /// Waits for somebody who has said that they follow the link. Dropped with the client's request.
    async fn is_connected_at_last(&self, missing: &CredentialError) -> bool {
        match (self.reply, missing) {
            (Some(Reply::Accepted), CredentialError::Connect(need)) => {
                let vault = &self.credentials.vault;
                vault.wait_connected(&need.owner, &need.provider, &need.scope, PATIENCE).await
            }
            _ => false,
        }
    }

    /// The tool that is called.
    pub(super) fn tool(&self) -> Option<Cow<'_, str>> {
        let call = CallToolParams::read(self.asked.params).ok()?;
        (self.asked.request.method == "tools/call").then_some(call.name)
    }
}

/// What the answer to a link is called in `inputResponses`.
pub(super) fn name_of(provider: &ProviderName) -> String {
    format!("connect-{provider}")
}

/// What the client says to a link of ours, and its request without that: it is not the server's.
fn taken_out(asked: &Asked<'_>, provider: &ProviderName) -> Option<(Reply, Bytes)> {
    #[derive(Deserialize)]
    struct Response {
        action: String,
    }
    let mut responses = Object::read(asked.params.get("inputResponses")?.get(), &[]).ok()?;
    let name = name_of(provider);
    let response: Response = serde_json::from_str(only(&responses, &name)?.get()).ok()?;
    responses.take(&name);
    let mut params = Object::read(asked.request.params?.get(), &[]).ok()?;
    let others = to_raw_value(&responses).ok()?;
    if responses.is_empty() {
        params.take("inputResponses");
    } else {
        params.set("inputResponses", &others);
    }
    let params = to_raw_value(&params).ok()?;
    let reply = if response.action == "accept" { Reply::Accepted } else { Reply::Declined };
    Some((reply, mcp::Request { params: Some(&params), ..asked.request.clone() }.to_vec().into()))
}

fn not_of_team(credentials: &ServerCredentials) -> Refusal {
    let provider = &credentials.provider;
    CallRefusal::Denied(format!(
        "this server is used with an account at {provider} that a team shares, and you do not belong to the team; its operator can add you"
    ))
    .into()
}
