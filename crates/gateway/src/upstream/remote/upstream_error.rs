//! Why a server gives no answer that can be passed on.

use std::sync::Arc;

use http::StatusCode;
use vault::CredentialError;

use crate::upstream::stdio::StdioError;

/// The upstream's fault. The texts name it as such, and hold nothing that it sent.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// It could not be connected to a moment ago, so it was not tried.
    #[error("the server behind this gateway cannot be reached at the moment")]
    Resting,
    /// It cannot be connected to, or broke off.
    #[error("the server behind this gateway cannot be reached")]
    Unreachable,
    /// It is a process that ended before it answered.
    #[error("the server process behind this gateway ended")]
    Ended,
    /// It did not answer in time.
    #[error("the server behind this gateway did not answer in time")]
    TimedOut,
    /// It answered with a status that is not for the client.
    #[error("the server behind this gateway answered with HTTP status {}", .0.as_u16())]
    Status(StatusCode),
    /// Its answer is not MCP.
    #[error("the answer of the server behind this gateway is not one that can be passed on")]
    Malformed,
    /// Its answer, or an event of it, is larger than the operator allows.
    #[error("the answer of the server behind this gateway is larger than it may be here")]
    TooLarge,
    /// It does not know the session (any more).
    #[error("the server behind this gateway has ended the session")]
    SessionGone,
    /// It has no such HTTP method.
    #[error("the server behind this gateway has no stream of its own")]
    NoStream,
    /// The connection that a stream was opened with has ended.
    #[error("the account that the server behind this gateway was used with is not connected any more")]
    Disconnected,
    /// There is no credential to send along, or not one that it takes.
    #[error(
        "the connection that the server behind this gateway needs is not there; call again to be asked for it"
    )]
    Credential(Arc<CredentialError>),
}

impl From<CredentialError> for UpstreamError {
    fn from(error: CredentialError) -> Self {
        Self::Credential(Arc::new(error))
    }
}

impl From<outbound::Error> for UpstreamError {
    fn from(error: outbound::Error) -> Self {
        match error {
            outbound::Error::Timeout { .. } => Self::TimedOut,
            outbound::Error::TooLarge { .. } => Self::TooLarge,
            _ => Self::Unreachable,
        }
    }
}

impl From<StdioError> for UpstreamError {
    fn from(error: StdioError) -> Self {
        match error {
            StdioError::NotStarted | StdioError::NoHandshake => Self::Unreachable,
            StdioError::Ended => Self::Ended,
            StdioError::Deadline => Self::TimedOut,
            StdioError::BackingOff(_) | StdioError::Full | StdioError::Busy | StdioError::ShuttingDown => {
                Self::Resting
            }
        }
    }
}
