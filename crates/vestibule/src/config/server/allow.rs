//! What a server may ask of its clients.

use std::collections::BTreeSet;

use gateway::AllowedRequests;
use serde::Deserialize;

/// `allow`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Allow(BTreeSet<Asking>);

/// Something that a server can ask of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asking {
    /// A person: a form or a link.
    Elicitation,
    /// The client's model.
    Sampling,
    /// Which directories the client works in.
    Roots,
}

/// A person sees what they are asked; everything else is off.
impl Default for Allow {
    fn default() -> Self {
        Self(BTreeSet::from([Asking::Elicitation]))
    }
}

impl Allow {
    /// The same for the gateway.
    pub(crate) fn requests(&self) -> AllowedRequests {
        let has = |asking| self.0.contains(&asking);
        AllowedRequests {
            elicitation: has(Asking::Elicitation),
            sampling: has(Asking::Sampling),
            roots: has(Asking::Roots),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_17_sampling_and_roots_are_off_unless_they_are_allowed() {
        let read = |text: &str| serde_json::from_str::<Allow>(text).map(|allow| allow.requests());
        assert_eq!(Allow::default().requests(), AllowedRequests::default());
        assert_eq!(
            read(r#"["sampling","roots"]"#).unwrap(),
            AllowedRequests { elicitation: false, sampling: true, roots: true }
        );
        assert!(read(r#"["everything"]"#).is_err());
    }
}
