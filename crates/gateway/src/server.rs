//! One MCP server as its clients see it: name, tools, sessions. What does not change is written once, at start.

use std::sync::Arc;

use mcp::{
    CacheScope, DiscoverResult, Implementation, InitializeResult, ListToolsResult, ProtocolVersion,
    ResultType, Tool,
};
use oauth::{Clock, Scope};
use secret::Secret;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use store::Store;

use crate::demo::DemoServer;
use crate::policy::Annotations;
use crate::session::Sessions;
use crate::settings::ToolScopes;
use crate::upstream::Upstream;

/// How long a client may keep a list or a description, in milliseconds.
const TTL_MS: u64 = 300_000;

/// A server and everything its endpoints answer from.
pub(crate) struct McpServer {
    pub(crate) sessions: Sessions,
    pub(crate) upstream: Upstream,
    pub(crate) legacy_tools: Box<RawValue>,
    pub(crate) modern_tools: Box<RawValue>,
    pub(crate) discovery: Box<RawValue>,
    implementation: Implementation,
    tools: Vec<(Tool, Scope)>,
}

/// A server that is part of the gateway, as whoever starts it holds it. Cheap to clone; like a
/// [`crate::RemoteServer`] it outlives the routers that are made with it.
#[derive(Clone)]
pub struct BuiltInServer(pub(crate) Arc<McpServer>);

impl BuiltInServer {
    /// The demo server on the items in `store`. `session_key` of 256 bit signs the session ids of its clients; the same
    /// on all nodes.
    pub fn demo(store: &Store, clock: &Arc<dyn Clock>, session_key: &Secret<[u8; 32]>) -> Self {
        let upstream = Upstream::Demo(DemoServer::new(store.clone(), clock.clone()));
        Self(Arc::new(McpServer::new("demo", session_key, upstream)))
    }

    /// What the tools of the demo server need; it has no others.
    pub fn demo_tools() -> ToolScopes {
        let named = DemoServer::tools().into_iter().map(|(tool, needed)| (tool.name, needed));
        ToolScopes { named: named.collect(), ..ToolScopes::default() }
    }
}

impl McpServer {
    /// A server called `name` in front of `upstream`.
    pub(crate) fn new(name: &str, session_key: &Secret<[u8; 32]>, upstream: Upstream) -> Self {
        let offered = upstream.offered_scope();
        // What needs a scope that nobody can obtain here is nobody's tool.
        let tools: Vec<(Tool, Scope)> =
            upstream.tools().into_iter().filter(|(_, needed)| needed.is_subset_of(&offered)).collect();
        let visible: Vec<Tool> = tools.iter().map(|(tool, _)| tool.clone()).collect();
        let implementation = implementation(name);
        Self {
            sessions: Sessions::new(name, session_key),
            legacy_tools: raw(&tool_list(visible.clone(), None)),
            modern_tools: raw(&tool_list(visible, Some(ResultType::Complete))),
            discovery: raw(&DiscoverResult {
                ttl_ms: TTL_MS,
                ..DiscoverResult::new(&ProtocolVersion::ALL, capabilities(), &implementation)
            }),
            implementation,
            upstream,
            tools,
        }
    }

    /// What its tools need; there are no others.
    pub(crate) fn tool_scopes(&self) -> ToolScopes {
        let named = self.tools.iter().map(|(tool, needed)| (tool.name.clone(), needed.clone()));
        ToolScopes { named: named.collect(), ..ToolScopes::default() }
    }

    /// What it says about the tool called `name`.
    pub(crate) fn annotations(&self, name: &str) -> Annotations {
        let tool = self.tools.iter().find(|(tool, _)| tool.name == name);
        tool.map_or_else(Annotations::default, |(tool, _)| Annotations::of(tool))
    }

    /// The list with only those tools that `lists` wants, for a revision that has `result_type` or not.
    pub(crate) fn tools_that(
        &self,
        lists: impl Fn(&str, Annotations) -> bool,
        result_type: Option<ResultType>,
    ) -> Box<RawValue> {
        let tools = self.tools.iter().map(|(tool, _)| tool);
        let tools = tools.filter(|tool| lists(&tool.name, Annotations::of(tool)));
        raw(&tool_list(tools.cloned().collect(), result_type))
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
