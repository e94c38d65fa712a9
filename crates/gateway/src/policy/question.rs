use std::fmt;

use oauth::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Requester;

/// What a policy is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Who asks.
    pub requester: &'a Requester<'a>,
    /// What for.
    pub target: Target<'a>,
    /// With what.
    pub arguments: Arguments<'a>,
    /// When.
    pub now: Timestamp,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A tool.
    Tool {
        /// Its name, as it was asked for.
        name: &'a str,
        /// What its server says about it; `None` when nobody knows.
        annotations: Option<Annotations>,
    },
    /// A prompt, by its name.
    Prompt(&'a str),
    /// A resource, by its URI; or a template of resources, by its template.
    Resource(&'a str),
    /// What else a client may ask of a server: log levels, tasks, streams.
    Protocol,
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool { name, .. } => write!(formatter, "tool {name:?}"),
            Self::Prompt(name) => write!(formatter, "prompt {name:?}"),
            Self::Resource(uri) => write!(formatter, "resource {uri:?}"),
            Self::Protocol => formatter.write_str("protocol"),
        }
    }
}

/// What a call is made with.
#[derive(Debug, Clone, Copy)]
pub enum Arguments<'a> {
    /// Not known: for a list before the call, from the audit log after it.
    Unknown,
    /// The raw object; `None` when the call has none.
    Known(Option<&'a RawValue>),
}

/// What a server says about its tool (2025-03-26 and later, Tool Annotations). What it does not say, or says in another
/// type, is what the specification takes for it: the careful answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the four hints are four booleans in the specification")]
pub struct Annotations {
    /// `readOnlyHint`: it changes nothing.
    pub read_only_hint: bool,
    /// `destructiveHint`: it may destroy.
    pub destructive_hint: bool,
    /// `idempotentHint`: the same call again changes nothing more.
    pub idempotent_hint: bool,
    /// `openWorldHint`: it reaches beyond its server.
    pub open_world_hint: bool,
}

impl Default for Annotations {
    fn default() -> Self {
        Self { read_only_hint: false, destructive_hint: true, idempotent_hint: false, open_world_hint: true }
    }
}

impl Annotations {
    /// What the tool says of itself.
    pub(crate) fn of(tool: &mcp::Tool) -> Self {
        let annotations = tool.other.get("annotations").cloned();
        annotations.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    /// Reads the member `annotations` of a tool.
    pub(crate) fn read(raw: Option<&RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}
