//! Reading a form body strictly (RFC 6749 §3.2, appendix B).

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse as _, Response},
};
use http::header;
use oauth::{ErrorCode, parameters::Parameters};

use crate::{answer::EndpointError, body::WholeBody};

/// The largest form that any endpoint reads, in bytes.
pub(crate) const MAXIMUM_BODY: usize = 64 * 1024;

/// The parameters of a form body, with the `Authorization` header that came with it.
pub struct Form {
    /// What the form holds.
    pub parameters: Parameters,
    pub(crate) authorization: Option<Vec<u8>>,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        Self::read(request, state).await.map_err(EndpointError::into_response)
    }
}

impl Form {
    async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Self, EndpointError> {
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            let description = "send the parameters in the body, not in the URL";
            return Err(EndpointError::new(ErrorCode::InvalidRequest, description));
        }
        if !is_form(&request) {
            let description = "send the body as application/x-www-form-urlencoded";
            return Err(EndpointError::new(ErrorCode::InvalidRequest, description));
        }
        let mut authorizations = request.headers().get_all(header::AUTHORIZATION).iter();
        let authorization = authorizations.next().map(|value| value.as_bytes().to_vec());
        if authorizations.next().is_some() {
            return Err(EndpointError::new(ErrorCode::InvalidRequest, "send one Authorization header"));
        }
        let WholeBody(body) = WholeBody::from_request(request, state).await?;
        let parameters = Parameters::parse(&body)
            .map_err(|error| EndpointError::new(ErrorCode::InvalidRequest, error.to_string()))?;
        if parameters.has_repetition() {
            let description = "a parameter is included more than once";
            return Err(EndpointError::new(ErrorCode::InvalidRequest, description));
        }
        Ok(Self { parameters, authorization })
    }
}

fn is_form(request: &Request) -> bool {
    let mut types = request.headers().get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let parameters = parameters.trim();
    let is_utf8 = parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8");
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") && is_utf8
}
