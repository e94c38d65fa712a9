//! Strict JSON: what must hold of a document before any part of it is believed.
//!
//! A gateway decides on one reading of a message and others act on another, so a document that two parsers may
//! read differently is refused as a whole: repeated member names (some keep the first, some the last), members
//! that only differ from one we read by case or invisible characters (some match without regard to case), lone
//! surrogates, and nesting deep enough to exhaust a stack.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use object::NameSeed;
pub use object::{Object, is_object, string};

mod object;

/// Levels of arrays and objects a document may nest.
pub const MAXIMUM_DEPTH: usize = 64;

/// Objects with more members than this are searched for repeated names with a hash set.
const FEW_MEMBERS: usize = 16;

/// Why a document is refused. The texts name positions, never content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes are not one JSON text in UTF-8 (RFC 8259); JSON-RPC calls this a parse error.
    #[error("not valid JSON: {0}")]
    Syntax(String),
    /// JSON, but readable in more than one way or nested too deeply.
    #[error("refused JSON: {0}")]
    Ambiguous(String),
}

impl Malformed {
    fn from_json(error: &serde_json::Error) -> Self {
        match error.classify() {
            serde_json::error::Category::Data => Self::Ambiguous(error.to_string()),
            _ => Self::Syntax(error.to_string()),
        }
    }
}

/// Proves that `document` is one strict JSON text and returns it as text.
///
/// Every object at every level is searched for repeated names, and every string is decoded once, which is what
/// finds lone surrogates.
pub fn check(document: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(document)
        .map_err(|error| Malformed::Syntax(format!("not UTF-8 after byte {}", error.valid_up_to())))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    Strict { depth: 0, names: &mut Vec::new() }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| Malformed::from_json(&error))?;
    Ok(text)
}

/// Walks a whole document; `depth` is the number of arrays and objects around the value, `names` are the members of
/// those objects that were seen so far.
struct Strict<'s, 'de> {
    depth: usize,
    names: &'s mut Vec<Cow<'de, str>>,
}

impl Strict<'_, '_> {
    fn inside<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth < MAXIMUM_DEPTH {
            Ok(self.depth + 1)
        } else {
            Err(E::custom(format_args!("nested deeper than {MAXIMUM_DEPTH} levels")))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_, 'de> {
    type Value = ();
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let depth = self.inside()?;
        while seq.next_element_seed(Strict { depth, names: &mut *self.names })?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let depth = self.inside()?;
        let mut names = Names { few: self.names.len(), many: HashSet::new() };
        while let Some(name) = map.next_key_seed(NameSeed)? {
            // A JSON library's private marker: its value would be parsed a second time, unchecked.
            if name.text.starts_with("$serde_json::private::") {
                return Err(serde::de::Error::custom("a reserved member name"));
            }
            if !names.insert(self.names, name.text) {
                return Err(serde::de::Error::custom("a member name appears twice in one object"));
            }
            map.next_value_seed(Strict { depth, names: &mut *self.names })?;
        }
        self.names.truncate(names.few);
        Ok(())
    }
}

/// The names seen in one object: a list while they are few, a set from then on, so that a hostile object with a
/// million members costs linear time.
struct Names<'de> {
    /// Where those of this object begin among those of all that are open.
    few: usize,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Names<'de> {
    /// Whether the name was new.
    fn insert(&mut self, open: &mut Vec<Cow<'de, str>>, name: Cow<'de, str>) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(name);
        }
        if open[self.few..].contains(&name) {
            return false;
        }
        open.push(name);
        if open.len() - self.few > FEW_MEMBERS {
            self.many.extend(open.drain(self.few..));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(document: &str) -> Malformed {
        check(document.as_bytes()).unwrap_err()
    }

    #[test]
    fn ambiguous_documents_are_refused_at_every_level() {
        let many = (0..40).map(|n| format!("\"k{n}\":0,")).collect::<Vec<_>>().concat();
        for document in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
            &format!("{{{many}\"k39\":1}}"),
            r#"{"$serde_json::private::RawValue":"{\"a\":1,\"a\":2}"}"#,
            &format!("{}{}", "[".repeat(65), "]".repeat(65)),
        ] {
            assert!(matches!(refusal(document), Malformed::Ambiguous(_)), "{document}");
        }
    }

    #[test]
    fn what_is_not_one_json_text_is_a_syntax_error() {
        for document in [
            "",
            "{",
            "\u{feff}{}",
            "{} {}",
            "{}x",
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00\ud800"}"#,
            r#"{"\ud800":1}"#,
            "[1e999999]",
            "[01]",
            "[1,]",
            "{'a':1}",
            "\u{0}",
        ] {
            assert!(matches!(refusal(document), Malformed::Syntax(_)), "{document:?}");
        }
        assert!(matches!(check(b"\"\xff\""), Err(Malformed::Syntax(_))));
        assert!(matches!(refusal(&"[".repeat(100_000)), Malformed::Ambiguous(_)));
    }

    #[test]
    fn ordinary_documents_pass() {
        let many = (0..40).map(|n| format!("\"k{n}\":0,")).collect::<Vec<_>>().concat();
        for document in [
            "null",
            r#" {"a":[1,2.5,-3,true,null,"\ud83d\ude00"],"b":{"a":1}} "#,
            &format!("{{{many}\"k40\":1}}"),
            "[18446744073709551617]",
            &format!("{}{}", "[".repeat(64), "]".repeat(64)),
        ] {
            assert_eq!(check(document.as_bytes()), Ok(document));
        }
    }

    /// Any JSON value of a few levels whose objects have distinct names.
    fn values() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..24)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_plain_document_passes_and_none_with_a_repeated_name(value in values(), name in any::<String>()) {
            let plain = value.to_string();
            prop_assert_eq!(check(plain.as_bytes()), Ok(plain.as_str()));
            let name = serde_json::Value::from(name).to_string();
            let repeated = format!("[{{{name}:{plain},{name}:0}}]");
            prop_assert!(matches!(check(repeated.as_bytes()), Err(Malformed::Ambiguous(_))));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = check(&bytes);
        }
    }
}
