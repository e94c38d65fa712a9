//! A message of an upstream, read only as far as it must be to know what it is. What a client would read leniently is
//! not refused here: the rest goes on as it came.

use std::borrow::Cow;

use http::StatusCode;
use mcp::{EventStream, RequestId};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::{Answer, MESSAGE_SIZE, Remote, UpstreamError};

/// The members that tell a message's kind.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// What a request came to; the raw `result` or `error`.
#[derive(Debug)]
pub(crate) enum Outcome<T = Box<RawValue>> {
    Result(T),
    Error(T),
}

impl<'a> Envelope<'a> {
    /// `None` when the text is no JSON object, or has one of these members twice.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// What the message says of the request `id`, when it is the response to it. An error without id is one too: the
    /// server could not read which request it was.
    pub(crate) fn response_to(&self, id: &RequestId<'_>) -> Option<Outcome<&'a RawValue>> {
        let is_for_it = match (self.id, id) {
            (None, _) => self.error.is_some(),
            (Some(found), RequestId::Integer(id)) => found.get() == id.to_string(),
            (Some(found), RequestId::String(id)) => {
                serde_json::from_str::<Value>(found.get()).is_ok_and(|found| found == **id)
            }
        };
        match (self.method.is_none() && is_for_it, self.result, self.error) {
            (true, Some(result), None) => Some(Outcome::Result(result)),
            (true, None, Some(error)) => Some(Outcome::Error(error)),
            _ => None,
        }
    }
}

impl Outcome<&RawValue> {
    pub(crate) fn to_owned(&self) -> Outcome {
        match *self {
            Self::Result(result) => Outcome::Result(result.to_owned()),
            Self::Error(error) => Outcome::Error(error.to_owned()),
        }
    }
}

/// The response to a request of our own; what comes before it is for nobody.
pub(crate) async fn first_response(
    remote: &Remote,
    answer: Answer,
    id: &RequestId<'_>,
) -> Result<Outcome, UpstreamError> {
    let response_in = |text: &[u8]| Some(Envelope::read(text)?.response_to(id)?.to_owned());
    let mut body = match answer {
        Answer::Json(status, body) => {
            return response_in(&body).ok_or(if status == StatusCode::OK {
                UpstreamError::Malformed
            } else {
                UpstreamError::Status(status)
            });
        }
        Answer::Accepted => return Err(UpstreamError::Malformed),
        Answer::Stream(body) => body,
    };
    let read = async {
        let mut events = EventStream::default();
        while let Some(chunk) = body.chunk().await? {
            events.push(&chunk);
            while let Some(event) = events.next_event() {
                if let Some(response) = event.data.and_then(|data| response_in(data.as_bytes())) {
                    return Ok(response);
                }
            }
            if events.pending() > MESSAGE_SIZE {
                break;
            }
        }
        Err(UpstreamError::Malformed)
    };
    timeout(remote.answer_time, read).await.map_err(|_| UpstreamError::TimedOut)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_found_by_their_id() {
        let (seven, name) = (RequestId::Integer(7), RequestId::String("a\"".into()));
        for (text, id, found) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, &seven, true),
            (r#"{"jsonrpc":"2.0","id":7,"error":{}}"#, &seven, true),
            (r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, &seven, true),
            (r#"{"jsonrpc":"2.0","result":{}}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":8,"result":{}}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":"7","result":{}}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{}}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":"a\u0022","result":{}}"#, &name, true),
        ] {
            let envelope = Envelope::read(text.as_bytes()).unwrap();
            assert_eq!(envelope.response_to(id).is_some(), found, "{text}");
        }
        assert!(Envelope::read(b"[]").is_none() && Envelope::read(br#"{"id":1,"id":2}"#).is_none());
    }
}
