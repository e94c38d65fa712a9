//! The strings of a JSON text, changed where they stand: everything around them stays as it came. Pure.

use std::borrow::Cow;

/// The text with some of its strings changed, names of members too; `None` when `change` changes none. `json` is a valid
/// JSON text, and so is what comes back.
pub(crate) fn with_strings(json: &str, mut change: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(begin) = json[at..].find('"').map(|found| at + found) {
        let end = end_of(json, begin)?;
        let literal = &json[begin..end];
        at = end;
        let Some(changed) = decoded(literal).and_then(|text| change(&text)) else { continue };
        out.push_str(&json[copied..begin]);
        out.push_str(&encoded(&changed));
        copied = end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&json[copied..]);
    Some(out)
}

/// The JSON of a text.
pub(crate) fn encoded(text: &str) -> String {
    serde_json::to_string(text).expect("text cannot fail to serialise")
}

/// The end of the string that begins at `begin`, its quotes included.
fn end_of(json: &str, begin: usize) -> Option<usize> {
    let mut is_escaped = false;
    let end = json.as_bytes()[begin + 1..].iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    })?;
    Some(begin + 1 + end + 1)
}

fn decoded(literal: &str) -> Option<Cow<'_, str>> {
    let inside = literal.get(1..literal.len() - 1)?;
    if !inside.contains('\\') {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str(literal).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn strings_are_changed_where_they_stand() {
        let json = r#"{"a" : "x\"y", "n":1.50,"b":["\u0078\\",{"c":"x"}] }"#;
        let changed = with_strings(json, |text| text.contains('x').then(|| text.replace('x', "\"!")));
        let expected = r#"{"a" : "\"!\"y", "n":1.50,"b":["\"!\\",{"c":"\"!"}] }"#;
        assert_eq!(changed.as_deref(), Some(expected));
        assert!(serde_json::from_str::<Value>(expected).is_ok());
        assert_eq!(with_strings(json, |_| None), None);
    }

    #[test]
    fn every_string_is_seen() {
        let json = r#"{"k\"":"\\","l":["a","\\\"b"],"":""}"#;
        let mut seen = Vec::new();
        with_strings(json, |text| {
            seen.push(text.to_owned());
            None
        });
        assert_eq!(seen, ["k\"", "\\", "l", "a", "\\\"b", "", ""]);
    }
}
