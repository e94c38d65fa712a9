//! What a server says about one of its things, and the digest by which two sayings are the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mcp::json::Object;
use secret::Digest;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// Something that a server defines by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// How the server is to be used; it has one, without a name.
    Instructions,
    /// A prompt.
    Prompt,
    /// A tool.
    Tool,
}

impl Thing {
    /// In the words of people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Prompt => "prompt",
            Self::Tool => "tool",
        }
    }
}

/// A definition as the server gave it. Every member of it counts, those too that nobody here knows: whatever reaches a
/// client reaches a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    value: Value,
    digest: Digest,
}

/// Everything that one server says about itself and that can be approved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definitions {
    /// Where it is: its URL without what stands behind `?`, or its command.
    pub endpoint: String,
    /// What it calls itself; not its version, which is another one with every release.
    pub identity: Option<String>,
    /// How it is to be used, in its words.
    pub instructions: Option<Definition>,
    /// Its prompts, by name.
    pub prompts: BTreeMap<String, Definition>,
    /// Its tools, by name.
    pub tools: BTreeMap<String, Definition>,
}

impl Definition {
    /// What `value` defines.
    pub fn of(value: &Value) -> Self {
        let text = canonical(value);
        // Members in one order, whatever order they came in.
        let value = exact(&text).unwrap_or_else(|| value.clone());
        Self { value, digest: Digest::of(text.as_bytes()) }
    }

    /// What a server sent; `None` when it can be read in two ways.
    pub fn read(raw: &RawValue) -> Option<Self> {
        mcp::json::check(raw.get().as_bytes()).ok()?;
        exact(raw.get()).map(|value| Self::of(&value))
    }

    /// The digest of what a server sent. For a text that can be read in two ways it is one that no definition has.
    pub(crate) fn digest_of(raw: &RawValue) -> Digest {
        Self::read(raw).map_or_else(|| Digest::of(raw.get().as_bytes()), |definition| definition.digest)
    }

    /// What is defined.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// SHA-256 of the canonical text.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The digest as the lock file has it.
    pub fn digest_text(&self) -> String {
        let mut text = "sha256:".to_owned();
        for byte in self.digest.as_bytes() {
            write!(text, "{byte:02x}").expect("a string takes everything");
        }
        text
    }
}

impl Definitions {
    /// What is said about the `thing` called `name`.
    pub fn get(&self, thing: Thing, name: &str) -> Option<&Definition> {
        match thing {
            Thing::Instructions => self.instructions.as_ref(),
            Thing::Prompt => self.prompts.get(name),
            Thing::Tool => self.tools.get(name),
        }
    }

    /// Everything that is defined, in one order.
    pub fn iter(&self) -> impl Iterator<Item = (Thing, &str, &Definition)> {
        let instructions = self.instructions.iter().map(|found| (Thing::Instructions, "", found));
        let prompts = self.prompts.iter().map(|(name, found)| (Thing::Prompt, name.as_str(), found));
        let tools = self.tools.iter().map(|(name, found)| (Thing::Tool, name.as_str(), found));
        instructions.chain(prompts).chain(tools)
    }
}

/// The value of a JSON text, its numbers exactly: `serde_json` may read one with many digits as its neighbour, and what is
/// written down would come back as something else.
fn exact(json: &str) -> Option<Value> {
    Some(match json.as_bytes().first()? {
        b'{' => {
            let members = Object::read(json, &[]).ok()?;
            let members = members.iter().map(|(name, value)| Some((name.to_owned(), exact(value.get())?)));
            Value::Object(members.collect::<Option<_>>()?)
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            Value::Array(items.into_iter().map(|item| exact(item.get())).collect::<Option<_>>()?)
        }
        b'-' | b'0'..=b'9' => Value::Number(number(json)?),
        _ => serde_json::from_str(json).ok()?,
    })
}

fn number(json: &str) -> Option<Number> {
    let whole = json.parse::<i64>().map(Number::from).or_else(|_| json.parse::<u64>().map(Number::from));
    whole.ok().or_else(|| Number::from_f64(json.parse().ok()?))
}

/// The JSON text that all texts with the same meaning have in common, as RFC 8785 does it: no white space, members in the
/// order of their names' UTF-16, whole numbers without a fraction. Fractions are written in the shortest way that reads
/// back as the same number, without RFC 8785's rules for exponents.
fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                text.push_str(if position == 0 { "" } else { "," });
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (position, (name, value)) in members.into_iter().enumerate() {
                text.push_str(if position == 0 { "" } else { "," });
                text.push_str(&crate::literals::encoded(name));
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Number(number) => text.push_str(&written(number)),
        Value::String(string) => text.push_str(&crate::literals::encoded(string)),
        Value::Null | Value::Bool(_) => text.push_str(&value.to_string()),
    }
}

fn written(number: &Number) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(0.0) => "0".to_owned(),
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Option<Definition> {
        Definition::read(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_canonical_text_is_that_of_rfc_8785() {
        let value: Value = serde_json::from_str(
            r#"{"\u20ac":"Euro","\r":"CR","1":1.0,"\ud83d\ude00":-0.0,"a":{"z":[56,{"d":true,"10":null}],"":"\u000a\u003c\/"}}"#,
        )
        .unwrap();
        let expected = "{\"\\r\":\"CR\",\"1\":1,\"a\":{\"\":\"\\n</\",\"z\":[56,{\"10\":null,\"d\":true}]},\"€\":\"Euro\",\"😀\":0}";
        assert_eq!(canonical(&value), expected);
    }

    #[test]
    fn up_02_every_member_counts_and_nothing_else() {
        let tool = r#"{"name":"a","description":"A","inputSchema":{"type":"object","x":[1,2]},"annotations":{"readOnlyHint":true},"_meta":{"ui":1}}"#;
        let known = read(tool).unwrap();
        let same = r#"{"_meta":{"ui":1.0},"annotations":{ "readOnlyHint" : true },"description":"\u0041","name":"a","inputSchema":{"x":[1,2],"type":"object"}}"#;
        assert_eq!(read(same).unwrap().digest(), known.digest());
        for (from, to) in [
            ("\"A\"", "\"A \""),
            ("\"A\"", "\"A\u{e0041}\""),
            ("true", "false"),
            ("[1,2]", "[2,1]"),
            ("\"ui\":1", "\"ui\":2"),
            ("\"name\":\"a\",", "\"name\":\"a\",\"title\":\"a\","),
        ] {
            assert_ne!(read(&tool.replace(from, to)).unwrap().digest(), known.digest(), "{to}");
        }
        assert_eq!(known.digest_text().len(), "sha256:".len() + 64);
        let exact = read("[7.853888191877605e74,0.1,1e2]").unwrap();
        assert_eq!(exact.value().to_string(), "[7.853888191877605e+74,0.1,100]");
    }

    #[test]
    fn up_02_what_can_be_read_in_two_ways_is_no_definition() {
        assert!(read(r#"{"name":"a","description":"good","description":"evil"}"#).is_none());
        assert!(read(r#"{"name":"a","inputSchema":{"x":1,"\u0078":2}}"#).is_none());
    }

    proptest! {
        #[test]
        fn a_definition_reads_back_as_itself(name in ".*", text in ".*", number in any::<f64>(), whole in any::<i64>()) {
            let definition = Definition::of(&json!({ name: [text, number, whole] }));
            prop_assert_eq!(&Definition::of(definition.value()), &definition);
        }
    }
}
