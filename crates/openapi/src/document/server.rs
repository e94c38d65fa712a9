//! Servers: where the document says that its operations are.

use std::collections::BTreeMap;

/// A server as the document proposes it (OA-06). Requests go to the base URL of the configuration; this one is shown to
/// whoever writes the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The URL template, such as `https://{region}.example.com/v1`.
    pub url: String,
    /// What it is.
    pub description: Option<String>,
    /// The variables of the template.
    pub variables: BTreeMap<String, Variable>,
}

/// A variable of a URL template (`OpenAPI` 3.1 §4.8.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The value when nothing is chosen.
    pub default: String,
    /// The values that may be chosen; empty when the document allows any, and then only the default is taken.
    pub allowed: Vec<String>,
}
