//! A definition whose texts are readable. Pure.
//!
//! Texts are rewritten where they are nothing but text: titles and descriptions, in schemas too. What else a definition
//! says may have to be said to the server again (names, values that a schema allows), so that it stays as it came, and a
//! finding tells of what is hidden in it.

use mcp::json::{Object, string};
use serde_json::value::RawValue;

use crate::{literals, visible};

/// What became of a definition.
pub(super) struct Cleaned {
    /// `None` when it can stay as it came.
    pub(super) changed: Option<Box<RawValue>>,
    /// Something in it was, or still is, hidden.
    pub(super) has_hidden: bool,
    /// A text was cut.
    pub(super) is_cut: bool,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A tool, a prompt, an argument of a prompt, or the annotations of a tool.
    Definition,
    /// The same, and its name is for people.
    Resource,
    /// A JSON Schema.
    Schema,
    /// A member of a schema whose members are schemas by names of the server's own.
    Schemas,
}

/// Makes the texts of a definition readable; `is_resource` when its name is only text.
pub(super) fn definition(entry: &RawValue, is_resource: bool) -> Cleaned {
    let text = entry.get();
    let mut cleaned = Cleaned { changed: None, has_hidden: false, is_cut: false };
    if text.len() <= visible::LONGEST && is_plain(text) {
        return cleaned;
    }
    literals::with_strings(text, |string| {
        cleaned.has_hidden |= visible::has_hidden(string);
        None
    });
    let place = if is_resource { Place::Resource } else { Place::Definition };
    cleaned.changed = value(text, place, &mut cleaned.is_cut).map(raw);
    cleaned
}

/// JSON text that was written here.
pub(super) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it is made of JSON")
}

/// Nothing in the JSON text can be hidden: it is ASCII, and no escape stands for anything but quotes and white space.
fn is_plain(json: &str) -> bool {
    json.is_ascii() && !["\\u", "\\b", "\\f", "\\r"].iter().any(|escape| json.contains(escape))
}

/// The value with readable texts; `None` when it can stay as it came.
fn value(json: &str, place: Place, is_cut: &mut bool) -> Option<String> {
    let inner = |found: Option<String>, raw: &RawValue| found.unwrap_or_else(|| raw.get().to_owned());
    if json.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
        let changed: Vec<_> = items.iter().map(|item| value(item.get(), place, is_cut)).collect();
        changed.iter().any(Option::is_some).then(|| {
            let items: Vec<_> =
                changed.into_iter().zip(items).map(|(found, raw)| inner(found, raw)).collect();
            format!("[{}]", items.join(","))
        })
    } else if json.starts_with('{') {
        let object = Object::read(json, &[]).ok()?;
        let changed: Vec<_> = object.iter().map(|(name, raw)| member(name, raw, place, is_cut)).collect();
        changed.iter().any(Option::is_some).then(|| {
            let members = changed.into_iter().zip(object.iter());
            let members: Vec<_> = members
                .map(|(found, (name, raw))| format!("{}:{}", literals::encoded(name), inner(found, raw)))
                .collect();
            format!("{{{}}}", members.join(","))
        })
    } else {
        None
    }
}

fn member(name: &str, raw: &RawValue, place: Place, is_cut: &mut bool) -> Option<String> {
    let is_text = match place {
        Place::Definition => matches!(name, "title" | "description"),
        Place::Resource => matches!(name, "title" | "description" | "name"),
        Place::Schema => matches!(name, "title" | "description" | "$comment"),
        Place::Schemas => false,
    };
    if is_text && raw.get().starts_with('"') {
        return text(raw, is_cut);
    }
    let place = match (place, name) {
        (Place::Definition, "inputSchema" | "outputSchema") => Place::Schema,
        (Place::Definition, "annotations" | "arguments") => Place::Definition,
        (Place::Definition | Place::Resource, _)
        | (Place::Schema, "const" | "enum" | "default" | "examples") => {
            return None;
        }
        (
            Place::Schema,
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
        ) => Place::Schemas,
        (Place::Schema | Place::Schemas, _) => Place::Schema,
    };
    value(raw.get(), place, is_cut)
}

fn text(raw: &RawValue, is_cut: &mut bool) -> Option<String> {
    let text = string(raw)?;
    let readable = visible::readable(&text);
    *is_cut |= visible::visible(&text).len() > visible::LONGEST;
    (readable != text).then(|| literals::encoded(&readable))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn cleaned(entry: &str) -> (Option<String>, bool, bool) {
        let Cleaned { changed, has_hidden, is_cut } = definition(serde_json::from_str(entry).unwrap(), false);
        (changed.map(|raw| raw.get().to_owned()), has_hidden, is_cut)
    }

    #[test]
    fn up_03_texts_are_cleaned_wherever_they_stand() {
        let entry = r#"{"name":"a","n" : 1.50,"title":"T\u200b","description":"D\udb40\udc41","inputSchema":{"type":"object","description":"S\u202e","properties":{"description":{"description":"P\u001b[2J","enum":["x\u200b"],"default":{"description":"kept\u200b"}},"default":{"title":"Q\u200b"}},"allOf":[{"$comment":"C\ufeff"}]},"annotations":{"title":"A\u00ad","readOnlyHint":true},"_meta":{"description":"kept\u200b"}}"#;
        let expected = r#"{"name":"a","n":1.50,"title":"T","description":"D","inputSchema":{"type":"object","description":"S","properties":{"description":{"description":"P","enum":["x\u200b"],"default":{"description":"kept\u200b"}},"default":{"title":"Q"}},"allOf":[{"$comment":"C"}]},"annotations":{"title":"A","readOnlyHint":true},"_meta":{"description":"kept\u200b"}}"#;
        assert_eq!(cleaned(entry), (Some(expected.to_owned()), true, false));
    }

    #[test]
    fn up_03_what_is_hidden_in_other_members_is_found() {
        assert_eq!(cleaned(r#"{"name":"a","inputSchema":{"enum":["x\u200b"]}}"#), (None, true, false));
        assert_eq!(
            cleaned(r#"{"name":"a","inputSchema":{"properties":{"x\u200b":{}}}}"#),
            (None, true, false)
        );
    }

    #[test]
    fn what_is_readable_stays_as_it_came() {
        for entry in [
            r#"{"name":"a", "description":"<IMPORTANT> ![x](https://x.test)\n"}"#,
            r#"{"name":"a","description":"\u00e9 ⚠️","title":null,"inputSchema":true}"#,
            r#"{"name":"a","description":["x"]}"#,
        ] {
            assert_eq!(cleaned(entry), (None, false, false), "{entry}");
        }
    }

    #[test]
    fn up_03_long_texts_are_cut() {
        let entry = json!({ "name": "a", "description": "x".repeat(1 << 20) }).to_string();
        let (changed, has_hidden, is_cut) = cleaned(&entry);
        assert!(is_cut && !has_hidden);
        assert!(changed.unwrap().len() < 4200);
        let many = json!({ "name": "a", "inputSchema": { "enum": vec!["x"; 4000] } }).to_string();
        assert_eq!(cleaned(&many), (None, false, false));
    }

    proptest! {
        #[test]
        fn a_definition_stays_json_and_keeps_its_members(text in ".*", name in ".*", value in ".*") {
            let entry = json!({ "name": "a", "description": text, "inputSchema": { "properties": { name.clone(): { "const": value, "title": text } } }});
            let (changed, ..) = cleaned(&entry.to_string());
            let after = changed.map_or(entry.clone(), |text| serde_json::from_str(&text).unwrap());
            let readable = Value::String(visible::readable(&text).into_owned());
            prop_assert_eq!(&after["description"], &readable);
            prop_assert_eq!(&after["inputSchema"]["properties"][&name]["title"], &readable);
            prop_assert_eq!(&after["inputSchema"]["properties"][&name]["const"], &Value::String(value));
        }
    }
}
