use oauth::Timestamp;
use serde::Deserialize;

use crate::{Event, canonical};

/// An event at its place in the chain of one node.
///
/// Its canonical JSON has the members of every object in alphabetical order, leaves out what is absent, has no
/// white space and only whole numbers: one entry, one text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// The node that recorded it.
    pub node: String,
    /// Its place among the node's entries: 1, 2, 3 …
    pub sequence: i64,
    /// When it was recorded.
    pub time: Timestamp,
}

/// The text is not the canonical JSON of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an audit entry in canonical JSON")]
pub struct EntryError;

impl Entry {
    /// Reads an entry back.
    ///
    /// # Errors
    /// [`EntryError`], also for a text that says the same in other words.
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        let entry: Self = serde_json::from_str(text).map_err(|_| EntryError)?;
        if entry.canonical() == text { Ok(entry) } else { Err(EntryError) }
    }

    /// The canonical JSON.
    pub fn canonical(&self) -> String {
        let Self { event, node, sequence, time } = self;
        let mut text = Vec::new();
        canonical::write(&mut text, event, node, *sequence, *time);
        String::from_utf8(text).expect("it is made of texts")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use oauth::{ClientId, Issuer};
    use serde_json::Value;

    use super::*;
    use crate::{Kind, Outcome, Person, Verdict};

    pub(crate) fn full_event() -> Event {
        let issuer = Issuer::parse("https://v.test").unwrap();
        let mut event = Event::new(Kind::ToolCall, Outcome::Succeeded)
            .person(Person::new(&issuer, "user_1", Some("ada")))
            .client(&ClientId::from_unverified("client_1"))
            .server("demo")
            .tool("get_data")
            .decision(Verdict::Allowed, "scope")
            .duration(std::time::Duration::from_micros(12_700))
            .detail("peer", "127.0.0.1")
            .detail("a", "\u{0}\"<img>\n");
        event.account = Some("ada@github".into());
        event
    }

    fn full() -> Entry {
        Entry { event: full_event(), node: "n".into(), sequence: 7, time: Timestamp::from_seconds(1) }
    }

    /// The order that `serde_json::Map` keeps is sorted or as written, depending on what else is built; this one
    /// is neither: it reads the text.
    fn assert_sorted(value: &Value, text: &str) {
        let Value::Object(object) = value else { return };
        let mut names: Vec<_> = object.keys().collect();
        names.sort();
        let places: Vec<_> = names.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
        assert!(places.is_sorted(), "{names:?} in {text}");
        for member in object.values() {
            assert_sorted(member, &member.to_string());
        }
    }

    #[test]
    fn canonical_json_is_sorted_and_has_whole_numbers_only() {
        let text = full().canonical();
        assert_eq!(
            text,
            r#"{"event":{"account":"ada@github","client_id":"client_1","decision":{"rule":"scope","verdict":"allowed"},"detail":{"a":"\u0000\"<img>\n","peer":"127.0.0.1"},"duration_ms":12,"kind":"tool_call","outcome":"succeeded","person":{"issuer":"https://v.test","subject":"user_1","user_name":"ada"},"server":"demo","tool":"get_data"},"node":"n","sequence":7,"time":1000}"#
        );
        assert_sorted(&serde_json::from_str(&text).unwrap(), &text);
    }

    #[test]
    fn an_entry_has_one_text() {
        let text = full().canonical();
        assert_eq!(Entry::parse(&text), Ok(full()));
        for other in [
            text.replace("\"node\":", "\"node\": "),
            text.replace("\"sequence\":7", "\"sequence\":7.0"),
            text.replace("get_data", "get\\u005fdata"),
            text.replace("\"time\":1000}", "\"time\":1000,\"more\":1}"),
            text.replace("\"node\":\"n\",", ""),
            format!("{text} "),
        ] {
            assert_ne!(other, text);
            assert_eq!(Entry::parse(&other), Err(EntryError), "{other}");
        }
    }
}
