//! How messages travel to a remote server.

use serde::Deserialize;

/// What `transport` may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Transport {
    /// Streamable HTTP.
    Http,
    /// HTTP with SSE, of 2024-11-05.
    Sse,
}

/// As the gateway knows it.
pub(super) fn of(configured: Option<Transport>) -> gateway::Transport {
    match configured {
        None => gateway::Transport::Detected,
        Some(Transport::Http) => gateway::Transport::StreamableHttp,
        Some(Transport::Sse) => gateway::Transport::HttpSse,
    }
}
