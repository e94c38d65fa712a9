//! JSON-RPC error objects and the codes MCP gives meaning to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ProtocolVersion;

/// The `code` of a JSON-RPC error.
///
/// The constants are the codes this protocol defines; any integer may be received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(pub i64);

impl ErrorCode {
    /// The body is not JSON.
    pub const PARSE_ERROR: Self = Self(-32700);
    /// JSON, but not a JSON-RPC message this endpoint accepts.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// The method does not exist here.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The parameters do not fit the method; also: no such tool.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// The server failed.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// 2025-11-25 and earlier: no such resource. Never to be sent in the modern era.
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// 2026-07-28: a header is missing, malformed or differs from the body.
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// 2026-07-28: the request needs a capability that the client did not declare.
    pub const MISSING_REQUIRED_CLIENT_CAPABILITY: Self = Self(-32021);
    /// 2026-07-28: the requested protocol version is not served here.
    pub const UNSUPPORTED_PROTOCOL_VERSION: Self = Self(-32022);
    /// 2025-11-25 only: the user must visit a URL first.
    pub const URL_ELICITATION_REQUIRED: Self = Self(-32042);

    /// Whether the code can only come from a server that speaks the modern era, which is how a client that serves
    /// both eras decides not to fall back to `initialize` (2026-07-28, Streamable HTTP, Backward Compatibility).
    pub fn is_modern(self) -> bool {
        matches!(
            self,
            Self::HEADER_MISMATCH
                | Self::MISSING_REQUIRED_CLIENT_CAPABILITY
                | Self::UNSUPPORTED_PROTOCOL_VERSION
        )
    }
}

/// The `error` member of a JSON-RPC response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorObject {
    /// What kind of error.
    pub code: ErrorCode,
    /// One sentence for a person.
    pub message: String,
    /// Details whose shape depends on the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ErrorObject {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error with details.
    #[must_use]
    pub fn with_data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    /// Whether a server refuses our newest revision and yet lists it in `data.supported`: it may be asked again.
    pub fn is_wrong_refusal(&self) -> bool {
        let supported = self.data.as_ref().and_then(|data| data.get("supported")).and_then(Value::as_array);
        let lists_ours = supported
            .is_some_and(|list| list.iter().any(|version| version == ProtocolVersion::LATEST.as_str()));
        self.code == ErrorCode::UNSUPPORTED_PROTOCOL_VERSION && lists_ours
    }
}
