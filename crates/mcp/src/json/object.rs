//! One JSON object whose members stay raw, and the search for members that merely look like one we read.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::Malformed;

/// The members of one JSON object, in the order they were received, each value as its raw text.
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads one object, given the names the caller will look at.
    ///
    /// Refuses a member that merely looks like one of `read`: written in another case, with control or invisible
    /// characters, or spelled with escapes. `text` must have passed [`super::check`].
    pub fn read(text: &'a str, read: &[&str]) -> Result<Self, Malformed> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let object = reader.deserialize_map(ObjectVisitor { read });
        object.and_then(|object| reader.end().map(|()| object)).map_err(|error| Malformed::from_json(&error))
    }

    /// The raw value of the member called exactly `name`.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    /// Takes the member called exactly `name` out of the object.
    pub fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let position = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(position).1)
    }

    /// Gives the member called exactly `name` another value, in its place; a new member stands last.
    pub fn set(&mut self, name: &'static str, value: &'a RawValue) {
        match self.members.iter_mut().find(|(member, _)| member == name) {
            Some((_, current)) => *current = value,
            None => self.members.push((Cow::Borrowed(name), value)),
        }
    }

    /// All members in the order they were received.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.members.iter().map(|(name, value)| (&**name, *value))
    }

    /// Whether the object has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Reads a raw value as a string; `None` when it is anything else.
pub fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    struct Text;
    impl<'de> Visitor<'de> for Text {
        type Value = Cow<'de, str>;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a string")
        }
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }
    }
    // Anything else would cost the making of an error.
    value
        .get()
        .starts_with('"')
        .then(|| serde_json::Deserializer::from_str(value.get()).deserialize_str(Text).ok())?
}

/// Whether a raw value is a JSON object.
pub fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// The name among `read` that a parser which ignores case, or a person, would take `name` for.
fn look_alike<'r>(name: &str, read: &[&'r str]) -> Option<&'r str> {
    let is_plain = name.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    read.iter()
        .copied()
        .find(|read| if is_plain { name.eq_ignore_ascii_case(read) } else { folded(name).eq(folded(read)) })
}

/// Upper and then lower case, so that "ſ" and "K" (the Kelvin sign) meet "s" and "k"; what cannot be seen is dropped.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars()
        .filter(|character| !is_invisible(*character))
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

struct ObjectVisitor<'r> {
    read: &'r [&'r str],
}

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = Object<'de>;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(4);
        while let Some(name) = map.next_key_seed(NameSeed)? {
            let is_known = !name.escaped && self.read.contains(&&*name.text);
            if let Some(known) = (!is_known).then(|| look_alike(&name.text, self.read)).flatten() {
                return Err(serde::de::Error::custom(format_args!(
                    "a member looks like \"{known}\" but is not spelled so"
                )));
            }
            members.push((name.text, map.next_value::<&RawValue>()?));
        }
        Ok(Object { members })
    }
}

/// A member name and whether it was written with escapes.
pub(super) struct Name<'de> {
    pub(super) text: Cow<'de, str>,
    escaped: bool,
}

pub(super) struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Name<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Name<'de>;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Name { text: Cow::Borrowed(text), escaped: false })
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Name { text: Cow::Owned(text.to_owned()), escaped: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_of_read_members_are_refused() {
        for member in [
            r"Name",
            r"NAME",
            r"n\u0061me",
            "na\u{200b}me",
            r"name\u0000",
            " name",
            "param\u{17f}",
            "PARAM\u{17f}",
        ] {
            let document = format!(r#"{{"{member}":"danger"}}"#);
            let outcome = Object::read(&document, &["name", "params"]);
            assert!(matches!(outcome, Err(Malformed::Ambiguous(_))), "{member}");
        }
    }

    #[test]
    fn unknown_members_stay_as_they_came() {
        let text = r#"{"name":"ok","extra":18446744073709551617,"names":[1.0]}"#;
        let object = Object::read(text, &["name"]).unwrap();
        assert_eq!(object.get("extra").unwrap().get(), "18446744073709551617");
        assert!(object.get("Name").is_none());
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
    }
}
