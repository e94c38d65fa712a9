//! `server/discover`: what a modern server says about itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{CacheScope, Implementation, ProtocolVersion, ResultType};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// The result of `server/discover` (2026-07-28).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoverResult {
    /// Always [`ResultType::Complete`].
    pub result_type: ResultType,
    /// The revisions the server speaks; text, because a client must be able to read ones it does not know.
    pub supported_versions: Vec<String>,
    /// What the server offers, by capability name.
    pub capabilities: Map<String, Value>,
    /// How to use the server, for a model to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Milliseconds for which a client may keep the result.
    pub ttl_ms: u64,
    /// With whom a cache may share it.
    pub cache_scope: CacheScope,
    /// Metadata; holds the server's name and version.
    #[serde(rename = "_meta", default)]
    pub meta: Map<String, Value>,
}

impl DiscoverResult {
    /// A description of a server that speaks `versions`.
    pub fn new(
        versions: &[ProtocolVersion],
        capabilities: Map<String, Value>,
        server: &Implementation,
    ) -> Self {
        Self {
            result_type: ResultType::Complete,
            supported_versions: versions.iter().map(ToString::to_string).collect(),
            capabilities,
            instructions: None,
            ttl_ms: 0,
            cache_scope: CacheScope::Private,
            meta: Map::from_iter([(SERVER_INFO.to_owned(), json!(server))]),
        }
    }

    /// Who answers, if it says so.
    pub fn server_info(&self) -> Option<Implementation> {
        serde_json::from_value(self.meta.get(SERVER_INFO)?.clone()).ok()
    }
}
