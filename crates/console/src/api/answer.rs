//! Answers of the HTTP API.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use store::StoreError;
use vault::VaultError;

/// Why a request is not answered as it was asked; the body has `error` and `error_description`, as those of the guard.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The request is malformed.
    Invalid(String),
    /// There is no such connection of the caller's.
    NotFound,
    /// There is no such provider, or nobody connects to it by hand.
    UnknownProvider,
    /// The caller is nobody who signs in here.
    NobodyConnects,
    /// Only operators may ask that.
    NotAnOperator,
    /// Something that is needed is away; the text is for the log.
    Unavailable(String, Duration),
}

impl ApiError {
    pub(crate) fn invalid(description: impl Into<String>) -> Self {
        Self::Invalid(description.into())
    }

    /// Status, code and what it means with what to do.
    fn told(&self) -> (StatusCode, &'static str, &str) {
        match self {
            Self::Invalid(description) => (StatusCode::BAD_REQUEST, "invalid_request", description),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not_found",
                "you have no connection of this identifier; list yours to see which there are",
            ),
            Self::UnknownProvider => (
                StatusCode::BAD_REQUEST,
                "unknown_provider",
                "there is no such provider that people connect to; ask the operator which ones are configured",
            ),
            Self::NobodyConnects => (
                StatusCode::FORBIDDEN,
                "nobody_connects",
                "connections are made by people who sign in here, and the token is not of one of them",
            ),
            Self::NotAnOperator => {
                (StatusCode::FORBIDDEN, "operators_only", "only operators see whose connections there are")
            }
            Self::Unavailable(..) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "a part that is needed cannot be reached; nothing was changed, try again",
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error, description) = self.told();
        let mut response = json(status, &json!({ "error": error, "error_description": description }));
        if let Self::Unavailable(reason, after) = &self {
            tracing::error!(reason, "answered 503");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string(), Duration::from_secs(1))
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::NoSuchConnection => Self::NotFound,
            VaultError::InUse { retry_after } => Self::Unavailable(error.to_string(), retry_after),
            _ => Self::Unavailable(error.to_string(), Duration::from_secs(1)),
        }
    }
}

/// A JSON answer that nobody keeps.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    keep_out((status, Json(body)).into_response())
}

/// It is done, and there is nothing to say.
pub(crate) fn nothing() -> Response {
    keep_out(StatusCode::NO_CONTENT.into_response())
}

fn keep_out(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
