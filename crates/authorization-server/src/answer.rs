//! How the endpoints for programs answer: JSON, `no-store`, and one place where an error becomes a status.

use std::{borrow::Cow, time::Duration};

use audit::Overloaded;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use oauth::{Error, ErrorCode};
use serde::Serialize;
use store::StoreError;

use crate::{attempts::TooMany, body::BodyError};

/// Why an endpoint for programs refuses (RFC 6749 §5.2, RFC 7591 §3.2.2).
#[derive(Debug)]
pub(crate) enum EndpointError {
    /// A standard's error: 400.
    OAuth(Error),
    /// Client authentication failed: 401, with a challenge when HTTP Basic was used.
    Client { used_basic: bool, description: &'static str },
    /// The request is not one this endpoint reads, with the status that says why.
    Request { status: StatusCode, description: &'static str },
    /// There is no room for more: 503.
    Full { description: &'static str },
    /// A limit is reached: 429.
    TooMany(TooMany),
    /// The audit log takes nothing more: 503, and nothing was done.
    NotRecorded(Overloaded),
    /// The database is away: 503. Never a false `invalid_grant`, which would log people out.
    Unavailable(StoreError),
}

impl EndpointError {
    pub(crate) fn new(error: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self::OAuth(Error::new(error, description))
    }
}

impl From<StoreError> for EndpointError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error)
    }
}

impl From<Error> for EndpointError {
    fn from(error: Error) -> Self {
        Self::OAuth(error)
    }
}

impl From<Overloaded> for EndpointError {
    fn from(error: Overloaded) -> Self {
        Self::NotRecorded(error)
    }
}

impl From<BodyError> for EndpointError {
    fn from(error: BodyError) -> Self {
        Self::Request { status: error.status(), description: error.description() }
    }
}

impl From<TooMany> for EndpointError {
    fn from(error: TooMany) -> Self {
        Self::TooMany(error)
    }
}

impl IntoResponse for EndpointError {
    fn into_response(self) -> Response {
        match self {
            Self::OAuth(error) => no_store(StatusCode::BAD_REQUEST, &error),
            Self::Client { used_basic, description } => {
                let error = Error::new(ErrorCode::InvalidClient, description);
                let mut response = no_store(StatusCode::UNAUTHORIZED, &error);
                if used_basic {
                    let challenge = HeaderValue::from_static("Basic realm=\"vestibule\", charset=\"UTF-8\"");
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                }
                response
            }
            Self::Request { status, description } => {
                no_store(status, &Error::new(ErrorCode::InvalidRequest, description))
            }
            Self::Full { description } => {
                let error = Error::new(ErrorCode::TemporarilyUnavailable, description);
                no_store(StatusCode::SERVICE_UNAVAILABLE, &error)
            }
            Self::TooMany(TooMany { retry_after: after }) => {
                let description = "too many attempts; wait as long as Retry-After says";
                let error = Error::new(ErrorCode::TemporarilyUnavailable, description);
                retry_after(no_store(StatusCode::TOO_MANY_REQUESTS, &error), after)
            }
            Self::NotRecorded(reason) => {
                tracing::error!(%reason, "answered 503");
                let error = Error::new(ErrorCode::TemporarilyUnavailable, reason.to_string());
                retry_after(no_store(StatusCode::SERVICE_UNAVAILABLE, &error), Duration::from_secs(2))
            }
            Self::Unavailable(reason) => {
                tracing::error!(%reason, "answered 503");
                let description = match reason {
                    StoreError::OutcomeUnknown { .. } => {
                        "the connection to the database broke; the change is either stored whole or not at all, try again"
                    }
                    _ => "the server cannot reach its database; nothing was changed, try again",
                };
                let error = Error::new(ErrorCode::TemporarilyUnavailable, description);
                retry_after(no_store(StatusCode::SERVICE_UNAVAILABLE, &error), Duration::from_secs(1))
            }
        }
    }
}

/// A JSON answer that nobody keeps (RFC 6749 §5.1).
pub(crate) fn no_store(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Adds `Retry-After`, at least one second.
pub(crate) fn retry_after(mut response: Response, after: Duration) -> Response {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}
