//! Writing messages.

use serde::Serialize;

use crate::{ErrorObject, RequestId};

/// A request with any serializable parameters. A modern client puts a [`crate::RequestMeta`] in as `_meta`.
pub fn request<P: Serialize>(id: &RequestId<'_>, method: &str, params: &P) -> Vec<u8> {
    write(&Outgoing { id: Some(id), method: Some(method), params: Some(params), ..Outgoing::EMPTY })
}

/// A notification with any serializable parameters.
pub fn notification<P: Serialize>(method: &str, params: &P) -> Vec<u8> {
    write(&Outgoing { method: Some(method), params: Some(params), ..Outgoing::EMPTY })
}

/// The response to a request that succeeded.
pub fn success<R: Serialize>(id: &RequestId<'_>, result: &R) -> Vec<u8> {
    write(&Outgoing { id: Some(id), result: Some(result), ..Outgoing::EMPTY })
}

/// The response to a request that failed. Without an id the request could not be read ("`id`: null", JSON-RPC 2.0
/// section 5).
pub fn failure(id: Option<&RequestId<'_>>, error: &ErrorObject) -> Vec<u8> {
    match id {
        Some(id) => write(&Outgoing::<()> { id: Some(id), error: Some(error), ..Outgoing::EMPTY }),
        None => write(&Unread { jsonrpc: "2.0", id: (), error }),
    }
}

#[derive(Serialize)]
struct Outgoing<'a, T> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RequestId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorObject>,
}

impl<T> Outgoing<'_, T> {
    const EMPTY: Self =
        Self { jsonrpc: "2.0", id: None, method: None, params: None, result: None, error: None };
}

#[derive(Serialize)]
struct Unread<'a> {
    jsonrpc: &'static str,
    id: (),
    error: &'a ErrorObject,
}

fn write<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    serde_json::to_writer(&mut bytes, message).expect("messages have string keys and write to memory");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCode, Message};
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_back() {
        let id = RequestId::from(7);
        let bytes = request(&id, "tools/call", &json!({"name": "a"}));
        let Message::Request(read) = Message::parse(&bytes).unwrap() else { panic!("a request") };
        assert_eq!((read.id, &*read.method), (id.clone(), "tools/call"));

        let bytes = success(&id, &json!({}));
        assert_eq!(bytes, br#"{"jsonrpc":"2.0","id":7,"result":{}}"#);

        let error = ErrorObject::new(ErrorCode::PARSE_ERROR, "no");
        assert_eq!(
            failure(None, &error),
            br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#
        );
        assert!(matches!(Message::parse(&failure(Some(&id), &error)), Ok(Message::Response(_))));

        let bytes = notification("notifications/initialized", &json!({}));
        assert!(matches!(Message::parse(&bytes), Ok(Message::Notification(_))));
    }
}
