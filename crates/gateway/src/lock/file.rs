//! The lock file: what was approved, as JSON that people read in a review. Members stand in one order and each on its own
//! line, so that a change of one definition is a change of its lines; what is hidden in a text is escaped.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Definition, Definitions};
use crate::visible;

/// The version of the file's form.
const VERSION: u32 = 1;

/// Everything that was approved, by the name of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    servers: BTreeMap<String, Arc<Definitions>>,
}

/// Why a text is no lock file. The texts hold nothing of what servers said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// It is not the JSON of a lock.
    #[error("{0}")]
    Form(String),
    /// It is of a later version of this program.
    #[error("it has version {0}, and this program knows version {VERSION}")]
    Version(u32),
    /// Somebody changed a definition and not its digest, or the other way round.
    #[error("the digest of {thing} of the server {server:?} is not that of its definition")]
    Digest {
        /// The server.
        server: String,
        /// What and which.
        thing: String,
    },
}

impl Lock {
    /// Reads the text of a lock file.
    ///
    /// # Errors
    /// [`LockError`] when not every part of it can be believed.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        mcp::json::check(text.as_bytes()).map_err(|error| LockError::Form(error.to_string()))?;
        let file: File<Box<RawValue>> =
            serde_json::from_str(text).map_err(|error| LockError::Form(error.to_string()))?;
        if file.version != VERSION {
            return Err(LockError::Version(file.version));
        }
        let servers = file.servers.into_iter().map(|(name, server)| {
            let definitions =
                server.definitions().map_err(|thing| LockError::Digest { server: name.clone(), thing })?;
            Ok((name, Arc::new(definitions)))
        });
        Ok(Self { servers: servers.collect::<Result<_, _>>()? })
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let servers = self.servers.iter().map(|(name, definitions)| (name.clone(), Server::of(definitions)));
        let file = File { version: VERSION, servers: servers.collect() };
        let text = serde_json::to_string_pretty(&file).expect("a lock has string keys");
        visible::escaped(&text) + "\n"
    }

    /// What was approved of `server`.
    pub fn server(&self, server: &str) -> Option<&Arc<Definitions>> {
        self.servers.get(server)
    }

    /// This was approved of `server`, and nothing else.
    pub fn set(&mut self, server: &str, definitions: Definitions) {
        self.servers.insert(server.to_owned(), Arc::new(definitions));
    }

    /// Nothing is approved any more of servers that `is_there` does not know.
    pub fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.servers.retain(|name, _| is_there(name));
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<D> {
    version: u32,
    servers: BTreeMap<String, Server<D>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "D: Deserialize<'de>"))]
struct Server<D> {
    endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instructions: Option<Approved<D>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    prompts: BTreeMap<String, Approved<D>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tools: BTreeMap<String, Approved<D>>,
}

/// `D` is a [`Value`] on its way into the file, which is indented, and raw when it is read, so that numbers are exact.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approved<D> {
    digest: String,
    definition: D,
}

impl Approved<Value> {
    fn of(definition: &Definition) -> Self {
        Self { digest: definition.digest_text(), definition: definition.value().clone() }
    }
}

impl Approved<Box<RawValue>> {
    fn definition(&self) -> Option<Definition> {
        let definition = Definition::read(&self.definition)?;
        (definition.digest_text() == self.digest).then_some(definition)
    }
}

impl Server<Value> {
    fn of(definitions: &Definitions) -> Self {
        let all = |definitions: &BTreeMap<String, Definition>| {
            definitions.iter().map(|(name, definition)| (name.clone(), Approved::of(definition))).collect()
        };
        Self {
            endpoint: definitions.endpoint.clone(),
            identity: definitions.identity.clone(),
            instructions: definitions.instructions.as_ref().map(Approved::of),
            prompts: all(&definitions.prompts),
            tools: all(&definitions.tools),
        }
    }
}

impl Server<Box<RawValue>> {
    /// The definitions; or what has another digest than it says.
    fn definitions(self) -> Result<Definitions, String> {
        let all = |thing: &str, approved: &BTreeMap<String, Approved<Box<RawValue>>>| {
            let read = |(name, approved): (&String, &Approved<Box<RawValue>>)| {
                let definition = approved.definition().ok_or_else(|| format!("the {thing} {name:?}"))?;
                Ok((name.clone(), definition))
            };
            approved.iter().map(read).collect::<Result<BTreeMap<_, _>, String>>()
        };
        let instructions = self
            .instructions
            .map(|instructions| instructions.definition().ok_or_else(|| "the instructions".to_owned()));
        Ok(Definitions {
            endpoint: self.endpoint,
            identity: self.identity,
            instructions: instructions.transpose()?,
            prompts: all("prompt", &self.prompts)?,
            tools: all("tool", &self.tools)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lock() -> Lock {
        let tool = |name: &str, text: &str| {
            (
                name.to_owned(),
                Definition::of(
                    &json!({ "name": name, "description": text, "inputSchema": { "type": "object", "maximum": 7.853_888_191_877_605e74 } }),
                ),
            )
        };
        let mut lock = Lock::default();
        lock.set(
            "far",
            Definitions {
                endpoint: "https://far.test/mcp".to_owned(),
                identity: Some("far".to_owned()),
                instructions: Some(Definition::of(&json!("be kind"))),
                prompts: BTreeMap::new(),
                tools: [tool("read", "Reads\u{e0041} é."), tool("list", "Lists.")].into(),
            },
        );
        lock
    }

    #[test]
    fn a_lock_is_read_back_and_can_be_read() {
        let text = lock().text();
        assert_eq!(Lock::parse(&text), Ok(lock()));
        assert_eq!(Lock::parse(&text).unwrap().text(), text);
        assert!(text.contains(r#""description": "Reads\udb40\udc41 é.","#), "{text}");
        assert!(text.find("\"list\"") < text.find("\"read\""), "sorted");
        assert_eq!(Lock::default().text(), "{\n  \"version\": 1,\n  \"servers\": {}\n}\n");
    }

    #[test]
    fn up_02_a_lock_that_was_tampered_with_is_refused() {
        let text = lock().text();
        let wrong = LockError::Digest { server: "far".to_owned(), thing: "the tool \"list\"".to_owned() };
        assert_eq!(Lock::parse(&text.replace("Lists.", "Lists and sends.")), Err(wrong));
        let wrong = LockError::Digest { server: "far".to_owned(), thing: "the instructions".to_owned() };
        assert_eq!(Lock::parse(&text.replace("be kind", "be evil")), Err(wrong));
        assert_eq!(
            Lock::parse(&text.replace("\"version\": 1", "\"version\": 2")),
            Err(LockError::Version(2))
        );
        for broken in [
            "",
            "[]",
            "{\"version\":1}",
            "{\"version\":1,\"version\":1,\"servers\":{}}",
            "{\"version\":1,\"servers\":{},\"x\":1}",
        ] {
            assert!(matches!(Lock::parse(broken), Err(LockError::Form(_))), "{broken}");
        }
    }
}
