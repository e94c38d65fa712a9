//! `initialize`: the handshake of the legacy era.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::params::{InvalidParams, Params};

/// The name and version of a client or a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Implementation {
    /// A name for programs.
    pub name: String,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A version in the implementation's own scheme.
    pub version: String,
}

/// The parameters of `initialize` that matter to a server; what the client calls itself is not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitializeParams<'a> {
    /// The newest revision the client speaks; may be one that is not known here.
    pub protocol_version: Cow<'a, str>,
}

impl<'a> InitializeParams<'a> {
    /// Reads the parameters of an `initialize`.
    pub fn read(params: &Params<'a>) -> Result<Self, InvalidParams> {
        params.object("capabilities")?;
        params.object("clientInfo")?;
        Ok(Self { protocol_version: params.required_string("protocolVersion")? })
    }
}

/// The result of `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    /// The revision of the session; text, because a client must be able to read one it does not know.
    pub protocol_version: String,
    /// What the server offers, by capability name.
    pub capabilities: Map<String, Value>,
    /// Who answers.
    pub server_info: Implementation,
    /// How to use the server, for a model to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}
