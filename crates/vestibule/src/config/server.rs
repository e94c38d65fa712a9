//! The MCP servers behind the gateway.

use serde::Deserialize;

use crate::cli::exit::Stop;

/// `[[server]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// `name`: its place in the URL, `/mcp/NAME`: lower-case letters, digits and hyphens. Required.
    pub(crate) name: String,
    /// `kind`: what stands behind it. Required.
    pub(crate) kind: ServerKind,
}

/// What an MCP server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServerKind {
    /// The built-in demo server with six tools on a small store of items.
    Demo,
}

impl Server {
    /// The server of demo mode.
    pub(super) fn demo() -> Self {
        Self { name: "demo".into(), kind: ServerKind::Demo }
    }
}

/// The built-in demo server has one set of paths (`/mcp/NAME`, `/mcp/v1`, `/api`), so there can be one.
pub(super) fn check(servers: &[Server]) -> Result<(), Stop> {
    if servers.len() > 1 {
        return Err(Stop::usage("there is more than one [[server]] of kind \"demo\"")
            .hint("keep one: the demo server has paths of its own beside /mcp/NAME"));
    }
    match servers.iter().find(|server| !is_name(&server.name)) {
        Some(server) => Err(Stop::usage(format!("{:?} cannot be the name of a server", server.name))
            .hint("use lower-case letters, digits and hyphens, at most 64; `v1` is taken")),
        None => Ok(()),
    }
}

fn is_name(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    is_plain && (1..=64).contains(&text.len()) && text != "v1"
}
