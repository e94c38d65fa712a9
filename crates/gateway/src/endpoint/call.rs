//! `tools/call`: the same for every era.

use std::time::Duration;

use audit::{Outcome, Overloaded};
use guard::{Challenge, Permit};
use http::StatusCode;
use mcp::{
    CallToolParams, CallToolResult, Content, ErrorCode, ErrorObject, InvalidParams, Params, ProtocolVersion,
};
use mcp::{Era, ResultType};

use super::{Endpoint, Refusal};
use crate::upstream::UpstreamUnavailable;

/// Why a tool is not called.
#[derive(Debug)]
pub(crate) enum CallRefusal {
    /// The parameters of `tools/call` itself.
    Params(InvalidParams),
    /// No such tool, or none for this caller.
    UnknownTool,
    /// The token lacks scopes.
    Challenge(Challenge),
    /// A rule; what the caller reads.
    Denied(String),
    /// Too many; when the next one may come.
    TooMany(Duration),
    /// The audit log takes no more now.
    NotRecorded(Overloaded),
    /// The upstream cannot work now.
    Unavailable(UpstreamUnavailable),
}

/// Calls the tool that `params` name, if the policy allows it to the permit.
pub(crate) async fn call_tool(
    endpoint: &Endpoint,
    permit: Permit,
    version: ProtocolVersion,
    params: &Params<'_>,
) -> Result<CallToolResult, CallRefusal> {
    let call = CallToolParams::read(params).map_err(CallRefusal::Params)?;
    let recorded = endpoint.gate.call(&permit, &call, endpoint.server.annotations(&call.name)).await?;
    let CallToolParams { name, arguments } = call;
    let outcome = endpoint.server.upstream.call(permit, &name, arguments).await;
    let succeeded = outcome.as_ref().is_ok_and(|outcome| !outcome.is_error);
    recorded.end(if succeeded { Outcome::Succeeded } else { Outcome::Failed });
    let outcome = outcome.map_err(CallRefusal::Unavailable)?;
    let is_structured = version.has_structured_content() && !outcome.is_error;
    Ok(CallToolResult {
        result_type: (version.era() == Era::Modern).then_some(ResultType::Complete),
        content: vec![Content::Text { text: outcome.body.get().to_owned() }],
        structured_content: is_structured.then_some(outcome.body),
        is_error: outcome.is_error,
    })
}

impl From<CallRefusal> for Refusal {
    fn from(refusal: CallRefusal) -> Self {
        match refusal {
            CallRefusal::Params(error) => Self::params(StatusCode::OK, &error),
            CallRefusal::UnknownTool => {
                let message = "unknown tool: tools/list names the tools of this server";
                Self::Request(StatusCode::OK, None, ErrorObject::new(ErrorCode::INVALID_PARAMS, message))
            }
            CallRefusal::Challenge(challenge) => Self::Challenge(challenge),
            CallRefusal::Denied(told) => {
                Self::Request(StatusCode::OK, None, ErrorObject::new(ErrorCode::INVALID_PARAMS, told))
            }
            CallRefusal::TooMany(wait) => Self::TooMany(None, wait),
            CallRefusal::NotRecorded(error) => Self::unavailable(error.to_string()),
            CallRefusal::Unavailable(error) => Self::unavailable(error.to_string()),
        }
    }
}
