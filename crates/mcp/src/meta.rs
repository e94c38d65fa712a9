//! `_meta`: what the modern era says in every request instead of in a handshake (2026-07-28, Basic, `_meta`).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::json::{self, Object};
use crate::params::{InvalidParams, object, string};
use crate::{Implementation, LogLevel, ProtocolVersion};

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
    /// The least grave log messages that the client wants while the request is answered.
    pub log_level: Option<LogLevel>,
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
            log_level: log_level(members.get(LOG_LEVEL))?,
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

    /// These members and those that the modern era asks for, for a client that said what it is in its `initialize`.
    pub fn to_modern(
        &self,
        client_info: Option<&RawValue>,
        client_capabilities: &RawValue,
        log_level: Option<LogLevel>,
    ) -> Box<RawValue> {
        let version = raw(&ProtocolVersion::LATEST);
        let level = log_level.map(|level| raw(&level));
        let mut members = self.members.clone();
        members.set(PROTOCOL_VERSION, &version);
        if let Some(client_info) = client_info {
            members.set(CLIENT_INFO, client_info);
        }
        if let Some(level) = &level {
            members.set(LOG_LEVEL, level);
        }
        members.set(CLIENT_CAPABILITIES, client_capabilities);
        raw(&members)
    }

    /// These members with other client capabilities.
    pub fn with_capabilities(&self, client_capabilities: &RawValue) -> Box<RawValue> {
        let mut members = self.members.clone();
        members.set(CLIENT_CAPABILITIES, client_capabilities);
        raw(&members)
    }

    /// These members without those that only the modern era knows; `None` when there are no others.
    pub fn to_legacy(&self) -> Option<Box<RawValue>> {
        let mut members = self.members.clone();
        for modern in [PROTOCOL_VERSION, CLIENT_INFO, CLIENT_CAPABILITIES, LOG_LEVEL] {
            members.take(modern);
        }
        (!members.is_empty()).then(|| raw(&members))
    }
}

fn log_level(raw: Option<&RawValue>) -> Result<Option<LogLevel>, InvalidParams> {
    let read = |raw: &RawValue| serde_json::from_str(raw.get());
    let wrong = |_| InvalidParams::Type { member: LOG_LEVEL, expected: "a level of log messages" };
    raw.map(read).transpose().map_err(wrong)
}

fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("text and raw members cannot fail to serialise")
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
    fn a_meta_goes_from_era_to_era_and_back() {
        let text = r#"{"progressToken":1e2,"x/y":{"b":1,"a":2}}"#;
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let capabilities: &RawValue = serde_json::from_str("{}").unwrap();
        let modern = Meta::read(raw).unwrap().to_modern(None, capabilities, Some(LogLevel::Info));
        let meta = Meta::read(&modern).unwrap();
        assert_eq!((meta.required_version(), meta.log_level), (Ok("2026-07-28"), Some(LogLevel::Info)));
        assert_eq!(meta.to_legacy().unwrap().get(), text);
        assert!(
            Meta::read(&Meta::default().to_modern(None, capabilities, None)).unwrap().to_legacy().is_none()
        );
    }

    #[test]
    fn a_wrong_type_is_refused() {
        for text in [
            r#"{"io.modelcontextprotocol/protocolVersion":7}"#,
            r#"{"io.modelcontextprotocol/clientCapabilities":[]}"#,
            r#"{"io.modelcontextprotocol/logLevel":"loud"}"#,
        ] {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert!(matches!(Meta::read(raw), Err(InvalidParams::Type { .. })), "{text}");
        }
    }
}
