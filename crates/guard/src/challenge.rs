use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use oauth::{ErrorCode, Scope, www_authenticate::BearerChallenge};
use serde_json::json;

/// Why a request is refused, as a complete answer: status, `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1)
/// and a JSON body that says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    status: StatusCode,
    /// What to do next: `WWW-Authenticate`, or `Retry-After` where a token would change nothing.
    header: (HeaderName, String),
    body_error: &'static str,
    description: String,
}

impl Challenge {
    /// RFC 6750 §3.1: "If the request lacks any authentication information […], the resource server SHOULD
    /// NOT include an error code".
    pub(crate) fn missing_token(resource_metadata: &str, scope: &Scope) -> Self {
        let challenge = BearerChallenge {
            resource_metadata: Some(resource_metadata),
            scope: Some(scope),
            ..Default::default()
        };
        Self {
            status: StatusCode::UNAUTHORIZED,
            header: (header::WWW_AUTHENTICATE, challenge.to_header()),
            body_error: "missing_token",
            description:
                "this resource needs an access token; the WWW-Authenticate header says where to get one"
                    .into(),
        }
    }

    pub(crate) fn invalid_token(resource_metadata: &str, scope: &Scope) -> Self {
        let description =
            "the access token is expired, revoked, malformed or for another resource; get a new one";
        Self::with_error(
            StatusCode::UNAUTHORIZED,
            ErrorCode::InvalidToken,
            resource_metadata,
            scope,
            description,
        )
    }

    pub(crate) fn invalid_request(resource_metadata: &str, scope: &Scope, description: &str) -> Self {
        Self::with_error(
            StatusCode::BAD_REQUEST,
            ErrorCode::InvalidRequest,
            resource_metadata,
            scope,
            description,
        )
    }

    pub(crate) fn insufficient_scope(resource_metadata: &str, needed: &Scope) -> Self {
        let description = format!("this operation needs the scope: {needed}");
        Self::with_error(
            StatusCode::FORBIDDEN,
            ErrorCode::InsufficientScope,
            resource_metadata,
            needed,
            &description,
        )
    }

    /// Another account's token, or nobody of the account. No error code of RFC 6750 fits: `insufficient_scope` would make
    /// clients ask for a wider token, which is refused as well.
    pub(crate) fn other_account(resource_metadata: &str) -> Self {
        let challenge = BearerChallenge { resource_metadata: Some(resource_metadata), ..Default::default() };
        Self {
            status: StatusCode::FORBIDDEN,
            header: (header::WWW_AUTHENTICATE, challenge.to_header()),
            body_error: "access_denied",
            description: "the access token is valid, but its holder does not belong to this account".into(),
        }
    }

    /// A signed request that is refused. The scheme has no challenge of its own; where tokens come from is said as to
    /// everybody else.
    #[cfg(feature = "signature")]
    pub(crate) fn invalid_signature(resource_metadata: &str, scope: &Scope, description: &str) -> Self {
        Self {
            body_error: "invalid_signature",
            description: description.to_owned(),
            ..Self::missing_token(resource_metadata, scope)
        }
    }

    /// Nobody can say now whether the token is good.
    pub(crate) fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            header: (header::RETRY_AFTER, "10".to_owned()),
            body_error: "temporarily_unavailable",
            description:
                "the issuer of the access token cannot be asked about it; try again, with the same token"
                    .into(),
        }
    }

    fn with_error(
        status: StatusCode,
        error: ErrorCode,
        resource_metadata: &str,
        scope: &Scope,
        description: &str,
    ) -> Self {
        let challenge = BearerChallenge {
            resource_metadata: Some(resource_metadata),
            error: Some(error),
            error_description: Some(description),
            scope: Some(scope),
        };
        Self {
            status,
            header: (header::WWW_AUTHENTICATE, challenge.to_header()),
            body_error: error.as_str(),
            description: description.to_owned(),
        }
    }

    /// The HTTP status: 400, 401, 403 or 503.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Challenge {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.body_error, "error_description": self.description }));
        let mut response = (self.status, body).into_response();
        // Scopes, codes and URLs from configuration are ASCII, so this cannot fail on a stranger's input.
        let (name, value) = self.header;
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
