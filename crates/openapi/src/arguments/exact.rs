//! JSON whose numbers stay as they were written.

use std::borrow::Cow;

use mcp::json::Object;
use serde_json::value::RawValue;

/// One level of a value; what is inside stays text.
#[derive(Debug)]
pub(crate) enum Exact<'a> {
    /// `null`.
    Null,
    /// A string, or the text of a number or truth value.
    Scalar(Cow<'a, str>),
    /// The elements of an array.
    List(Vec<&'a RawValue>),
    /// The members of an object.
    Members(Object<'a>),
}

impl<'a> Exact<'a> {
    /// Reads one level of a value that is part of a checked document.
    pub(crate) fn read(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b'[') => Self::List(serde_json::from_str(text).unwrap_or_default()),
            Some(b'{') => Self::Members(Object::read(text, &[]).unwrap_or_default()),
            _ => Self::Scalar(super::written(raw)),
        }
    }
}

/// The JSON text without white space between its parts.
pub(crate) fn compact(json: &str) -> Cow<'_, str> {
    let (mut compact, mut copied, mut is_text, mut is_escaped) = (String::new(), 0, false, false);
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b' ' | b'\t' | b'\n' | b'\r' if !is_text => {
                compact.push_str(&json[copied..at]);
                copied = at + 1;
            }
            _ => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    compact.push_str(&json[copied..]);
    Cow::Owned(compact)
}

/// The JSON text with every character of its strings as JSON has it first of all: `\u0061` and `\/` are `a` and `/`. Who
/// looks for a text in it finds it.
pub(crate) fn respelled(json: &str) -> Cow<'_, str> {
    if !json.contains('\\') || !json.contains("\\u") && !json.contains("\\/") {
        return Cow::Borrowed(json);
    }
    let (mut respelled, mut rest) = (String::with_capacity(json.len()), json);
    while let Some((before, behind)) = rest.split_once('"') {
        let Some(end) = end_of_string(behind) else { break };
        let literal = &rest[before.len()..before.len() + end + 2];
        respelled.push_str(before);
        match serde_json::from_str::<String>(literal) {
            Ok(text) => respelled.push_str(&serde_json::to_string(&text).expect("text is JSON")),
            Err(_) => respelled.push_str(literal),
        }
        rest = &behind[end + 1..];
    }
    respelled.push_str(rest);
    Cow::Owned(respelled)
}

/// Where the quote stands that ends a string.
fn end_of_string(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_spelled_in_one_way() {
        for (given, expected) in [
            (r#"{"\u0061":"\/b\u00e9\u001b\"\\","n":1.50}"#, r#"{"a":"/bé\u001b\"\\","n":1.50}"#),
            (r#"{"a\u0062":"\ud800","c\u0063":1}"#, r#"{"ab":"\ud800","cc":1}"#),
            (r#"{"\u0061":"open"#, r#"{"a":"open"#),
            (r"\u", r"\u"),
        ] {
            assert_eq!(respelled(given), expected);
        }
    }

    #[test]
    fn white_space_goes_only_where_it_says_nothing() {
        for (given, expected) in [
            ("{ \"a b\" : [ 1 , \" \\\" \\\\\" ] }\n", "{\"a b\":[1,\" \\\" \\\\\"]}"),
            ("1.50", "1.50"),
            ("\"ü x\"", "\"ü x\""),
        ] {
            assert_eq!(compact(given), expected);
        }
    }
}
