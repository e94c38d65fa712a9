//! Reading a whole request body: bounded in size, by the router's limit, and in time.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use tokio::time::timeout;

use crate::answer::EndpointError;

/// Bodies here are small: whoever needs longer has no connection worth the name, or no honest purpose. Sent byte
/// by byte, a body would hold a connection for ever, and connections are limited.
const TIME: Duration = Duration::from_secs(10);

/// A body that arrived whole and in time.
pub struct WholeBody(
    /// What arrived.
    pub Bytes,
);

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes than the endpoint reads.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke, or the framing is wrong.
    Broken,
}

impl BodyError {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }

    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::TooLarge => "the body is too large",
            Self::TooSlow => "the body did not arrive in time",
            Self::Broken => "the body could not be read",
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for WholeBody {
    type Rejection = BodyError;

    async fn from_request(request: Request, state: &S) -> Result<Self, BodyError> {
        match timeout(TIME, Bytes::from_request(request, state)).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(BodyError::TooLarge),
            Ok(Err(_)) => Err(BodyError::Broken),
            Err(_) => Err(BodyError::TooSlow),
        }
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        EndpointError::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::{StreamExt as _, stream};

    use super::*;

    async fn read(body: Body) -> Result<Bytes, BodyError> {
        let request = Request::new(body);
        WholeBody::from_request(request, &()).await.map(|body| body.0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_whole_or_refused() {
        assert_eq!(read(Body::from("whole")).await.unwrap(), "whole");
        let pieces = [Ok(Bytes::from_static(b"x")), Err(std::io::Error::other("reset"))];
        assert_eq!(read(Body::from_stream(stream::iter(pieces))).await, Err(BodyError::Broken));
        let endless =
            stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"x"))]).chain(stream::pending());
        assert_eq!(read(Body::from_stream(endless)).await, Err(BodyError::TooSlow));
        assert_eq!(read(Body::from(vec![0; 3 << 20])).await, Err(BodyError::TooLarge));
    }
}
