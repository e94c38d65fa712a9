//! Who may knock at the gateway.

use serde::Deserialize;

/// `[gateway]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gateway {
    /// `allowed_hosts`: further values of the `Host` header to answer for, as `host[:port]`. Default: none
    /// beside the public URL's.
    pub(crate) allowed_hosts: Vec<String>,
    /// `allowed_origins`: web pages that may use the MCP endpoints, as `scheme://host[:port]`. Default: none
    /// beside the public URL's.
    pub(crate) allowed_origins: Vec<String>,
}
