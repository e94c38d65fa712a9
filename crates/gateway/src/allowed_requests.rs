//! What a server may ask of its clients (UP-17).

use mcp::json::{Malformed, Object};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

/// The client capabilities that let a server ask for something. `tasks` lets it ask for any of the others in another
/// way, and has no requests of its own that are passed on.
const ASKED_FOR: [&str; 4] = ["elicitation", "sampling", "roots", "tasks"];

/// The requests that a server may make of its clients. What is not allowed is kept from both: the server never learns
/// that a client could, and the client never sees a request that comes nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedRequests {
    /// It may ask a person something (`elicitation/create`).
    pub elicitation: bool,
    /// It may use the client's model (`sampling/createMessage`).
    pub sampling: bool,
    /// It may learn which directories the client works in (`roots/list`).
    pub roots: bool,
}

/// A person may be asked, and sees what is asked. Everything else has to be allowed.
impl Default for AllowedRequests {
    fn default() -> Self {
        Self { elicitation: true, sampling: false, roots: false }
    }
}

impl AllowedRequests {
    /// Whether a request may be passed on to a client.
    pub(crate) fn allows(self, method: &str) -> bool {
        match method {
            // Asks for nothing of anybody.
            "ping" => true,
            "elicitation/create" => self.elicitation,
            "sampling/createMessage" => self.sampling,
            "roots/list" => self.roots,
            _ => false,
        }
    }

    /// What a server is offered before anybody knows which client will be asked.
    pub(crate) fn offered(self) -> Value {
        let mut offered = Map::new();
        for (is_allowed, capability, how) in [
            (self.elicitation, "elicitation", json!({ "form": {}, "url": {} })),
            (self.sampling, "sampling", json!({})),
            (self.roots, "roots", json!({})),
        ] {
            if is_allowed {
                offered.insert(capability.to_owned(), how);
            }
        }
        Value::Object(offered)
    }

    /// What is left of a client's capabilities; `None` when nothing has to go, so that they may stay as they came.
    pub(crate) fn filter(self, capabilities: &RawValue) -> Result<Option<Box<RawValue>>, Malformed> {
        let mut members = Object::read(capabilities.get(), &ASKED_FOR)?;
        let mut is_changed = false;
        for capability in ASKED_FOR.into_iter().filter(|capability| !self.passes(capability)) {
            is_changed |= members.take(capability).is_some();
        }
        let filtered = || to_raw_value(&members).expect("raw members cannot fail to serialise");
        Ok(is_changed.then(filtered))
    }

    fn passes(self, capability: &str) -> bool {
        match capability {
            "elicitation" => self.elicitation,
            "sampling" => self.sampling,
            "roots" => self.roots,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: AllowedRequests = AllowedRequests { elicitation: false, sampling: false, roots: false };

    #[test]
    fn up_17_capabilities_that_are_not_allowed_are_taken_out_and_the_rest_stays() {
        let all =
            r#"{"x":1.0,"roots":{"listChanged":true},"sampling":{},"tasks":{},"elicitation":{"url":{}}}"#;
        for (allowed, capabilities, left) in [
            (NOTHING, all, Some(r#"{"x":1.0}"#)),
            (AllowedRequests::default(), all, Some(r#"{"x":1.0,"elicitation":{"url":{}}}"#)),
            (AllowedRequests::default(), r#"{"x":1.0,"elicitation":{}}"#, None),
            (AllowedRequests { roots: true, ..NOTHING }, r#"{"roots":{}}"#, None),
            (NOTHING, "{}", None),
        ] {
            let raw: &RawValue = serde_json::from_str(capabilities).unwrap();
            let found = allowed.filter(raw).unwrap();
            assert_eq!(found.as_deref().map(RawValue::get), left, "{allowed:?} {capabilities}");
        }
    }

    #[test]
    fn up_17_a_capability_in_disguise_is_refused() {
        for capabilities in [r#"{"Sampling":{}}"#, r#"{"s\u0061mpling":{}}"#, "{\"root\u{17f}\":{}}"] {
            let raw: &RawValue = serde_json::from_str(capabilities).unwrap();
            assert!(AllowedRequests::default().filter(raw).is_err(), "{capabilities}");
        }
    }

    #[test]
    fn up_17_requests_that_nobody_listed_are_refused() {
        let all = AllowedRequests { elicitation: true, sampling: true, roots: true };
        for method in ["tasks/list", "sampling/CreateMessage", "Roots/list", "tools/call", ""] {
            assert!(!all.allows(method), "{method}");
        }
        assert!(NOTHING.allows("ping") && !NOTHING.allows("elicitation/create"));
    }
}
