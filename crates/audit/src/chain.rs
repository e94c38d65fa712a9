use oauth::Timestamp;
use secret::Digest;

use crate::{Event, Segment, canonical};

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
        let segment = self.append_all([(time, event)]);
        segment.and_then(|segment| segment.links().next()).expect("what happened is a link")
    }

    /// Appends what happened, in this order; `None` for nothing.
    pub fn append_all<'e>(
        &mut self,
        happened: impl IntoIterator<Item = (Timestamp, &'e Event)>,
    ) -> Option<Segment> {
        let before = self.head;
        let happened = happened.into_iter();
        let count = happened.size_hint().0;
        let (mut hashes, mut entries) = (Vec::with_capacity(count * Digest::LENGTH), Vec::new());
        // One for all entries: what is hashed stands in it, the hash before and the entry.
        let mut buffer = Vec::new();
        let mut until = None;
        for (time, event) in happened {
            if until.is_some() {
                entries.push(b'\n');
            }
            let (sequence, begin) = (self.head.sequence + 1, entries.len());
            canonical::write(&mut entries, event, &self.node, sequence, time);
            let hash = hash(&mut buffer, &self.head.hash, &entries[begin..]);
            hashes.extend_from_slice(hash.as_bytes());
            self.head = Head { sequence, hash };
            if until.replace(time).is_none() {
                // The others are about as long.
                entries.reserve(entries.len() * count);
            }
        }
        Some(Segment {
            node: self.node.clone(),
            first: before.sequence + 1,
            last: self.head.sequence,
            previous_hash: before.hash,
            hashes,
            entries: String::from_utf8(entries).expect("it is made of texts"),
            until: until?,
        })
    }
}

/// `SHA-256(previous || entry)`, put together in `buffer`.
pub(crate) fn hash(buffer: &mut Vec<u8>, previous: &Digest, entry: &[u8]) -> Digest {
    buffer.clear();
    buffer.extend_from_slice(previous.as_bytes());
    buffer.extend_from_slice(entry);
    Digest::of(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Outcome, entry::tests::full_event};

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

    /// Chains that were written long ago have to go on verifying; `entry.rs` has the text that this is the hash of.
    #[test]
    fn a_hash_is_what_it_was() {
        let head = Head { sequence: 6, ..Head::default() };
        let link = Chain::new("n", head).append(Timestamp::from_seconds(1), &full_event());
        assert_eq!(link.hash.to_base64url(), "ahtQQobdH12Unh2-Bq70fs41D1JDZqVk02bsSLjiMiM");
    }
}
