//! What stands behind an MCP endpoint.

pub(crate) mod openapi;
pub(crate) mod remote;
pub(crate) mod source;
pub(crate) mod stdio;

use guard::Permit;
use mcp::Tool;
use oauth::Scope;
use serde_json::value::RawValue;

use crate::demo::DemoServer;

/// A server behind the gateway. Calling it takes a permit by value: forgetting the check does not compile.
pub(crate) enum Upstream {
    /// The built-in demo server.
    Demo(DemoServer),
}

/// A message of a process on its way back.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Something that goes before the response.
    Message(Box<RawValue>),
    /// The response, with the id that the client gave.
    Response(Box<RawValue>),
}

/// What a tool answered: a JSON object, and whether it is the answer of a failure.
#[derive(Debug)]
pub(crate) struct ToolOutcome {
    pub(crate) body: Box<RawValue>,
    pub(crate) is_error: bool,
}

/// The upstream could not work now; the caller may try again. The log has the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server cannot answer now; try again in a few seconds")]
pub(crate) struct UpstreamUnavailable;

impl Upstream {
    /// The tools with the scopes that each needs, in a fixed order.
    pub(crate) fn tools(&self) -> Vec<(Tool, Scope)> {
        match self {
            Self::Demo(_) => DemoServer::tools(),
        }
    }

    /// The scopes that a client can obtain for this server.
    pub(crate) fn offered_scope(&self) -> Scope {
        match self {
            Self::Demo(_) => DemoServer::offered_scope(),
        }
    }

    /// Calls one of its tools; the policy has allowed it.
    pub(crate) async fn call(
        &self,
        permit: Permit,
        tool: &str,
        arguments: Option<&RawValue>,
    ) -> Result<ToolOutcome, UpstreamUnavailable> {
        match self {
            Self::Demo(demo) => demo.call(permit, tool, arguments).await,
        }
    }
}
