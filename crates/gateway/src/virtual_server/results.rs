//! Results of members with spaced URIs. Pure.
//!
//! A result names resources where MCP says so: `contents` of `resources/read`, and blocks of content of the types
//! `resource` and `resource_link` in tool results and prompts. There the URI becomes the one by which the resource can
//! be read here. Everything else is passed on as it came, what a tool writes into its text or its structured content
//! too.

use mcp::RequestId;
use mcp::json::{Object, string};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::names;
use crate::upstream::remote::envelope::{Envelope, Outcome};

/// The response to `id`, with spaced URIs; `None` when the message can be passed on as it is.
pub(super) fn spaced_response(member: &str, id: &RequestId<'_>, message: &[u8]) -> Option<Vec<u8>> {
    let Some(Outcome::Result(result)) = Envelope::read(message)?.response_to(id) else { return None };
    Some(mcp::success(id, &spaced_result(member, result)?))
}

fn spaced_result(member: &str, result: &RawValue) -> Option<Box<RawValue>> {
    type Space = fn(&str, &RawValue) -> Option<Box<RawValue>>;
    let spaced: [(&'static str, Space); 3] =
        [("contents", contents), ("content", blocks), ("messages", messages)];
    changed(result, &spaced.map(|(name, space)| (name, move |raw: &RawValue| space(member, raw))))
}

/// The items of `contents`, each a resource.
fn contents(member: &str, list: &RawValue) -> Option<Box<RawValue>> {
    each(list, |item| located(member, item))
}

/// Messages of a prompt; the content of each is one block, or several.
fn messages(member: &str, list: &RawValue) -> Option<Box<RawValue>> {
    each(list, |message| {
        changed(
            message,
            &[("content", |content: &RawValue| {
                if content.get().starts_with('[') { blocks(member, content) } else { block(member, content) }
            })],
        )
    })
}

fn blocks(member: &str, list: &RawValue) -> Option<Box<RawValue>> {
    each(list, |item| block(member, item))
}

/// One block of content, if it is about a resource.
fn block(member: &str, raw: &RawValue) -> Option<Box<RawValue>> {
    let object = Object::read(raw.get(), &[]).ok()?;
    match &*object.get("type").and_then(string)? {
        "resource_link" => located(member, raw),
        "resource" => changed(raw, &[("resource", |resource: &RawValue| located(member, resource))]),
        _ => None,
    }
}

/// Something that has a `uri`.
fn located(member: &str, raw: &RawValue) -> Option<Box<RawValue>> {
    changed(raw, &[("uri", |uri: &RawValue| Some(as_raw(&names::spaced_uri(member, &string(uri)?))))])
}

/// The list with some of its items changed; `None` when none is.
fn each(list: &RawValue, change: impl Fn(&RawValue) -> Option<Box<RawValue>>) -> Option<Box<RawValue>> {
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
    let others: Vec<_> = items.iter().map(|item| change(item)).collect();
    if others.iter().all(Option::is_none) {
        return None;
    }
    let items = items.into_iter().zip(&others).map(|(item, other)| other.as_deref().unwrap_or(item));
    Some(as_raw(&items.collect::<Vec<_>>()))
}

/// The object with some of its members changed; `None` when none is.
fn changed(
    raw: &RawValue,
    changes: &[(&'static str, impl Fn(&RawValue) -> Option<Box<RawValue>>)],
) -> Option<Box<RawValue>> {
    let mut object = Object::read(raw.get(), &[]).ok()?;
    let others: Vec<_> =
        changes.iter().filter_map(|(name, change)| Some((*name, change(object.get(name)?)?))).collect();
    if others.is_empty() {
        return None;
    }
    for (name, other) in &others {
        object.set(name, other);
    }
    Some(as_raw(&object))
}

fn as_raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("text and raw values cannot fail to serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(result: &str, expected: Option<&str>) {
        let message = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#);
        let spaced = spaced_response("a", &RequestId::Integer(7), message.as_bytes());
        let expected = expected.map(|result| format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#));
        assert_eq!(spaced.map(|body| String::from_utf8(body).unwrap()), expected);
    }

    #[test]
    fn resources_carry_the_uris_by_which_they_can_be_read() {
        check(
            r#"{"z":1.50,"content":[{"type":"text","text":"x","uri":"f:x"},{"type":"resource_link","uri":"f:x","name":"n"},{"type":"resource","resource":{"uri":"f:y","text":"t"}}]}"#,
            Some(
                r#"{"z":1.50,"content":[{"type":"text","text":"x","uri":"f:x"},{"type":"resource_link","uri":"a+f:x","name":"n"},{"type":"resource","resource":{"uri":"a+f:y","text":"t"}}]}"#,
            ),
        );
        check(
            r#"{"contents":[{"uri":"f:x","text":"t"}]}"#,
            Some(r#"{"contents":[{"uri":"a+f:x","text":"t"}]}"#),
        );
        check(
            r#"{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"f:y"}}},{"role":"user","content":[{"type":"resource_link","uri":"f:z"}]}]}"#,
            Some(
                r#"{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"a+f:y"}}},{"role":"user","content":[{"type":"resource_link","uri":"a+f:z"}]}]}"#,
            ),
        );
    }

    #[test]
    fn everything_else_is_passed_on_as_it_came() {
        check(r#"{"content":[{"type":"text","text":"f:x"}],"structuredContent":{"uri":"f:x"}}"#, None);
        check(r#"{"resultType":"input_required","requestState":"s"}"#, None);
        check(r#"{"content":7,"contents":{"uri":"f:x"}}"#, None);
        check(r"[]", None);
        let other = br#"{"jsonrpc":"2.0","id":8,"result":{"contents":[{"uri":"f:x"}]}}"#;
        assert_eq!(spaced_response("a", &RequestId::Integer(7), other), None);
    }
}
