use oauth::Timestamp;
use secret::Digest;

use crate::{Event, entry::canonical};

/// How far a chain is: its last sequence number, and the hash that stands for everything up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The sequence number of the last entry; 0 before the first.
    pub sequence: i64,
    /// The hash of the last entry; 32 zero bytes before the first.
    pub hash: Digest,
}

impl Default for Head {
    /// Before the first entry.
    fn default() -> Self {
        let zero = Digest::from_bytes(&[0; Digest::LENGTH]).expect("the length is that of a digest");
        Self { sequence: 0, hash: zero }
    }
}

/// An entry with what binds it to the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// [`Entry::node`](crate::Entry::node).
    pub node: String,
    /// [`Entry::sequence`](crate::Entry::sequence).
    pub sequence: i64,
    /// [`Entry::time`](crate::Entry::time).
    pub time: Timestamp,
    /// The hash of the entry before.
    pub previous_hash: Digest,
    /// `SHA-256(previous_hash || entry)`
    pub hash: Digest,
    /// [`Entry::canonical`](crate::Entry::canonical).
    pub entry: String,
}

/// The chain of one node: gives every event its place.
#[derive(Debug, Clone)]
pub struct Chain {
    node: String,
    head: Head,
}

impl Chain {
    /// The chain of `node`, which is as far as `head`.
    pub fn new(node: impl Into<String>, head: Head) -> Self {
        Self { node: node.into(), head }
    }

    /// Whose chain this is.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// How far it is.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Appends what happened at `time`.
    pub fn append(&mut self, time: Timestamp, event: &Event) -> Link {
        let sequence = self.head.sequence + 1;
        let entry = canonical(event, &self.node, sequence, time);
        let previous_hash = self.head.hash;
        let hash = hash(&previous_hash, &entry);
        self.head = Head { sequence, hash };
        Link { node: self.node.clone(), sequence, time, previous_hash, hash, entry }
    }
}

/// `SHA-256(previous || entry)`
pub(crate) fn hash(previous: &Digest, entry: &str) -> Digest {
    Digest::of(&[previous.as_bytes(), entry.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Outcome};

    #[test]
    fn every_hash_stands_for_all_before() {
        let now = Timestamp::from_seconds(1);
        let mut chain = Chain::new("n", Head::default());
        let event = &Event::new(Kind::SignIn, Outcome::Succeeded);
        let (first, second) = (chain.append(now, event), chain.append(now, event));
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert_eq!(first.previous_hash.as_bytes(), &[0; 32]);
        assert_eq!(second.previous_hash, first.hash);
        let together = [first.hash.as_bytes(), second.entry.as_bytes()].concat();
        assert_eq!(second.hash, Digest::of(&together));

        let head = Head { sequence: first.sequence, hash: first.hash };
        assert_eq!(Chain::new("n", head).append(now, event), second, "a restart continues the chain");
    }
}
