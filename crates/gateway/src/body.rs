//! Reading a request body within its limits.

use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// Bytes.
    pub(crate) size: usize,
    /// From the first look at the body to its last byte.
    pub(crate) time: Duration,
}

/// Why a body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// 413
    #[error("the body is too large")]
    TooLarge,
    /// 408
    #[error("the body did not arrive in time")]
    TooSlow,
    /// 400
    #[error("the body could not be read")]
    Broken,
    /// 415
    #[error("the body must be sent as \"Content-Type: application/json\"")]
    MediaType,
    /// 415
    #[error("compressed bodies are not accepted: send the body without Content-Encoding")]
    Encoded,
    /// 406
    #[error("the answer is JSON: send \"Accept: application/json, text/event-stream\"")]
    NotAcceptable,
}

impl BodyError {
    /// The HTTP status that says so.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::MediaType | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        }
    }
}

/// Reads a JSON body whose answer will be JSON.
pub(crate) async fn read_json(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
) -> Result<Bytes, BodyError> {
    check_accept(headers)?;
    check_content_type(headers)?;
    read(headers, body, limits).await
}

/// Reads a body whatever it claims to be; for the endpoints that also take none at all.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, BodyError> {
    if headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(BodyError::Encoded);
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.size as u64) {
        return Err(BodyError::TooLarge);
    }
    match tokio::time::timeout(limits.time, whole(Limited::new(body, limits.size))).await {
        Ok(Ok(whole)) => Ok(whole),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::TooSlow),
    }
}

/// Nearly every body comes in one piece, which is then all there is to it.
async fn whole(mut body: Limited<Body>) -> Result<Bytes, BoxError> {
    let first = match body.frame().await.transpose()? {
        Some(frame) => frame.into_data().unwrap_or_default(),
        None => Bytes::new(),
    };
    if body.is_end_stream() {
        return Ok(first);
    }
    let rest = body.collect().await?;
    Ok([first, rest.to_bytes()].concat().into())
}

/// `application/json`, with or without parameters.
fn check_content_type(headers: &HeaderMap) -> Result<(), BodyError> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = values.next().and_then(|value| value.to_str().ok()).ok_or(BodyError::MediaType)?;
    if values.next().is_none() && media_type(value).eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(BodyError::MediaType)
    }
}

/// Clients must accept both JSON and an event stream; since the answer is always JSON, accepting that is enough.
fn check_accept(headers: &HeaderMap) -> Result<(), BodyError> {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    let takes_all = values.peek().is_none();
    let takes_json =
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|range| {
            ["application/json", "application/*", "*/*"]
                .iter()
                .any(|accepted| media_type(range).eq_ignore_ascii_case(accepted))
        });
    if takes_all || takes_json { Ok(()) } else { Err(BodyError::NotAcceptable) }
}

fn media_type(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    const LIMITS: BodyLimits = BodyLimits { size: 8, time: Duration::from_millis(20) };

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[tokio::test]
    async fn only_json_in_and_out() {
        for (content_type, accept, expected) in [
            (Some("application/json"), None, Ok(())),
            (Some("Application/JSON; charset=utf-8"), Some("application/json, text/event-stream"), Ok(())),
            (Some("application/json"), Some("*/*"), Ok(())),
            (Some("application/json"), Some("text/html, application/*;q=0.1"), Ok(())),
            (Some("application/json"), Some("text/event-stream"), Err(BodyError::NotAcceptable)),
            (Some("text/plain"), None, Err(BodyError::MediaType)),
            (Some("application/json-patch+json"), None, Err(BodyError::MediaType)),
            (None, None, Err(BodyError::MediaType)),
        ] {
            let pairs = [(CONTENT_TYPE, content_type), (ACCEPT, accept)];
            let headers =
                pairs.into_iter().filter_map(|(name, value)| Some((name, value?.parse().unwrap()))).collect();
            let read = read_json(&headers, Body::from("{}"), LIMITS).await;
            assert_eq!(read.map(drop), expected, "{content_type:?} {accept:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_whole_in_however_many_pieces_it_comes() {
        for pieces in [&[][..], &["1"], &["12", "345"], &["", "1", "", "2", "3"]] {
            let chunks = pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece));
            let body = Body::from_stream(futures_util::stream::iter(chunks));
            assert_eq!(read(&HeaderMap::new(), body, LIMITS).await, Ok(pieces.concat().into()), "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn gw_14_bodies_are_cut_at_their_limits() {
        let read =
            async |pairs: &[(HeaderName, &str)], body| read(&headers(pairs), body, LIMITS).await.map(drop);
        assert_eq!(read(&[], Body::from("12345678")).await, Ok(()));
        assert_eq!(read(&[], Body::from("123456789")).await, Err(BodyError::TooLarge));
        let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("123"));
        assert_eq!(read(&[], Body::from_stream(chunks)).await, Err(BodyError::TooLarge));
        let silence = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(read(&[(CONTENT_LENGTH, "9")], silence).await, Err(BodyError::TooLarge));
        let silence = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(read(&[], silence).await, Err(BodyError::TooSlow));
        assert_eq!(read(&[(CONTENT_ENCODING, "gzip")], Body::from("x")).await, Err(BodyError::Encoded));
    }
}
