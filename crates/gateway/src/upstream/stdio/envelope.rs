//! What is changed in a message on its way to and from a process: ids and progress tokens, and nothing else.
//!
//! Many clients share a process, and each numbers its requests from one. So the process sees our numbers, as id and as
//! progress token, and the client sees its own again.

use mcp::json::Object;
use mcp::{Request, RequestId};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// The token under which the client wants to hear of progress (`params._meta.progressToken`), as it wrote it.
pub(super) fn progress_token(params: Option<&RawValue>) -> Option<Box<RawValue>> {
    let meta = Object::read(params?.get(), &[]).ok()?.get("_meta")?;
    Object::read(meta.get(), &[]).ok()?.get("progressToken").map(ToOwned::to_owned)
}

/// The line that asks the process under the number `id`, which is also the progress token if the request has one.
pub(super) fn request(id: i64, request: &Request<'_>) -> Vec<u8> {
    let renumbered = request.params.and_then(|params| {
        let meta = Object::read(params.get(), &[]).ok()?.get("_meta")?;
        Object::read(meta.get(), &[]).ok()?.get("progressToken")?;
        with_member(params.get(), "_meta", &*with_member(meta.get(), "progressToken", &id)?)
    });
    let params = renumbered.as_deref().or(request.params);
    line(&Request { id: RequestId::from(id), params, ..request.clone() })
}

/// A message in one line: line breaks can only be white space between JSON tokens, and a line ends a message.
pub(super) fn line<T: Serialize>(message: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("messages have string keys and write to memory");
    line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    line.push(b'\n');
    line
}

/// The progress notification `text` with the client's own `token` in it.
pub(super) fn progress(text: &str, token: &RawValue) -> Option<Box<RawValue>> {
    let params = Object::read(text, &[]).ok()?.get("params")?;
    with_member(text, "params", &*with_member(params.get(), "progressToken", token)?)
}

/// The object `text` with another value for its member `name`; everything else as it came.
pub(super) fn with_member<V: Serialize + ?Sized>(text: &str, name: &str, value: &V) -> Option<Box<RawValue>> {
    let object = Object::read(text, &[]).ok()?;
    to_raw_value(&Replaced { object: &object, name, value }).ok()
}

struct Replaced<'a, V: ?Sized> {
    object: &'a Object<'a>,
    name: &'a str,
    value: &'a V,
}

impl<V: Serialize + ?Sized> Serialize for Replaced<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.object.iter() {
            if name == self.name {
                map.serialize_entry(name, self.value)?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use mcp::Message;

    use super::*;

    fn sent(body: &str) -> String {
        let Message::Request(read) = Message::parse(body.as_bytes()).unwrap() else { panic!("a request") };
        String::from_utf8(request(7, &read)).unwrap()
    }

    #[test]
    fn id_and_progress_token_become_ours_and_the_rest_stays() {
        let body = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"n","arguments":{"big":18446744073709551617},"_meta":{"x":1.0,"progressToken":"a"}},"more":1e2}"#;
        let expected = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"n","arguments":{"big":18446744073709551617},"_meta":{"x":1.0,"progressToken":7}},"more":1e2}"#;
        assert_eq!(sent(body), format!("{expected}\n"));
    }

    #[test]
    fn a_message_is_one_line() {
        let body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\r\n  \"a\": \"x\\ny\"\n}}";
        let expected = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":{    \"a\": \"x\\ny\" }}\n";
        assert_eq!(sent(body), expected);
    }

    #[test]
    fn progress_carries_the_clients_token_again() {
        let text = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1.50}}"#;
        let token = RawValue::from_string(r#""a""#.to_owned()).unwrap();
        let expected = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"a","progress":1.50}}"#;
        assert_eq!(progress(text, &token).unwrap().get(), expected);
    }

    #[test]
    fn odd_parameters_have_no_token() {
        for text in ["[1]", r#"{"_meta":[]}"#, r#"{"_meta":{}}"#, r#"{"progressToken":1}"#] {
            let params: &RawValue = serde_json::from_str(text).unwrap();
            assert!(progress_token(Some(params)).is_none(), "{text}");
        }
    }
}
