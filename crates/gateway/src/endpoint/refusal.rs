//! The one place where a refusal becomes a status, a JSON-RPC code and headers.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use guard::Challenge;
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use mcp::headers::HeaderMismatch;
use mcp::{ErrorCode, ErrorObject, InvalidMessage, InvalidParams, ProtocolVersion, RequestId};
use serde_json::json;
use vault::CredentialError;

use super::json;
use crate::admission::NotAdmitted;
use crate::body::BodyError;
use crate::upstream::remote::UpstreamError;

/// Why a request to an MCP endpoint is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Host or origin.
    NotAdmitted(NotAdmitted),
    /// Token or scope; a complete answer already.
    Challenge(Challenge),
    /// An HTTP method that this route does not have; the ones it has.
    Method(&'static str),
    /// Media type, size or time of the body.
    Body(BodyError),
    /// Not one JSON-RPC message.
    Message(InvalidMessage),
    /// A response, where the client never has one to give.
    UnexpectedResponse,
    /// The legacy era without the session that it must carry.
    SessionMissing,
    /// A session that was never issued, not to this principal, or has ended.
    SessionUnknown,
    /// There is no credential for the server, or none that it takes.
    Credential(Option<RequestId<'static>>, Arc<CredentialError>),
    /// Too many requests; when the next one may come.
    TooMany(Option<RequestId<'static>>, Duration),
    /// An error about one request that could be read.
    Request(StatusCode, Option<RequestId<'static>>, ErrorObject),
}

impl Refusal {
    /// Parameters that do not fit; `status` depends on era and method.
    pub(crate) fn params(status: StatusCode, error: &InvalidParams) -> Self {
        Self::Request(
            status,
            None,
            ErrorObject::new(ErrorCode::INVALID_PARAMS, format!("invalid params: {error}")),
        )
    }

    /// A method that does not exist: 200 in the legacy era, 404 in the modern one.
    pub(crate) fn method_not_found(status: StatusCode, method: &str) -> Self {
        // Method names are short; a stranger's long one is not worth repeating.
        let named = if method.len() <= 64 { method } else { "the method" };
        let message = format!("method not found: {named} is not offered by this server");
        Self::Request(status, None, ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, message))
    }

    /// "the server MUST respond with `400 Bad Request` and an `UnsupportedProtocolVersionError` listing its supported
    /// versions" (2026-07-28, Protocol Version Header); an older client reads the same as its plain 400.
    pub(crate) fn unsupported_version(requested: &str) -> Self {
        let requested = requested.get(..requested.len().min(64)).unwrap_or_default();
        let error = ErrorObject::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, "unsupported protocol version")
            .with_data(json!({ "supported": ProtocolVersion::ALL, "requested": requested }));
        Self::Request(StatusCode::BAD_REQUEST, None, error)
    }

    /// The upstream or the storage cannot work now.
    pub(crate) fn unavailable(message: String) -> Self {
        let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, message);
        Self::Request(StatusCode::SERVICE_UNAVAILABLE, None, error)
    }

    /// The same refusal, told to the request it is about.
    pub(crate) fn to(self, id: &RequestId<'_>) -> Self {
        match self {
            Self::Request(status, None, error) => Self::Request(status, Some(id.clone().into_owned()), error),
            Self::Credential(None, error) => Self::Credential(Some(id.clone().into_owned()), error),
            Self::TooMany(None, wait) => Self::TooMany(Some(id.clone().into_owned()), wait),
            other => other,
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

/// Whose fault it is: a message in the log was written where it was found.
impl From<UpstreamError> for Refusal {
    fn from(error: UpstreamError) -> Self {
        let status = match error {
            UpstreamError::SessionGone => return Self::SessionUnknown,
            UpstreamError::Credential(error) => return Self::Credential(None, error),
            UpstreamError::Resting | UpstreamError::Status(StatusCode::TOO_MANY_REQUESTS) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            UpstreamError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            UpstreamError::Unreachable
            | UpstreamError::Ended
            | UpstreamError::Disconnected
            | UpstreamError::Status(_)
            | UpstreamError::Malformed
            | UpstreamError::TooLarge
            | UpstreamError::NoStream => StatusCode::BAD_GATEWAY,
        };
        Self::Request(status, None, ErrorObject::new(ErrorCode::INTERNAL_ERROR, error.to_string()))
    }
}

impl From<InvalidMessage> for Refusal {
    fn from(error: InvalidMessage) -> Self {
        Self::Message(error)
    }
}

impl From<HeaderMismatch> for Refusal {
    fn from(error: HeaderMismatch) -> Self {
        let error = ErrorObject::new(ErrorCode::HEADER_MISMATCH, error.to_string());
        Self::Request(StatusCode::BAD_REQUEST, None, error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Challenge(challenge) => return challenge.into_response(),
            Self::Request(status, id, error) => return told(status, id.as_ref(), &error),
            Self::TooMany(id, wait) => return too_many(id.as_ref(), wait),
            Self::Credential(id, error) => return without_credential(id.as_ref(), &error),
            Self::Method(allowed) => return method_not_allowed(allowed),
            Self::NotAdmitted(error) => {
                let status = match error {
                    NotAdmitted::AmbiguousHost => StatusCode::BAD_REQUEST,
                    NotAdmitted::Host | NotAdmitted::Origin => StatusCode::FORBIDDEN,
                };
                (status, ErrorCode::INVALID_REQUEST, error.to_string())
            }
            Self::Body(error) => (error.status(), ErrorCode::INVALID_REQUEST, error.to_string()),
            Self::Message(error) => (StatusCode::BAD_REQUEST, error.code(), error.to_string()),
            Self::UnexpectedResponse => (
                StatusCode::BAD_REQUEST,
                ErrorCode::INVALID_REQUEST,
                "this revision has no responses from client to server".to_owned(),
            ),
            Self::SessionMissing => (
                StatusCode::BAD_REQUEST,
                ErrorCode::INVALID_REQUEST,
                "the Mcp-Session-Id header is missing: send the one that initialize answered with".to_owned(),
            ),
            Self::SessionUnknown => (
                StatusCode::NOT_FOUND,
                ErrorCode::INVALID_REQUEST,
                "session not found: it has ended or was never yours; send initialize again".to_owned(),
            ),
        };
        told(status, None, &ErrorObject::new(code, message))
    }
}

fn told(status: StatusCode, id: Option<&RequestId<'_>>, error: &ErrorObject) -> Response {
    let mut response = json(status, mcp::failure(id, error));
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

/// 429 (RFC 6585 §4), with the same inside for clients that read only the body.
fn too_many(id: Option<&RequestId<'_>>, wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let message = format!("too many requests: wait {seconds} s and try again");
    let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
        .with_data(json!({ "retryAfterMs": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }));
    let mut response = told(StatusCode::TOO_MANY_REQUESTS, id, &error);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Where no client can be sent to a link: what is the matter, and when it may be better.
fn without_credential(id: Option<&RequestId<'_>>, error: &CredentialError) -> Response {
    let wait = match error {
        CredentialError::Unavailable { retry_after, .. } => *retry_after,
        _ => Duration::from_secs(5),
    };
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, why_no_credential(error))
        .with_data(json!({ "retryAfterMs": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }));
    let mut response = told(StatusCode::SERVICE_UNAVAILABLE, id, &error);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Why there is no credential, for whoever asked; the log has more.
pub(crate) fn why_no_credential(error: &CredentialError) -> String {
    match error {
        CredentialError::Vault(_) => {
            "the connections to other systems cannot be read at the moment; try again in a few seconds".to_owned()
        }
        CredentialError::UnknownProvider => {
            "the server behind this gateway is not set up completely: its operator has to configure the provider that it names"
                .to_owned()
        }
        other => other.to_string(),
    }
}

fn method_not_allowed(allowed: &'static str) -> Response {
    let message = format!("this URL answers to {allowed}");
    let error = ErrorObject::new(ErrorCode::INVALID_REQUEST, message);
    let mut response = told(StatusCode::METHOD_NOT_ALLOWED, None, &error);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
