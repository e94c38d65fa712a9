//! The two eras, and how a request shows which one it belongs to.

use http::{HeaderMap, StatusCode};

use crate::{ErrorCode, ErrorObject, Params, ProtocolVersion, headers};

/// A family of protocol revisions that work alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// Up to 2025-11-25: `initialize`, then a session.
    Legacy,
    /// From 2026-07-28: no handshake, everything in the request.
    Modern,
}

impl Era {
    /// The era of a request, by what it carries (2026-07-28, Versioning): a protocol version in `_meta` is modern;
    /// else `initialize` is legacy; else the `MCP-Protocol-Version` header tells, so that a modern client that
    /// forgot its `_meta` hears so instead of being asked for a session.
    pub fn of(method: &str, params: &Params<'_>, headers: &HeaderMap) -> Self {
        if params.meta().protocol_version.is_some() {
            return Self::Modern;
        }
        if method == "initialize" {
            return Self::Legacy;
        }
        Self::of_header(headers)
    }

    /// The era that the `MCP-Protocol-Version` header names; legacy when it names no modern revision.
    pub fn of_header(headers: &HeaderMap) -> Self {
        let named = headers.get(headers::PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
        named.and_then(ProtocolVersion::parse).map_or(Self::Legacy, ProtocolVersion::era)
    }

    /// The era of a server that answered a modern request with an error (2026-07-28, Streamable HTTP, Backward
    /// Compatibility): a modern error is a modern server's; anything else is no proof, and `initialize` finds out.
    pub fn of_refusal(status: StatusCode, error: Option<&ErrorObject>) -> Self {
        let Some(error) = error else { return Self::Legacy };
        let is_modern = match error.code {
            ErrorCode::UNSUPPORTED_PROTOCOL_VERSION => error.is_wrong_refusal(),
            ErrorCode::METHOD_NOT_FOUND => status == StatusCode::NOT_FOUND,
            code => code.is_modern(),
        };
        if is_modern { Self::Modern } else { Self::Legacy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use serde_json::value::RawValue;

    #[test]
    fn a_request_shows_its_era() {
        let modern = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"1900-01-01"}}"#;
        for (method, params, header, era) in [
            ("initialize", "{}", None, Era::Legacy),
            ("initialize", "{}", Some("2026-07-28"), Era::Legacy),
            ("initialize", modern, None, Era::Modern),
            ("tools/list", modern, Some("2025-11-25"), Era::Modern),
            ("tools/list", "{}", Some("2026-07-28"), Era::Modern),
            ("tools/list", "{}", Some("2025-11-25"), Era::Legacy),
            ("tools/list", "{}", Some("2099-01-01"), Era::Legacy),
            ("tools/list", "{}", None, Era::Legacy),
            ("tools/list", r#"{"_meta":{"progressToken":1}}"#, None, Era::Legacy),
        ] {
            let raw: &RawValue = serde_json::from_str(params).unwrap();
            let mut headers = HeaderMap::new();
            if let Some(version) = header {
                headers.insert("mcp-protocol-version", version.parse().unwrap());
            }
            let params = Params::read(Some(raw)).unwrap();
            assert_eq!(Era::of(method, &params, &headers), era, "{method} {params:?} {header:?}");
        }
    }

    #[test]
    fn a_refusal_shows_an_era() {
        let error = |code| ErrorObject::new(ErrorCode(code), "x");
        let rows = [
            (400, None, Era::Legacy),
            (404, None, Era::Legacy),
            (405, None, Era::Legacy),
            (500, None, Era::Legacy),
            (400, Some(error(-32000)), Era::Legacy),
            (400, Some(error(-32600)), Era::Legacy),
            (200, Some(error(-32601)), Era::Legacy),
            (404, Some(error(-32601)), Era::Modern),
            (400, Some(error(-32020)), Era::Modern),
            (400, Some(error(-32021)), Era::Modern),
            (400, Some(error(-32022)), Era::Legacy),
            (400, Some(error(-32022).with_data(json!({"supported": ["2025-11-25"]}))), Era::Legacy),
            (400, Some(error(-32022).with_data(json!({"supported": ["2026-07-28"]}))), Era::Modern),
        ];
        for (status, error, expected) in rows {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Era::of_refusal(status, error.as_ref()), expected, "{status} {error:?}");
        }
    }
}
