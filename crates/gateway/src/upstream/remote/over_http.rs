//! Messages to a server over HTTP, and what the head of an answer means.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use outbound::Limits;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::{Answer, Presented, Reached, Remote, UpstreamError, presented};
use crate::trace_context::upstream_span;
use crate::upstream::source::Source;

/// A stream ends by itself or by being silent; outbound wants a bound all the same.
const STREAM_TIME: Duration = Duration::from_hours(365 * 24);

/// What is sent.
pub(super) type Message = (Method, HeaderMap, Bytes);

impl Remote {
    pub(super) async fn send(
        &self,
        message: Message,
        presented: Option<&Presented>,
    ) -> Result<Response<outbound::Body>, UpstreamError> {
        match &self.reached {
            Reached::Http(http) => self.send_to(&http.url, message, presented).await,
            // What is sent this way is HTTP; nobody else has a use for it.
            Reached::Process(_) | Reached::Joined(_) | Reached::OpenApi(_) => Err(UpstreamError::NoStream),
        }
    }

    /// The same to another URL of the server's origin. A credential that the server does not take is refreshed once: a
    /// request that it refused for that has had no effect.
    pub(super) async fn send_to(
        &self,
        url: &Uri,
        (method, headers, body): Message,
        presented: Option<&Presented>,
    ) -> Result<Response<outbound::Body>, UpstreamError> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.clone();
        *request.headers_mut() = headers;
        match presented {
            None => self.exchange(request).await,
            Some(presented) => Box::pin(self.exchange_with(request, presented)).await,
        }
    }

    async fn exchange_with(
        &self,
        request: Request<Bytes>,
        presented: &Presented,
    ) -> Result<Response<outbound::Body>, UpstreamError> {
        let request = || request.clone();
        let credential = presented.current().await?;
        let mut response = self.exchange(presented::with(request(), &credential)).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let credential = presented.rejected(&credential).await?;
            response = self.exchange(presented::with(request(), &credential)).await?;
        }
        match response.status() {
            StatusCode::UNAUTHORIZED => Err(presented.reconnect()),
            StatusCode::FORBIDDEN => match presented::insufficient_scope(response.headers()) {
                Some(missing) => Err(presented.step_up(missing)),
                None => Ok(response),
            },
            _ => Ok(response),
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<outbound::Body>, UpstreamError> {
        let Reached::Http(http) = &self.reached else { return Err(UpstreamError::NoStream) };
        if !http.breaker.lets_pass(Instant::now()) {
            return Err(UpstreamError::Resting);
        }
        let limits = Limits { bytes: usize::MAX, headers: self.answer_time, total: STREAM_TIME };
        // Where it is, so that its some kilobytes are not moved.
        let answer = pin!(http.client.stream(request, limits));
        let outcome = answer.instrument(upstream_span(&self.name)).await;
        http.breaker.note(&outcome, Instant::now());
        outcome.map_err(|error| {
            tracing::warn!(server = %self.name, %error, "the upstream gives no answer");
            error.into()
        })
    }

    /// The whole of a body that is no stream.
    async fn whole(&self, mut body: outbound::Body) -> Result<Bytes, UpstreamError> {
        let read = async {
            // Nearly every answer comes in one piece, which is then all there is to it.
            let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
            while !body.is_at_end()
                && let Some(chunk) = body.chunk().await?
            {
                if first.len().max(whole.len()) + chunk.len() > self.answer_size {
                    return Err(UpstreamError::TooLarge);
                }
                if first.is_empty() {
                    first = chunk;
                    continue;
                }
                if whole.is_empty() {
                    whole.extend_from_slice(&first);
                }
                whole.extend_from_slice(&chunk);
            }
            Ok(if whole.is_empty() { first } else { whole.freeze() })
        };
        timeout(self.answer_time, read).await.map_err(|_| UpstreamError::TimedOut)?
    }

    /// What the head of an answer means.
    pub(super) async fn judge(&self, response: Response<outbound::Body>) -> Result<Answer, UpstreamError> {
        let (head, body) = response.into_parts();
        self.judge_by((head.status, &head.headers), body).await
    }

    async fn judge_by(
        &self,
        (status, headers): (StatusCode, &HeaderMap),
        body: outbound::Body,
    ) -> Result<Answer, UpstreamError> {
        let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let is = |media_type: &[u8]| {
            content_type.get(..media_type.len()).is_some_and(|start| start.eq_ignore_ascii_case(media_type))
        };
        match status {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => Ok(Answer::Accepted),
            StatusCode::OK if is(b"text/event-stream") => Ok(Answer::Stream(Source::Http(body))),
            StatusCode::OK if is(b"application/json") => Ok(Answer::Json(status, self.whole(body).await?)),
            // Both eras have statuses that come with a JSON-RPC error; whether one did, the reader of the body sees.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => {
                Ok(Answer::Json(status, self.whole(body).await?))
            }
            StatusCode::METHOD_NOT_ALLOWED => Err(UpstreamError::NoStream),
            status => {
                tracing::warn!(server = %self.name, %status, "the upstream refuses or fails");
                Err(UpstreamError::Status(status))
            }
        }
    }

    /// One message over HTTP, for what the head of the answer tells and for why there is none; `None` where there is no
    /// HTTP.
    pub(crate) async fn reach(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Option<Result<Response<outbound::Body>, outbound::Error>> {
        let Reached::Http(http) = &self.reached else { return None };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = http.url.clone();
        *request.headers_mut() = headers;
        let limits = Limits { bytes: self.answer_size, headers: self.answer_time, total: self.answer_time };
        Some(http.client.stream(request, limits).await)
    }

    pub(super) async fn post(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
        presented: Option<&Presented>,
    ) -> Result<(HeaderMap, Answer), UpstreamError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let (head, body) = self.send((Method::POST, headers, body), presented).await?.into_parts();
        let answer = self.judge_by((head.status, &head.headers), body).await?.lent(presented);
        Ok((head.headers, answer))
    }
}
