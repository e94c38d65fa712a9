use oauth::Timestamp;
use secret::Digest;

use crate::{Entry, Link};

/// Consecutive links of one chain that were written together: what one row of the log holds.
///
/// What a hash stands for besides its entry is the hash before it, so that nothing is stored twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Whose chain.
    pub node: String,
    /// The sequence number of the first link.
    pub first: i64,
    /// The sequence number of the last link.
    pub last: i64,
    /// The hash of the entry before the first link.
    pub previous_hash: Digest,
    /// The hashes of the links, 32 bytes each.
    pub hashes: Vec<u8>,
    /// The entries of the links, with a line break between them: canonical JSON has none.
    pub entries: String,
    /// The time of the last link.
    pub until: Timestamp,
}

impl Segment {
    /// The links again, the first one first, and at least one. Where a row is not what a
    /// [`Chain`](crate::Chain) made, some
    /// link is none that a [`Verifier`](crate::Verifier) accepts.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        let mut hashes = self.hashes.chunks(Digest::LENGTH).map(read_hash);
        let mut entries = self.entries.split('\n').zip(self.first..).peekable();
        let mut previous_hash = self.previous_hash;
        std::iter::from_fn(move || {
            let (entry, sequence) = entries.next()?;
            let hash = hashes.next().unwrap_or_else(no_hash);
            let is_last = entries.peek().is_none();
            let is_labelled = !is_last || sequence == self.last && hashes.next().is_none();
            let own_time = Entry::parse(entry).ok().filter(|_| !is_last).map(|entry| entry.time);
            Some(Link {
                node: self.node.clone(),
                sequence,
                // The row says when the last one was; all others only say so themselves.
                time: own_time.unwrap_or(self.until),
                previous_hash: std::mem::replace(&mut previous_hash, hash),
                hash: if is_labelled { hash } else { no_hash() },
                entry: entry.to_owned(),
            })
        })
    }
}

fn read_hash(bytes: &[u8]) -> Digest {
    Digest::from_bytes(bytes).unwrap_or_else(no_hash)
}

/// The hash of no entry.
fn no_hash() -> Digest {
    Digest::of(b"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, Head, entry::tests::full_event, verify};

    fn segment(count: i64) -> Option<Segment> {
        let event = full_event();
        let happened = (1..=count).map(|second| (Timestamp::from_seconds(second), &event));
        Chain::new("n", Head::default()).append_all(happened)
    }

    fn links(count: i64) -> Vec<Link> {
        let mut chain = Chain::new("n", Head::default());
        (1..=count).map(|second| chain.append(Timestamp::from_seconds(second), &full_event())).collect()
    }

    #[test]
    fn the_links_come_back_as_they_were() {
        for count in 1..4 {
            let segment = segment(count).unwrap();
            assert_eq!((segment.first, segment.last), (1, count));
            assert_eq!(segment.links().collect::<Vec<_>>(), links(count));
        }
        assert_eq!(segment(0), None);
    }

    #[test]
    fn whatever_is_changed_in_a_row_is_seen() {
        let whole = segment(3).unwrap();
        let changes: [fn(&mut Segment); 10] = [
            |segment| segment.first = 2,
            |segment| segment.node = "m".into(),
            |segment| segment.previous_hash = Digest::of(b""),
            |segment| segment.until = Timestamp::from_seconds(9),
            |segment| segment.last = 4,
            |segment| segment.entries = segment.entries.replacen("get_data", "put_data", 1),
            |segment| segment.entries = segment.entries.replacen('\n', "\n\n", 1),
            |segment| segment.entries = segment.entries.replacen('\n', "", 1),
            |segment| segment.hashes[40] ^= 1,
            |segment| segment.hashes.push(0),
        ];
        assert!(verify("n", &whole.links().collect::<Vec<_>>(), &[], &[]).is_sound());
        for (index, change) in changes.iter().enumerate() {
            let mut segment = whole.clone();
            change(&mut segment);
            let links: Vec<_> = segment.links().collect();
            assert!(!verify("n", &links, &[], &[]).is_sound(), "change {index}");
        }
    }
}
