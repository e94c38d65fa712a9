//! `_meta`: what the modern era says in every request instead of in a handshake (2026-07-28, Basic, `_meta`).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::{self, Object};
use crate::params::{InvalidParams, object, string};
use crate::{Implementation, ProtocolVersion};

/// The key of the protocol version.
pub(crate) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// A received `_meta`.
#[derive(Debug, Clone, Default)]
pub struct Meta<'a> {
    /// The revision the request is written in; its presence makes a request modern.
    pub protocol_version: Option<Cow<'a, str>>,
    /// Who the client says it is; never a proof of anything.
    pub client_info: Option<&'a RawValue>,
    /// What the client can do, as a raw object.
    pub client_capabilities: Option<&'a RawValue>,
    /// All members, the above included.
    pub members: Object<'a>,
}

impl<'a> Meta<'a> {
    /// Reads a raw `_meta`.
    pub(crate) fn read(raw: &'a RawValue) -> Result<Self, InvalidParams> {
        if !json::is_object(raw) {
            return Err(InvalidParams::Type { member: "_meta", expected: "an object" });
        }
        let members =
            Object::read(raw.get(), &[PROTOCOL_VERSION, CLIENT_INFO, CLIENT_CAPABILITIES, LOG_LEVEL])?;
        Ok(Self {
            protocol_version: string(members.get(PROTOCOL_VERSION), PROTOCOL_VERSION)?,
            client_info: object(members.get(CLIENT_INFO), CLIENT_INFO)?,
            client_capabilities: object(members.get(CLIENT_CAPABILITIES), CLIENT_CAPABILITIES)?,
            members,
        })
    }

    /// The version of a modern request, which must also declare its capabilities (both are required; who the
    /// client is only should be said).
    pub fn required_version(&self) -> Result<&str, InvalidParams> {
        let version = self.protocol_version.as_deref().ok_or(InvalidParams::Missing(PROTOCOL_VERSION))?;
        self.client_capabilities.ok_or(InvalidParams::Missing(CLIENT_CAPABILITIES))?;
        Ok(version)
    }
}

/// The `_meta` a client sends with every modern request.
#[derive(Debug, Clone, Serialize)]
pub struct RequestMeta<'a> {
    /// The revision the request is written in.
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    pub protocol_version: ProtocolVersion,
    /// Who is asking.
    #[serde(rename = "io.modelcontextprotocol/clientInfo")]
    pub client_info: &'a Implementation,
    /// What the client can do, as an object.
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    pub client_capabilities: &'a serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_capabilities_are_required_the_client_name_is_not() {
        for (text, expected) in [
            (
                r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#,
                Ok("2026-07-28"),
            ),
            (
                r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#,
                Err(InvalidParams::Missing(CLIENT_CAPABILITIES)),
            ),
            (
                r#"{"io.modelcontextprotocol/clientCapabilities":{}}"#,
                Err(InvalidParams::Missing(PROTOCOL_VERSION)),
            ),
        ] {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert_eq!(Meta::read(raw).unwrap().required_version(), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_type_is_refused() {
        for text in [
            r#"{"io.modelcontextprotocol/protocolVersion":7}"#,
            r#"{"io.modelcontextprotocol/clientCapabilities":[]}"#,
        ] {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert!(matches!(Meta::read(raw), Err(InvalidParams::Type { .. })), "{text}");
        }
    }
}
