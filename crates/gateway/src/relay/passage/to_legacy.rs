//! From a modern server to a legacy client.

use mcp::{ErrorCode, ErrorObject};

/// What a legacy client asked.
#[derive(Debug)]
pub(in super::super) struct LegacyClient {
    /// Whether it reads a resource.
    pub(in super::super) reads_resource: bool,
    /// Whether it can be sent to a URL.
    pub(in super::super) knows_links: bool,
}

impl LegacyClient {
    /// An error as the client's era says it. A resource that is not there has a code of its own, which the modern era
    /// has given up for "invalid params".
    pub(super) fn error(&self, mut error: ErrorObject) -> ErrorObject {
        if self.reads_resource && error.code == ErrorCode::INVALID_PARAMS {
            error.code = ErrorCode::RESOURCE_NOT_FOUND;
        }
        error
    }
}
