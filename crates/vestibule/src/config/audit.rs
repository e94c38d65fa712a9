//! What the audit log holds.

use serde::Deserialize;

/// `[audit]`. The security events of the authorization server are always recorded.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// `tool_calls`: whether every tool call is recorded. Default `true`. A recorded call is one more durable row.
    pub(crate) tool_calls: bool,
}

impl Default for Audit {
    fn default() -> Self {
        Self { tool_calls: true }
    }
}
