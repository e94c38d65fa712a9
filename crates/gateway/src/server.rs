//! One MCP server as its clients see it: name, tools, sessions. What does not change is written once, at start.

use mcp::{
    CacheScope, DiscoverResult, Implementation, InitializeResult, ListToolsResult, ProtocolVersion,
    ResultType, Tool,
};
use oauth::Scope;
use secret::Secret;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::policy::{self, Decision};
use crate::session::Sessions;
use crate::upstream::Upstream;

/// How long a client may keep a list or a description, in milliseconds.
const TTL_MS: u64 = 300_000;

/// A server and everything its endpoints answer from.
pub(crate) struct McpServer {
    pub(crate) name: String,
    pub(crate) sessions: Sessions,
    pub(crate) upstream: Upstream,
    pub(crate) legacy_tools: Box<RawValue>,
    pub(crate) modern_tools: Box<RawValue>,
    pub(crate) discovery: Box<RawValue>,
    implementation: Implementation,
    offered: Scope,
    tools: Vec<(String, Scope)>,
}

/// What the policy says about a tool, by name.
pub(crate) enum Access<'s> {
    /// It may be called.
    Allowed,
    /// It needs these scopes.
    Challenged(&'s Scope),
    /// It does not exist, as far as this caller can know.
    Unknown,
}

impl McpServer {
    /// A server called `name` in front of `upstream`.
    pub(crate) fn new(name: &str, session_key: &Secret<[u8; 32]>, upstream: Upstream) -> Self {
        let offered = upstream.offered_scope();
        let (visible, tools): (Vec<Tool>, Vec<_>) = upstream
            .tools()
            .into_iter()
            .filter(|(_, needed)| policy::decide(needed, &offered, &Scope::default()) != Decision::Hidden)
            .map(|(tool, needed)| (tool.clone(), (tool.name, needed)))
            .unzip();
        let implementation = implementation(name);
        Self {
            name: name.to_owned(),
            sessions: Sessions::new(name, session_key),
            legacy_tools: raw(&tool_list(visible.clone(), None)),
            modern_tools: raw(&tool_list(visible, Some(ResultType::Complete))),
            discovery: raw(&DiscoverResult {
                ttl_ms: TTL_MS,
                ..DiscoverResult::new(&ProtocolVersion::ALL, capabilities(), &implementation)
            }),
            implementation,
            upstream,
            offered,
            tools,
        }
    }

    /// Whether a token granted `granted` may call the tool called `name`.
    pub(crate) fn access(&self, name: &str, granted: &Scope) -> Access<'_> {
        let Some((_, needed)) = self.tools.iter().find(|(tool, _)| tool == name) else {
            return Access::Unknown;
        };
        match policy::decide(needed, &self.offered, granted) {
            Decision::Allow => Access::Allowed,
            Decision::Challenge => Access::Challenged(needed),
            Decision::Hidden => Access::Unknown,
        }
    }

    /// The answer to an `initialize` that agreed on `version`.
    pub(crate) fn initialize_result(&self, version: ProtocolVersion) -> InitializeResult {
        InitializeResult {
            protocol_version: version.to_string(),
            capabilities: capabilities(),
            server_info: self.implementation.clone(),
            instructions: None,
        }
    }
}

fn implementation(name: &str) -> Implementation {
    Implementation {
        name: format!("vestibule-{name}"),
        title: Some(format!("Vestibule {name}")),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Tools that never change while the server runs.
fn capabilities() -> Map<String, Value> {
    Map::from_iter([("tools".to_owned(), json!({ "listChanged": false }))])
}

/// Private, because what a list shows depends on who asks as soon as a policy hides a tool from somebody.
fn tool_list(tools: Vec<Tool>, result_type: Option<ResultType>) -> ListToolsResult {
    ListToolsResult {
        result_type,
        tools,
        next_cursor: None,
        ttl_ms: result_type.map(|_| TTL_MS),
        cache_scope: result_type.map(|_| CacheScope::Private),
    }
}

fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("these types have string keys and cannot fail to serialise")
}
