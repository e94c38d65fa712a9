//! Which arguments of a modern server's tools have to be repeated in headers (`x-mcp-header`). Its lists say so; a legacy
//! client neither reads that nor sends headers, so the gateway does.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use mcp::ParameterHeaders;
use mcp::json::{Object, string};
use serde_json::value::RawValue;

use super::listed::{TOOLS, each};
use super::{Caller, UpstreamError};

/// How many tools of a server are remembered.
const REMEMBERED: u64 = 10_000;
/// For how long.
const TIME: Duration = Duration::from_mins(5);

/// What is known of the tools of one server.
#[derive(Clone)]
pub(crate) struct KnownParameters(moka::sync::Cache<String, Arc<ParameterHeaders>>);

impl Default for KnownParameters {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(REMEMBERED).time_to_live(TIME).build())
    }
}

impl KnownParameters {
    /// What is known of a tool.
    pub(crate) fn of(&self, tool: &str) -> Option<Arc<ParameterHeaders>> {
        self.0.get(tool)
    }

    /// Learns from a tool in a list.
    pub(crate) fn keep(&self, name: &str, tool: &Object<'_>) {
        let schema = tool.get("inputSchema").map_or("{}", RawValue::get);
        // Few tools ask for headers, and lists are long.
        let asked = schema.contains("x-mcp-header").then(|| {
            let schema = serde_json::from_str(schema).unwrap_or_default();
            ParameterHeaders::of(&schema).unwrap_or_default()
        });
        self.0.insert(name.to_owned(), Arc::new(asked.unwrap_or_default()));
    }
}

impl Caller {
    /// The headers that a call of `tool` repeats its arguments in. The server is asked for its tools when this one is not
    /// known, or when what is known has turned out to be wrong.
    pub(crate) async fn parameter_headers(
        &self,
        (tool, arguments): (&str, Option<&RawValue>),
        is_wrong: bool,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let known = self.remote.parameters();
        if (is_wrong || known.of(tool).is_none())
            && let Err(error) = self.learn_parameters().await
        {
            tracing::debug!(%error, "the headers that tools ask for are not known");
        }
        let headers = known.of(tool).unwrap_or_else(|| {
            // What cannot be learned is asked for once and not with every call.
            known.0.insert(tool.to_owned(), Arc::default());
            Arc::default()
        });
        headers.compose(arguments)
    }

    async fn learn_parameters(&self) -> Result<(), UpstreamError> {
        let known = self.remote.parameters();
        each(self, TOOLS, &mut |tool| {
            let Ok(tool) = Object::read(tool.get(), &["name"]) else { return };
            if let Some(name) = tool.get("name").and_then(string) {
                known.keep(&name, &tool);
            }
        })
        .await
    }
}
