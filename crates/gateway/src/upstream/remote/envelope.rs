//! A message of an upstream, read only as far as it must be to know what it is. What stands in its members goes on as it
//! came; the members themselves are read as strictly as a client's, for a client that ignores case would see a request
//! where we see none.

use std::borrow::Cow;

use http::StatusCode;
use mcp::json::{Object, string};
use mcp::{ErrorCode, ErrorObject, EventStream, RequestId};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{Answer, Remote, UpstreamError};

/// The members that are read, and that nothing may merely look like.
const READ: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// The members that tell a message's kind. One that is null counts as absent.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) id: Option<&'a RawValue>,
    pub(crate) method: Option<Cow<'a, str>>,
    pub(crate) params: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

/// What a request came to; the raw `result` or `error`.
#[derive(Debug)]
pub(crate) enum Outcome<T = Box<RawValue>> {
    Result(T),
    Error(T),
}

impl<'a> Envelope<'a> {
    /// `None` when the text is no JSON object, or has one of these members twice or in disguise.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        let members = Object::read(std::str::from_utf8(text).ok()?, &READ).ok()?;
        let mut envelope = Self::default();
        for (name, value) in members.iter().filter(|(_, value)| value.get() != "null") {
            let member = match name {
                "id" => &mut envelope.id,
                "params" => &mut envelope.params,
                "result" => &mut envelope.result,
                "error" => &mut envelope.error,
                "method" if envelope.method.is_none() => {
                    envelope.method = Some(string(value)?);
                    continue;
                }
                "method" => return None,
                _ => continue,
            };
            if member.replace(value).is_some() {
                return None;
            }
        }
        Some(envelope)
    }

    /// The raw result, if it is a response that has one.
    pub(crate) fn result(&self) -> Option<&'a RawValue> {
        self.result
    }

    /// What the message says of the request `id`, when it is the response to it. An error without id is one too: the
    /// server could not read which request it was.
    pub(crate) fn response_to(&self, id: &RequestId<'_>) -> Option<Outcome<&'a RawValue>> {
        let is_for_it = match (self.id, id) {
            (None, _) => self.error.is_some(),
            // As it was written: nobody writes a number here in another way.
            (Some(found), RequestId::Integer(id)) => found.get() != "-0" && found.get().parse() == Ok(*id),
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

/// The id of a request of a server; `None` when it is none.
pub(crate) fn id_of(id: &RawValue) -> Option<RequestId<'static>> {
    RequestId::of(id).map(RequestId::into_owned)
}

/// What the server is told of a request that no client is asked; `None` when it has no proper id. Whether somebody is
/// there, we know ourselves.
pub(crate) fn refusal(method: &str, id: &RawValue) -> Option<Vec<u8>> {
    let id = id_of(id)?;
    if method == "ping" {
        return Some(mcp::success(&id, &Map::<String, Value>::new()));
    }
    let error = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "this client offers no such capability");
    Some(mcp::failure(Some(&id), &error))
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
        Answer::Accepted | Answer::Refused(_) => return Err(UpstreamError::Malformed),
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
            if events.pending() > remote.answer_size {
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
            (r#"{"jsonrpc":"2.0","id":7.0,"result":{}}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":-0,"result":{}}"#, &RequestId::Integer(0), false),
            (r#"{"jsonrpc":"2.0","id":"7","result":{}}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{}}"#, &seven, false),
            (r#"{"jsonrpc":"2.0","id":"a\u0022","result":{}}"#, &name, true),
        ] {
            let envelope = Envelope::read(text.as_bytes()).unwrap();
            assert_eq!(envelope.response_to(id).is_some(), found, "{text}");
        }
        for text in [
            "[]",
            r#"{"id":1,"id":2}"#,
            r#"{"method":"a","method":"b"}"#,
            r#"{"method":7}"#,
            r#"{"method":"notifications/x","Method":"sampling/createMessage","id":1}"#,
            r#"{"id":1,"result":{}}{"id":2,"method":"roots/list"}"#,
        ] {
            assert!(Envelope::read(text.as_bytes()).is_none(), "{text}");
        }
    }
}
