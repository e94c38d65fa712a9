//! What is sent to a server of this transport: the request for a stream, and messages to its endpoint.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode, Uri};
use mcp::EventStream;

use super::super::{Answer, MESSAGE_SIZE, Presented, Remote, UpstreamError};
use super::{endpoint, name_of, next_event};
use crate::upstream::source::Source;

impl Remote {
    /// Opens a stream; where its messages go, and the rest of it.
    pub(super) async fn connect(
        &self,
        url: &Uri,
        presented: Option<&Presented>,
    ) -> Result<(Uri, EventStream, outbound::Body), UpstreamError> {
        let headers = [(ACCEPT, HeaderValue::from_static("text/event-stream"))].into_iter().collect();
        let response = self.send_to(url, (Method::GET, headers, Bytes::new()), presented).await?;
        let Answer::Stream(Source::Http(mut body)) = self.judge(response).await? else {
            return Err(UpstreamError::NoStream);
        };
        let mut events = EventStream::default();
        loop {
            if let Some(first) = next_event(&mut events) {
                let named = first.data.filter(|_| name_of(&first.raw) == b"endpoint");
                let named = named.ok_or(UpstreamError::NoStream)?;
                let endpoint = endpoint::resolve(url, &named).inspect_err(|reason| {
                    tracing::warn!(server = %self.name(), %reason, "the upstream's endpoint is refused");
                });
                return Ok((endpoint.map_err(|_| UpstreamError::Malformed)?, events, body));
            }
            let chunk = body.chunk().await?.filter(|_| events.pending() <= MESSAGE_SIZE);
            events.push(&chunk.ok_or(UpstreamError::Malformed)?);
        }
    }

    /// Sends one message, which is answered on the stream.
    pub(super) async fn tell(
        &self,
        endpoint: &Uri,
        body: Bytes,
        presented: Option<&Presented>,
    ) -> Result<(), UpstreamError> {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))].into_iter().collect();
        let response = self.send_to(endpoint, (Method::POST, headers, body), presented).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(UpstreamError::SessionGone),
            status => {
                tracing::warn!(server = %self.name(), %status, "the upstream refuses a message");
                Err(UpstreamError::Status(status))
            }
        }
    }
}
