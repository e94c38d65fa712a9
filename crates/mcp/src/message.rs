//! The JSON-RPC 2.0 envelope.
//!
//! Batches are refused in every revision. 2025-03-26 alone allowed them, no client that we know sends them, and
//! 2025-06-18 took them back; one body, one message, one decision.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::error::{ErrorCode, ErrorObject};
use crate::json::{self, Malformed, Object};

/// The members of the envelope that are read here.
const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// One JSON-RPC message, borrowed from the body it was parsed from.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// Wants an answer.
    Request(Request<'a>),
    /// Wants none.
    Notification(Notification<'a>),
    /// Is an answer.
    Response(Response<'a>),
}

/// A message with a method and an id.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Names the request in its response.
    pub id: RequestId<'a>,
    /// What is asked for, case-sensitive.
    pub method: Cow<'a, str>,
    /// The raw `params`, which [`crate::Params::read`] interprets.
    pub params: Option<&'a RawValue>,
    /// Members of the envelope that JSON-RPC does not define.
    pub unknown: Object<'a>,
}

/// A message with a method and no id.
#[derive(Debug, Clone)]
pub struct Notification<'a> {
    /// What is told, case-sensitive.
    pub method: Cow<'a, str>,
    /// The raw `params`.
    pub params: Option<&'a RawValue>,
    /// Members of the envelope that JSON-RPC does not define.
    pub unknown: Object<'a>,
}

/// A message with a result or an error.
#[derive(Debug, Clone)]
pub struct Response<'a> {
    /// The id of the request; absent (or null) when the peer could not read it.
    pub id: Option<RequestId<'a>>,
    /// The raw `result`, or the error.
    pub outcome: Result<&'a RawValue, ErrorObject>,
    /// Members of the envelope that JSON-RPC does not define.
    pub unknown: Object<'a>,
}

/// The `id` of a request: a string or an integer. Null and fractions are refused; integers stay exact.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RequestId<'a> {
    /// An integer in the signed 64-bit range.
    Integer(i64),
    /// Any string.
    String(Cow<'a, str>),
}

/// Why a body is not a message this endpoint takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// Not strict JSON.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// An array of messages.
    #[error("batches are not supported: send one message per request")]
    Batch,
    /// Neither object nor array.
    #[error("a JSON-RPC message is an object")]
    NotAnObject,
    /// `jsonrpc` is missing or another version.
    #[error("\"jsonrpc\" must be \"2.0\"")]
    Version,
    /// `id` is null, a fraction, too large, or no scalar.
    #[error("\"id\" must be a string or an integer of at most 64 bits")]
    Id,
    /// `method` is no string.
    #[error("\"method\" must be a string")]
    Method,
    /// Neither one method, nor one result, nor one error.
    #[error("a message has either \"method\", or \"result\", or \"error\"")]
    Kind,
    /// `error` is not an error object.
    #[error("\"error\" must be an object with an integer \"code\" and a string \"message\"")]
    Error,
}

impl InvalidMessage {
    /// The JSON-RPC code that tells the peer.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(Malformed::Syntax(_)) => ErrorCode::PARSE_ERROR,
            _ => ErrorCode::INVALID_REQUEST,
        }
    }
}

impl<'a> Message<'a> {
    /// Parses one message out of a whole body.
    pub fn parse(body: &'a [u8]) -> Result<Self, InvalidMessage> {
        let text = json::check(body)?;
        match text.trim_ascii_start().as_bytes().first() {
            Some(b'{') => Self::classify(Object::read(text, &ENVELOPE)?),
            Some(b'[') => Err(InvalidMessage::Batch),
            _ => Err(InvalidMessage::NotAnObject),
        }
    }

    fn classify(mut members: Object<'a>) -> Result<Self, InvalidMessage> {
        if members.take("jsonrpc").map(RawValue::get) != Some("\"2.0\"") {
            return Err(InvalidMessage::Version);
        }
        let id = members.take("id");
        let params = members.take("params");
        match (members.take("method"), members.take("result"), members.take("error")) {
            (Some(method), None, None) => {
                let method = json::string(method).ok_or(InvalidMessage::Method)?;
                Ok(match id {
                    Some(id) => {
                        Self::Request(Request { id: RequestId::read(id)?, method, params, unknown: members })
                    }
                    None => Self::Notification(Notification { method, params, unknown: members }),
                })
            }
            (None, Some(result), None) => Self::response(id, Ok(result), members),
            (None, None, Some(error)) => {
                let error = serde_json::from_str(error.get()).map_err(|_| InvalidMessage::Error)?;
                Self::response(id, Err(error), members)
            }
            _ => Err(InvalidMessage::Kind),
        }
    }

    fn response(
        id: Option<&'a RawValue>,
        outcome: Result<&'a RawValue, ErrorObject>,
        unknown: Object<'a>,
    ) -> Result<Self, InvalidMessage> {
        let id = id.filter(|id| id.get() != "null").map(RequestId::read).transpose()?;
        if id.is_none() && outcome.is_ok() {
            return Err(InvalidMessage::Id);
        }
        Ok(Self::Response(Response { id, outcome, unknown }))
    }
}

impl<'a> RequestId<'a> {
    /// The id that a raw value is; `None` when it is none.
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        Self::read(raw).ok()
    }

    fn read(raw: &'a RawValue) -> Result<Self, InvalidMessage> {
        if let Some(text) = json::string(raw) {
            return Ok(Self::String(text));
        }
        raw.get().parse().map(Self::Integer).map_err(|_| InvalidMessage::Id)
    }

    /// The same id, independent of the body it was read from.
    pub fn into_owned(self) -> RequestId<'static> {
        match self {
            Self::Integer(integer) => RequestId::Integer(integer),
            Self::String(text) => RequestId::String(Cow::Owned(text.into_owned())),
        }
    }
}

impl Request<'_> {
    /// The message, as it is sent.
    pub fn to_vec(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("messages have string keys and write to memory")
    }
}

impl From<i64> for RequestId<'_> {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl fmt::Display for RequestId<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => integer.fmt(formatter),
            Self::String(text) => text.fmt(formatter),
        }
    }
}

impl Serialize for RequestId<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::String(text) => serializer.serialize_str(text),
        }
    }
}

/// Writes the message again from what was read: the checked members by name, the unknown ones as they came.
impl Serialize for Request<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("jsonrpc", "2.0")?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("method", &self.method)?;
        if let Some(params) = self.params {
            map.serialize_entry("params", params)?;
        }
        for (name, value) in self.unknown.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> InvalidMessage {
        Message::parse(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_three_kinds_are_told_apart() {
        let request = br#"{"jsonrpc":"2.0","id":"a\n","method":"ping","x":[1.0]}"#;
        let Message::Request(request) = Message::parse(request).unwrap() else { panic!("a request") };
        assert_eq!(request.id, RequestId::String("a\n".into()));
        assert_eq!(request.unknown.get("x").unwrap().get(), "[1.0]");

        let notification = br#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}"#;
        assert!(matches!(Message::parse(notification), Ok(Message::Notification(_))));

        let response = br#" {"jsonrpc":"2.0","id":-9223372036854775808,"result":{"a":1}}"#;
        let Message::Response(response) = Message::parse(response).unwrap() else { panic!("a response") };
        assert_eq!(response.id, Some(RequestId::Integer(i64::MIN)));
        assert_eq!(response.outcome.unwrap().get(), r#"{"a":1}"#);

        let error =
            br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"no","data":{"supported":[]}}}"#;
        let Message::Response(response) = Message::parse(error).unwrap() else { panic!("a response") };
        assert!(response.id.is_none());
        assert!(response.outcome.unwrap_err().code.is_modern());
    }

    #[test]
    fn what_is_not_one_message_is_refused() {
        for (body, error) in [
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, InvalidMessage::Batch),
            ("[]", InvalidMessage::Batch),
            ("7", InvalidMessage::NotAnObject),
            (r#"{"id":1,"method":"ping"}"#, InvalidMessage::Version),
            (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, InvalidMessage::Version),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, InvalidMessage::Id),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, InvalidMessage::Id),
            (r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#, InvalidMessage::Id),
            (r#"{"jsonrpc":"2.0","id":18446744073709551617,"method":"ping"}"#, InvalidMessage::Id),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, InvalidMessage::Id),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, InvalidMessage::Method),
            (r#"{"jsonrpc":"2.0","id":1}"#, InvalidMessage::Kind),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, InvalidMessage::Kind),
            (r#"{"jsonrpc":"2.0","result":{}}"#, InvalidMessage::Id),
            (r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#, InvalidMessage::Error),
        ] {
            assert_eq!(refusal(body), error, "{body}");
        }
    }

    #[test]
    fn look_alike_envelope_members_are_refused() {
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","param\u017f":{}}"#,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"param\u{17f}\":{}}",
            r#"{"jsonrpc":"2.0","id":1,"\u006dethod":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","ID":1,"method":"tools/list"}"#,
        ] {
            assert_eq!(refusal(body).code(), ErrorCode::INVALID_REQUEST, "{body}");
        }
    }

    #[test]
    fn a_request_is_written_again_as_it_was_checked() {
        let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{"n":18446744073709551617}},"x":{"b":1e2}}"#;
        let Message::Request(request) = Message::parse(body.as_bytes()).unwrap() else { panic!("a request") };
        assert_eq!(serde_json::to_string(&request).unwrap(), body);
    }
}
